"""Another agent for a resource that runs: Pacemaker is given it while nothing runs.

Of a live resource whose agent changes Pacemaker forgets what is running as soon as it has stopped it, makes a new plan,
and starts the file system again under the feet of the demotion, which then waits until its time-out (2.1.5 and 3.0.0).
DRBD lets nothing worse come of it, but it takes a minute and a half. Stopped first, it takes seconds.
"""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from pcmk_ha.cib.names import SERVICE_CLASS
from pcmk_ha.operate.members import Members
from pcmk_ha.operate.moves.mover import Mover
from pcmk_ha.plan.halt import STOP_ALL
from pcmk_ha.plan.moves import AwaitStopped, SetProperty


def replaces_agents(live: str, desired: str) -> bool:
    """Whether a resource of the service gets another agent."""
    before, after = _agents(live), _agents(desired)
    return any(before[ident] != agent for ident, agent in after.items() if ident in before)


def stop_everything(members: Members) -> None:
    """Stop every resource and wait until none runs; `start_everything` or `pcmk-ha start` ends it."""
    mover = Mover(members.cluster, members.nodes)
    mover(SetProperty(STOP_ALL, "true"))
    mover(AwaitStopped())


def start_everything(members: Members) -> None:
    """Let Pacemaker start what should run."""
    Mover(members.cluster, members.nodes)(SetProperty(STOP_ALL, ""))


def _agents(cib: str) -> Mapping[str, tuple[str | None, ...]]:
    root = etree.fromstring(cib.encode())
    return {
        str(found.get("id")): (found.get("provider"), found.get("type"))
        for found in root.iterfind("configuration/resources//primitive")
        if found.get("class") == SERVICE_CLASS
    }
