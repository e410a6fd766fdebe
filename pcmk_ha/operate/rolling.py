"""One member at a time: its service moved away, Corosync and Pacemaker restarted, everything whole before the next."""

from __future__ import annotations

from collections.abc import Mapping

from pcmk_ha.desired.names import CLUSTER_UNITS
from pcmk_ha.desired.values import Desired
from pcmk_ha.errors import Refused
from pcmk_ha.operate.cluster import await_quorum, start_cluster
from pcmk_ha.operate.service import look_at_service
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.remote.runner import Runner

WHOLE = "UpToDate/UpToDate"


def restart_member(nodes: Mapping[str, Runner], desired: Desired, name: str) -> None:
    """Restart Corosync and Pacemaker on one node; raises Refused while the other side has no good copy."""
    other = next(nodes[node.name] for node in desired.cluster.nodes if node.name != name)
    if not _is_whole(other, desired):
        raise Refused(
            f"{name} is not restarted: {other.node} has no second good copy",
            hint="`pcmk-ha status` shows why; apply goes on once both sides are UpToDate",
        )
    move_away(nodes, desired, name)
    nodes[name].run(("systemctl", "stop", *reversed(CLUSTER_UNITS)), timeout=300)
    start_cluster(nodes[name])
    await_quorum(other, len(desired.cluster.members))
    wait_until(
        lambda: _is_whole(other, desired),
        lambda whole: whole,
        what=f"both copies UpToDate after {name} came back",
        timeout_s=300,
        every_s=1,
        hint="`pcmk-ha status` shows the resync",
    )


def move_away(nodes: Mapping[str, Runner], desired: Desired, name: str) -> None:
    """Have the other data node serve; the node stays in standby until its cluster is restarted."""
    runner = nodes[name]
    if name not in _holders(runner, desired):
        return
    standby = ("crm_attribute", "--node", name, "--name", "standby", "--update", "on", "--lifetime", "reboot")
    runner.run(standby)
    wait_until(
        lambda: look_at_service(runner, desired.cluster),
        lambda service: service.is_up and service.database_on != name,
        what=f"the service away from {name}",
        timeout_s=300,
        hint=f"`crm_attribute --node {name} --name standby --delete --lifetime reboot` takes it back",
    )


def _holders(runner: Runner, desired: Desired) -> tuple[str, ...]:
    service = look_at_service(runner, desired.cluster)
    return (service.promoted_on, service.database_on, service.vip_on)


def _is_whole(runner: Runner, desired: Desired) -> bool:
    found = runner.run(("drbdadm", "dstate", desired.cluster.drbd.resource), ok=None)
    return found.stdout.strip() == WHOLE
