"""One member at a time: its service moved away, Corosync and Pacemaker restarted, everything whole before the next."""

from __future__ import annotations

from pcmk_ha.desired.names import CLUSTER_UNITS
from pcmk_ha.errors import Refused
from pcmk_ha.operate.look.service import look_at_service
from pcmk_ha.operate.members import Members
from pcmk_ha.operate.moves.switchover import switch_over
from pcmk_ha.operate.parts.cluster import await_quorum, start_cluster
from pcmk_ha.operate.parts.drbd import is_paired
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.plan.placement import other_data_node
from pcmk_ha.remote.runner import Runner

COPY_S = 300


def restart_member(members: Members, name: str) -> None:
    """Restart Corosync and Pacemaker on one node; raises Refused while the other side has no good copy.

    The service leaves first, by a switchover with everything that belongs to it.
    """
    cluster = members.cluster
    runner, other = members.nodes[name], members.nodes[other_data_node(cluster, name)]
    resource = cluster.drbd.resource
    if not is_paired(other, resource):
        raise Refused(
            f"{name} is not restarted: {other.node} has no second good copy",
            hint="`pcmk-ha status` shows why; apply goes on once both sides are UpToDate",
        )
    if _holds_service(members, runner):
        switch_over(members, other.node)
    runner.run(("systemctl", "stop", *reversed(CLUSTER_UNITS)), timeout=300)
    start_cluster(runner)
    await_quorum(other, len(cluster.members))
    wait_until(
        lambda: is_paired(other, resource),
        bool,
        what=f"both copies UpToDate after {name} came back",
        timeout_s=COPY_S,
        every_s=1,
        hint="`pcmk-ha status` shows the resync",
    )


def _holds_service(members: Members, runner: Runner) -> bool:
    service = look_at_service(runner, members.cluster)
    return runner.node in (service.promoted_on, service.database_on, service.vip_on)
