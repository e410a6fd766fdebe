"""The service by the distribution's own resource agents."""

from __future__ import annotations

from pcmk_ha.cib.elements import Element, Op, primitive
from pcmk_ha.cib.names import FILESYSTEM, SERVER, VIP
from pcmk_ha.model.cluster import Cluster


def drbd(cluster: Cluster) -> Element:
    """DRBD without notifications: they would be eight agent runs between fencing and PostgreSQL."""
    return primitive(
        cluster.drbd_id,
        "ocf:linbit:drbd",
        # The agent's monitors and the fence handler tell it the same things.
        parameters={"drbd_resource": cluster.drbd.resource, "ignore_missing_notifications": "true"},
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
        "ocf:heartbeat:Filesystem",
        parameters={
            "device": f"/dev/drbd{cluster.drbd.minor}", "directory": wanted.mount_point, "fstype": wanted.type,
            "options": wanted.options, "run_fsck": "no",
        },
        ops=(Op("start", 60), Op("stop", 60), Op("monitor", 40, 20)),
    )  # fmt: skip


def server(cluster: Cluster, version: int, data: str) -> Element:
    """Start PostgreSQL, of this version and in this directory."""
    programs = f"/usr/lib/postgresql/{version}/bin"
    parameters: dict[str, str | int] = {
        "pgctl": f"{programs}/pg_ctl", "psql": f"{programs}/psql", "pgdata": data,
        "config": f"{data}/postgresql.conf", "socketdir": "/run/postgresql",
        "logfile": "/var/log/postgresql/pcmk-ha.log", "stop_escalate": cluster.timeouts.stop_s - 30,
    }  # fmt: skip
    if cluster.postgresql.port != 5432:
        parameters["pgport"] = cluster.postgresql.port
    return primitive(
        SERVER,
        "ocf:heartbeat:pgsql",
        parameters=parameters,
        ops=(
            Op("start", cluster.timeouts.start_s),
            Op("stop", cluster.timeouts.stop_s),
            Op("monitor", 30, 10),
        ),
    )


def vip(cluster: Cluster) -> Element:
    """Take the address."""
    wanted = cluster.vip
    parameters: dict[str, str | int] = {"ip": str(wanted.address), "arp_bg": "true"}
    if wanted.prefix is not None:
        parameters["cidr_netmask"] = wanted.prefix
    if wanted.interface:
        parameters["nic"] = wanted.interface
    if wanted.address.version == 6:
        parameters.pop("arp_bg")
    return primitive(
        VIP,
        "ocf:heartbeat:IPaddr2",
        parameters=parameters,
        ops=(Op("start", 20), Op("stop", 20), Op("monitor", 20, 10)),
    )
