"""The service by our own resource agents, which spend less of a failover on programs and on waiting."""

from __future__ import annotations

from pcmk_ha.cib.elements import Element, Op, primitive
from pcmk_ha.cib.names import FILESYSTEM, SERVER, VIP
from pcmk_ha.model.cluster import Cluster


def drbd(cluster: Cluster) -> Element:
    """Replicate; the fence handler and monitors tell the agent what notifications would."""
    return primitive(
        cluster.drbd_id,
        "ocf:pcmk-ha:drbd",
        # Replaced by this, ocf:linbit:drbd is asked to demote with these parameters: hence the last one.
        parameters={
            "drbd_resource": cluster.drbd.resource,
            "minor": cluster.drbd.minor,
            "ignore_missing_notifications": "true",
        },
        # What priority-fencing-delay looks at: the node with the promoted instance is worth more.
        meta={"priority": 10},
        ops=(
            Op("start", 240),
            Op("promote", cluster.timeouts.promote_s),
            Op("demote", 90),
            Op("stop", 100),
            Op("monitor", 30, 10, role="Promoted"),
            Op("monitor", 30, 20, role="Unpromoted"),
        ),
    )


def filesystem(cluster: Cluster) -> Element:
    """Mount what DRBD replicates."""
    wanted = cluster.filesystem
    return primitive(
        FILESYSTEM,
        "ocf:pcmk-ha:filesystem",
        parameters={
            "device": f"/dev/drbd{cluster.drbd.minor}", "directory": wanted.mount_point, "fstype": wanted.type,
            "options": wanted.options,
        },
        ops=(Op("start", 60), Op("stop", 60), Op("monitor", 40, 20)),
    )  # fmt: skip


def server(cluster: Cluster, version: int, data: str) -> Element:
    """Start PostgreSQL, of this version and in this directory.

    The monitor looks every second whether the server is there, which costs next to nothing, and asks it something every
    ten. Two monitors would count one failure twice.
    """
    parameters: dict[str, str | int] = {
        "pgdata": data, "bindir": f"/usr/lib/postgresql/{version}/bin", "stop_escalate": cluster.timeouts.stop_s - 30,
    }  # fmt: skip
    if cluster.postgresql.port != 5432:
        parameters["port"] = cluster.postgresql.port
    return primitive(
        SERVER,
        "ocf:pcmk-ha:postgresql",
        parameters=parameters,
        ops=(
            Op("start", cluster.timeouts.start_s),
            Op("stop", cluster.timeouts.stop_s),
            Op("monitor", 30, 1),
        ),
    )


def vip(cluster: Cluster) -> Element:
    """Take the address."""
    wanted = cluster.vip
    parameters: dict[str, str | int] = {"ip": str(wanted.address)}
    if wanted.prefix is not None:
        parameters["cidr_netmask"] = wanted.prefix
    if wanted.interface:
        parameters["nic"] = wanted.interface
    return primitive(
        VIP,
        "ocf:pcmk-ha:vip",
        parameters=parameters,
        ops=(Op("start", 20), Op("stop", 20), Op("monitor", 20, 10)),
    )
