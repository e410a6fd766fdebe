"""Have every Corosync count another number of votes, and take that back where the third vote does not come."""

from __future__ import annotations

from collections.abc import Mapping

from pcmk_ha.desired.names import COROSYNC_CONF
from pcmk_ha.desired.values import Desired
from pcmk_ha.errors import Refused, TimedOut
from pcmk_ha.facts.corosync import Quorum
from pcmk_ha.operate.arbiter.look import count_votes
from pcmk_ha.operate.parts import node
from pcmk_ha.operate.parts.cluster import reload_corosync
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.plan.arbiter import Sides, counts_all
from pcmk_ha.remote.runner import Runner

JOIN_S = 30  # two of three votes are there meanwhile: not longer than links and a membership take
LEAVE_S = 60
LINKS = "is UDP 5405 and up open between the nodes? corosync-cfgtool -n on each shows who misses whom"


def change_votes(nodes: Mapping[str, Runner], sides: Sides, votes: int, *, join_s: float = JOIN_S) -> None:
    """Reload Corosync everywhere, and wait until every member counts that many; raises TimedOut.

    With three votes the third node must be waiting already. Where it does not become a member, the data nodes count two
    again: without it, the next loss would stop the service.
    """
    desired = sides.three if votes == 3 else sides.two
    members = {member.name: nodes[member.name] for member in desired.cluster.members}
    first = next(iter(members.values()))
    if votes == 3 and sides.third not in count_votes({sides.third: nodes[sides.third]}):
        raise Refused(f"Corosync does not run on {sides.third}: nothing was reloaded", hint="run it again")
    reload_corosync(first)
    try:
        _await_count(members, votes, join_s if votes == 3 else LEAVE_S)
    except TimedOut as error:
        if votes == 3:
            _take_back(nodes, sides.two)
            error.hint = f"the data nodes count two votes again, as before; {LINKS}"
        raise


def _await_count(members: Mapping[str, Runner], votes: int, timeout_s: float) -> None:
    wait_until(
        lambda: count_votes(members),
        lambda seen: all(counts_all(seen.get(name), votes) for name in members),
        what=f"{votes} votes, counted by every member",
        timeout_s=timeout_s,
        hint=LINKS,
        describe=_said,
    )


def _said(seen: Mapping[str, Quorum]) -> str:
    return "; ".join(f"{name} sees {count.votes} of {count.expected}" for name, count in seen.items()) or "nothing"


def _take_back(nodes: Mapping[str, Runner], two: Desired) -> None:
    """Both files, then one reload: they see each other, and the third alone has one vote of three."""
    names = [member.name for member in two.cluster.members]
    for name in names:
        node.put_file(nodes[name], node.desired_file(two, name, COROSYNC_CONF))
    reload_corosync(nodes[names[0]])
    _await_count({name: nodes[name] for name in names}, 2, LEAVE_S)
