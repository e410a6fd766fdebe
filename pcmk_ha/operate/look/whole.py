"""Whether a cluster has all it needs to lose a node, and waiting until it has."""

from __future__ import annotations

from collections.abc import Callable

from pcmk_ha.errors import Refused
from pcmk_ha.operate.look.status import Health, Status
from pcmk_ha.operate.tell import Say
from pcmk_ha.operate.wait import wait_until

EVERY_S = 2


def is_whole(status: Status, *, failures_stay: bool = False) -> bool:
    """Every member is there, the service is up, both copies are good and nothing is left or under way.

    With `failures_stay` but failures, and what else may be found: a drill that makes an action fail leaves that.
    """
    service = status.service
    copies = [facts.drbd for facts in status.members.values() if facts.drbd]
    return (
        service.is_serving
        and len(service.unpromoted_on) == 1
        and len(copies) == 2
        and all(copy.is_redundant for copy in copies)
        and all(word == "online" for word in status.nodes.values())
        and not status.unreachable
        and not status.leftovers
        and not any(event.status == "pending" for event in status.fencings)
        and (failures_stay or not status.failures)
        and (failures_stay or status.health is Health.HEALTHY)
    )


def what_is_missing(status: Status) -> str:
    """Return in one line what a whole cluster would have."""
    found = "; ".join(finding.what for finding in status.findings)
    return found or "the cluster has not settled yet"


def require_whole(status: Status) -> None:
    """Raise Refused, with what is wrong, unless the cluster is whole."""
    if not is_whole(status):
        hint = "`pcmk-ha status` says what to do; nothing was touched"
        raise Refused(f"the cluster is not healthy: {what_is_missing(status)}", hint=hint)


def await_whole(look: Callable[[], Status], say: Say, *, timeout_s: float) -> Status:
    """Look until the cluster is whole, and say meanwhile what it lacks; raises TimedOut."""

    def observe() -> Status:
        status = look()
        if not is_whole(status):
            say(f"waiting: {what_is_missing(status)}")
        return status

    return wait_until(
        observe, is_whole, what="a whole cluster", timeout_s=timeout_s, every_s=EVERY_S, describe=what_is_missing,
        hint="`pcmk-ha status` says what to do",
    )  # fmt: skip
