"""From two votes to three and back while the service runs, and why in this order.

Two data nodes alone count with `two_node`: each may go on without the other, and fencing, with a head start for the
node that serves, decides between them. With three votes a side needs two. What must never be: a single loss that costs
the quorum although it should not; an arbiter that helps one side while the other counts with `two_node`; a node of
which Pacemaker knows without having seen it, for it fences such a node.

**Adding.**

1. The third node is prepared; nothing is started there, and nobody else knows of it.
2. Its *Corosync alone* is started. It counts three votes and has one: not quorate, whatever happens. The data nodes
   do not know its address and let it wait. It comes first, because the moment the data nodes count three votes they
   need it: two of three, and the next loss would stop the service.
3. The CIB gets its device and what keeps resources off it, before Pacemaker there could be asked to run anything. The
   head start of two votes stays.
4. The data nodes' corosync.conf: the one that does not serve first, then the one that serves, then at once the reload,
   which every running Corosync carries out at the same point of the totally ordered stream of messages. Both have all
   of two votes at that point, so that two of three are there: no quorum is lost in between. A loss right then ends in
   a new membership a token and a consensus later (2.2 s), and by then the third is one of it (1.5 s in a lab). Where it
   does not become a member, the data nodes are given their old file back.
5. Pacemaker is started there and takes the configuration from the others.
6. The head start goes: it belongs to two votes.

**Removing** is the same backwards. The head start comes first, then Pacemaker stops on the third node, *whose vote
still counts*. The data nodes' files and one reload take it away: each of the two counts two votes from then on, and the
third, whose file is the old one, has one of three. Only then its Corosync stops. Pacemaker forgets it after Corosync
did: a DC that takes over enters everybody of Corosync's list, and fences whom it has never seen. Its device goes last,
also when it is dead and Pacemaker tries for minutes to start it: taken away in the middle of that its stop never
ended, and the node on which it was to stop was fenced (seen with 3.0.0).

Between the first file of step 4 and the reload a data node that restarts counts otherwise than the other one. Should
their links be cut in that very moment, both may be quorate, as with two votes: the head start is there, and fencing
decides as it did before.

Every step follows from what is found, so that a run that was killed anywhere is finished by the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pcmk_ha.cib.items import config_digest, items
from pcmk_ha.cib.merge import is_merged
from pcmk_ha.desired.names import AUTHKEY, COROSYNC, COROSYNC_CONF, PACEMAKER, RUNNING_UNITS
from pcmk_ha.desired.values import Desired
from pcmk_ha.facts.corosync import Quorum
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import arbiter_actions as vote
from pcmk_ha.plan.build import is_active, prepare_node, starts_at_boot_as_wanted
from pcmk_ha.plan.facts import Facts, NodeFacts, differing
from pcmk_ha.plan.owned import gone_from_cib, with_records
from pcmk_ha.plan.values import NOTHING, After, Draft, Plan

TWO_NODE = "2Node"  # corosync-quorumtool's word for it


@dataclass(frozen=True)
class Sides:
    """The cluster of two votes and the same with three, as the file describes both."""

    two: Desired
    three: Desired

    @property
    def third(self) -> str:
        """The arbiter's name."""
        assert self.three.cluster.arbiter is not None
        return self.three.cluster.arbiter.name


@dataclass(frozen=True)
class Seen:
    """What was found about votes and about the third node, beyond what every plan is made from."""

    counts: Mapping[str, Quorum] = field(default_factory=dict)  # by member whose Corosync runs
    online: frozenset[str] = frozenset()  # as Pacemaker sees it
    known: frozenset[str] = frozenset()  # nodes in Pacemaker's configuration
    left_cib: bool = False  # the third node holds a CIB, and its Pacemaker does not run
    left_record: bool = False  # the third node holds a record of what was written there


def plan_add(sides: Sides, facts: Facts, seen: Seen) -> Plan:
    """Every step to three votes; `facts` are of all three nodes, by what three votes want."""
    draft, desired = Draft(), sides.three
    third = facts.nodes[sides.third]
    first = desired.cluster.nodes[0].name
    runs = all(is_active(third, unit) for unit in RUNNING_UNITS) and not third.runs_packaged_cluster
    done = _prepare(draft, sides, facts)
    if not runs:
        done = _prepare_third(draft, sides, third, seen, done)
    if not is_merged(facts.service.cib, desired.cib):
        done = draft.add(act.PushCib(first, (), config_digest(facts.service.cib)), done)
    done = _count(draft, desired, facts, seen, done)
    if not runs:
        done = draft.add(act.StartCluster(third.name), done)
    if not runs or third.name not in seen.online:
        done = draft.add(act.AwaitQuorum(first), done)
    if gone := not_wanted(sides.two, desired, facts):
        done = draft.add(act.PushCib(first, gone), done)
    if not starts_at_boot_as_wanted(desired, third):
        done = draft.add(act.SetBoot(third.name, desired.cluster.start_on_boot), done)
    return _finish(draft, desired, facts, done)


def plan_remove(sides: Sides, facts: Facts, seen: Seen, third: NodeFacts | None, *, by_word: bool = False) -> Plan:
    """Every step to two votes; `facts` are of the data nodes, by what two votes want.

    `third` is None where the arbiter does not answer: then it is proven off first, or `by_word`.
    """
    draft, desired = Draft(), sides.two
    first = desired.cluster.nodes[0].name
    done = NOTHING
    if third is None and sides.third in seen.known:
        # First of all: while it is unclean, nothing else that Pacemaker is asked for comes to its end.
        done = draft.add(vote.ProveOff(first, sides.third, by_word), done)
    if not is_merged(facts.service.cib, desired.cib):
        done = draft.add(act.PushCib(first, (), config_digest(facts.service.cib)), done)
    if third is not None and is_active(third, PACEMAKER):
        done = draft.add(vote.LeavePacemaker(sides.third), done)
        done = draft.add(vote.AwaitLeft(first, sides.third), done)
    done = _count(draft, desired, facts, seen, done)
    if third is not None and is_active(third, COROSYNC):
        done = draft.add(vote.StopCorosync(sides.third), done)
    if sides.third in seen.known:
        done = draft.add(vote.ForgetMember(first, sides.third), done)
    if gone := not_wanted(sides.three, desired, facts):
        done = draft.add(act.PushCib(first, gone), done)
    if third is not None and (third.files or seen.left_record):
        done = draft.add(vote.UndoMember(sides.third), done)
    for node in facts.nodes.values():
        done |= prepare_node(draft, desired, node, but=(COROSYNC_CONF,))
    return _finish(draft, desired, facts, done)


def not_wanted(former: Desired, desired: Desired, facts: Facts) -> tuple[str, ...]:
    """Return what of the live CIB belongs to the other number of votes, or was ours and goes anyway."""
    if not facts.service.cib:
        return ()
    belongs = (set(items(former.cib)) - set(items(desired.cib))) & set(items(facts.service.cib))
    return tuple(sorted(belongs | set(gone_from_cib(desired, facts))))


def counts_all(count: Quorum | None, votes: int) -> bool:
    """Whether a Corosync sees so many votes, all there are, and counts with two_node only where there are two."""
    if count is None:
        return False
    return count.quorate and count.votes == count.expected == votes and (TWO_NODE in count.flags) == (votes == 2)


def _prepare(draft: Draft, sides: Sides, facts: Facts) -> After:
    """All but what says how many votes there are, and nothing that would start at boot alone."""
    ready = NOTHING
    for name, node in facts.nodes.items():
        third = name == sides.third
        ready |= prepare_node(draft, sides.three, node, but=() if third else (COROSYNC_CONF,), boot=not third)
    return ready


def _prepare_third(draft: Draft, sides: Sides, third: NodeFacts, seen: Seen, done: After) -> After:
    if seen.left_cib and not third.runs_packaged_cluster:
        done = draft.add(vote.ForgetFormerLife(third.name), done)
    done = draft.add(vote.AskDevices(third.name), done)
    alone = is_active(third, COROSYNC) and not third.runs_packaged_cluster
    changed = differing(sides.three.files[third.name], third.files)
    if alone and (third.corosync_differs or COROSYNC_CONF in changed or AUTHKEY in changed):
        done = draft.add(vote.StopCorosync(third.name), done)
        alone = False
    return done if alone else draft.add(vote.StartCorosync(third.name), done)


def _count(draft: Draft, desired: Desired, facts: Facts, seen: Seen, done: After) -> After:
    """The files, the node that serves last, and then the one reload."""
    names = sorted((n.name for n in desired.cluster.nodes), key=lambda name: name == facts.service.promoted_on)
    changed = [name for name in names if COROSYNC_CONF in differing(desired.files[name], facts.nodes[name].files)]
    for name in changed:
        done = draft.add(act.WriteFiles(name, (COROSYNC_CONF,)), done)
    votes = len(desired.cluster.members)
    agreed = all(counts_all(seen.counts.get(node.name), votes) for node in desired.cluster.members)
    if changed or not agreed or any(facts.nodes[name].corosync_differs for name in names):
        done = draft.add(vote.CountVotes(names[0], votes), done)
    return done


def _finish(draft: Draft, desired: Desired, facts: Facts, done: After) -> Plan:
    if done:
        first = desired.cluster.nodes[0].name
        draft.add(act.VerifyWrite(first), draft.add(act.AwaitService(first), done))
    return with_records(draft.done(), desired, facts)
