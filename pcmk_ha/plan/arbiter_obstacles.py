"""Why the number of votes must not be changed now: what else the file wants, and what the third node holds."""

from __future__ import annotations

from collections.abc import Iterator

from pcmk_ha.cib.items import describe, items
from pcmk_ha.desired.names import COROSYNC, COROSYNC_CONF, PACEMAKER
from pcmk_ha.errors import Problem
from pcmk_ha.plan.arbiter import Seen, Sides, counts_all
from pcmk_ha.plan.build import is_active
from pcmk_ha.plan.facts import Facts, FileFact, NodeFacts
from pcmk_ha.plan.owned import newest
from pcmk_ha.plan.record import identity

APPLY = "`pcmk-ha plan` shows it with the file as it was; apply that first, or put the file back"
MEMBERS = "the members"


def find_others(sides: Sides, facts: Facts) -> Iterator[Problem]:
    """Everything on the data nodes that is as neither two nor three votes want it: this command changes nothing else.

    What an earlier run left half done is as one of the two.
    """
    yield from _other_identity(sides, facts)
    for node in sides.two.cluster.nodes:
        for file in sides.two.files[node.name]:
            other = next(f for f in sides.three.files[node.name] if f.path == file.path)
            found = facts.nodes[node.name].files.get(file.path)
            if found not in [FileFact(f.digest, f.mode, f.owner) for f in (file, other)]:
                yield Problem(
                    f"{node.name}: {file.path} is not as the file wants it, with or without an arbiter", APPLY
                )
    for file in sides.two.volume_files:
        if facts.service.volume_files.get(file.path) != FileFact(file.digest, file.mode, file.owner):
            yield Problem(f"{file.path} is not as the file wants it", APPLY)
    yield from _other_configuration(sides, facts)


def _other_configuration(sides: Sides, facts: Facts) -> Iterator[Problem]:
    live, two, three = items(facts.service.cib or "<cib/>"), items(sides.two.cib), items(sides.three.cib)
    for key in dict.fromkeys([*two, *three]):
        if live.get(key) not in (two.get(key), three.get(key)):
            said = describe(key, two.get(key) or three.get(key, ""))
            yield Problem(f"{said} in the CIB is not as the file wants it, with or without an arbiter", APPLY)


def _other_identity(sides: Sides, facts: Facts) -> Iterator[Problem]:
    record = newest(facts)
    two, three = identity(sides.two), identity(sides.three)
    for name, was in (record.identity if record else {}).items():
        if was not in (two.get(name), three.get(name)):
            hint = "`pcmk-ha remove-arbiter` first, with the file as it was" if name == MEMBERS else APPLY
            yield Problem(f"{name}: was {was}, and the file says {three.get(name, 'nothing')}", hint)


def find_occupied(sides: Sides, facts: Facts, seen: Seen, *, left_cib: str = "") -> Iterator[Problem]:
    """Why the third node is not free: what runs there, or lies there, and is not from a run of ours."""
    third = facts.nodes[sides.third]
    hint = "take another machine, or end that first: an arbiter starts as an empty one"
    if not third.runs_packaged_cluster and runs_by_itself(sides, third, seen):
        former = f"; a former arbiter of this one: systemctl disable --now {PACEMAKER} {COROSYNC}, there"
        yield Problem(f"{third.name} runs a cluster that calls itself {third.running_cluster}, too", hint + former)
    if not third.configured_cluster and "<primitive" in left_cib:
        yield Problem(f"{third.name} holds the configuration of a cluster with resources", hint)


def runs_by_itself(sides: Sides, third: NodeFacts, seen: Seen) -> bool:
    """Whether its daemons were started by nobody of ours: ours never run Pacemaker before its vote counts."""
    counted = any(counts_all(seen.counts.get(node.name), 3) for node in sides.two.cluster.nodes)
    if is_active(third, PACEMAKER):
        return not counted
    return is_active(third, COROSYNC) and COROSYNC_CONF not in third.files


def has_begun(sides: Sides, facts: Facts) -> bool:
    """Whether the data nodes are somewhere between two and three votes already, or beyond."""
    conf = {f.digest for n in sides.two.cluster.nodes for f in sides.three.files[n.name] if f.path == COROSYNC_CONF}
    written = any(
        (found := facts.nodes[node.name].files.get(COROSYNC_CONF)) and found.digest in conf
        for node in sides.two.cluster.nodes
    )
    return written or f'id="fence_{sides.third}"' in (facts.service.cib or "")
