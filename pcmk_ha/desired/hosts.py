"""Our block of /etc/hosts: for people who log in; nothing in the cluster depends on names."""

from __future__ import annotations

from pcmk_ha.model.cluster import Cluster

BEGIN, END = "# BEGIN pcmk-ha", "# END pcmk-ha"


def hosts_block(cluster: Cluster) -> str:
    """Return the block with every member's first link."""
    lines = (f"{node.link_addresses[0]} {node.name}" for node in cluster.members)
    return "\n".join((BEGIN, *lines, END, ""))
