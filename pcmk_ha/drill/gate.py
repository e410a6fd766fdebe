"""Whether a scenario can be played on a cluster at all."""

from __future__ import annotations

from pcmk_ha.drill.scenario import Scenario, Where
from pcmk_ha.errors import Refused
from pcmk_ha.model.cluster import Cluster


def check_able(scenario: Scenario, cluster: Cluster) -> None:
    """Raise Refused, with the reason, when a scenario cannot be played on such a cluster at all."""
    if scenario.where is Where.LAB and not cluster.lab:
        raise Refused(f"{scenario.name} breaks what only a lab can mend", hint="`pcmk-ha drill list --anywhere`")
    if scenario.agents not in ("", cluster.agents):
        raise Refused(f"{scenario.name} is for {scenario.agents} agents", hint="`pcmk-ha drill list` shows others")
    if scenario.needs_arbiter and not cluster.arbiter:
        raise Refused(f"{scenario.name} needs an arbiter", hint="pcmk-ha lab up --arbiter")
