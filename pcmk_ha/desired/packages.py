"""Which Debian packages a node needs."""

from __future__ import annotations

from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.platform import Platform

MEMBER = ("corosync", "pacemaker", "pacemaker-cli-utils", "resource-agents")
# Debian 13 split the fence agents; these names differ from the agent's.
PACKAGE_OF = {
    "fence_ipmilanplus": "fence-agents-ipmilan", "fence_ilo3": "fence-agents-ipmilan",
    "fence_ilo4": "fence-agents-ipmilan", "fence_ilo5": "fence-agents-ipmilan",
    "fence_idrac": "fence-agents-ipmilan", "fence_imm": "fence-agents-ipmilan",
}  # fmt: skip


def node_packages(cluster: Cluster, platform: Platform, *, data: bool) -> tuple[str, ...]:
    """Return what a data node, or the arbiter, needs."""
    version = cluster.postgresql.version or platform.postgresql
    wanted = [*MEMBER, *_fence_packages(cluster, platform)]
    if data:
        filesystem = {"ext4": "e2fsprogs", "xfs": "xfsprogs"}[cluster.filesystem.type]
        wanted += ["drbd-utils", filesystem, f"postgresql-{version}", "psmisc"]
    return tuple(sorted(wanted))


def _fence_packages(cluster: Cluster, platform: Platform) -> set[str]:
    if platform.suite == "bookworm":
        return {"fence-agents"}
    agents = {device.agent or cluster.stonith.agent for node in cluster.members for device in node.fence_devices}
    return {PACKAGE_OF.get(agent, agent.replace("fence_", "fence-agents-").replace("_", "-")) for agent in agents}
