"""Whether a cluster may be updated as it is now, or lacks only what an earlier run of this has under way. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from pcmk_ha.facts.pacemaker import PREFERENCE
from pcmk_ha.operate.look.standing import Standing
from pcmk_ha.operate.look.status import Status
from pcmk_ha.operate.look.whole import is_whole, what_is_missing
from pcmk_ha.operate.moves.waits import FENCED


def reasons_against_going_on(standing: Standing, aside: frozenset[str]) -> tuple[str, ...]:
    """Why nothing may be begun, or gone on with where a node is aside: what is there must be as it should be."""
    if not aside:
        whole = is_whole(standing.status) or is_move_left(standing.status)
        return () if whole else (f"the cluster is not healthy: {what_is_missing(standing.status)}",)
    return tuple(_without(standing, aside))


def _without(standing: Standing, aside: frozenset[str]) -> Iterator[str]:
    """One node is away on purpose; everything else must be there."""
    status = standing.status
    service = status.service
    if not service.is_up:
        yield "the service is not up"
    if not service.quorate:
        yield "the cluster has no quorum"
    if standing.maintenance:
        yield "the cluster is in maintenance mode"
    if standing.stop_all:
        yield "Pacemaker is told to run nothing (`pcmk-ha start` ends that)"
    for name, word in status.nodes.items():
        if name not in aside and word != "online":
            yield f"{name} is {word}"
        if word == "UNCLEAN" and name in aside:
            yield f"{name} is lost and not fenced yet"
    yield from (f"{name} does not answer: {why}" for name, why in status.unreachable.items() if name not in aside)
    yield from (f"{failure.resource} on {failure.node}: {failure.detail}" for failure in status.failures)
    for leftover in status.leftovers:
        if not leftover.id.startswith((FENCED, PREFERENCE)):
            yield f"constraint {leftover.id} is in force"
    yield from (f"{event.target} is being fenced" for event in status.fencings if event.status == "pending")


def is_move_left(status: Status) -> bool:
    """Whether all that is wrong is the constraint of a switchover that was killed."""
    return [left.id for left in status.leftovers] == [PREFERENCE] and len(status.findings) == 1


def is_catching_up(status: Status) -> bool:
    """Whether all that is missing is a second good copy, and it is on its way: that is worth waiting for."""
    copies = [facts.drbd for facts in status.members.values() if facts.drbd]
    return (
        status.service.is_up
        and all(word == "online" for word in status.nodes.values())
        and not status.failures
        and not status.unreachable
        and any(copy.is_syncing for copy in copies)
    )
