"""Whether a cluster may be broken now, and whether it is whole again."""

from __future__ import annotations

from pcmk_ha.drill.scenario import Scenario, Where
from pcmk_ha.errors import Refused
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.status import Health, Status


def check_able(scenario: Scenario, cluster: Cluster) -> None:
    """Raise Refused, with the reason, when a scenario cannot be played on such a cluster at all."""
    if scenario.where is Where.LAB and not cluster.lab:
        raise Refused(f"{scenario.name} breaks what only a lab can mend", hint="`pcmk-ha drill list --anywhere`")
    if scenario.needs_arbiter and not cluster.arbiter:
        raise Refused(f"{scenario.name} needs an arbiter", hint="pcmk-ha lab up --arbiter")


def check_healthy(status: Status) -> None:
    """Raise Refused, with what is wrong, when a cluster is not fit to be broken."""
    if not is_whole(status, failures_stay=False):
        why = "; ".join(finding.what for finding in status.findings) or status.health.name.lower()
        hint = "`pcmk-ha status` says what to do; nothing was touched"
        raise Refused(f"the cluster is not healthy: {why}", hint=hint)


def is_whole(status: Status, *, failures_stay: bool) -> bool:
    """Whether every member is there, the service is up, both copies are good and nothing is left or under way."""
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
