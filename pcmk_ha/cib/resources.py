"""The service: DRBD, file system, PostgreSQL and VIP, and what ties them together."""

from __future__ import annotations

from collections.abc import Iterator

from pcmk_ha.cib.elements import Element, Op, avoid, clone, colocation, group, order, primitive, stop_last
from pcmk_ha.model.cluster import Cluster

GROUP, FILESYSTEM, SERVER, VIP = "pg", "pg_fs", "pg_server", "pg_vip"


def resources(cluster: Cluster, version: int, data: str) -> Iterator[Element]:
    """Yield the service's resources; op timeouts are never below the agents' own metadata."""
    yield clone(
        _drbd(cluster),
        {
            "promotable": "true", "promoted-max": 1, "promoted-node-max": 1, "clone-max": 2, "clone-node-max": 1,
            "interleave": "true", "notify": "false",
        },
    )  # fmt: skip
    yield group(GROUP, (_filesystem(cluster), _server(cluster, version, data)))
    yield _vip(cluster)


def _drbd(cluster: Cluster) -> Element:
    return primitive(
        cluster.drbd_id,
        "ocf:linbit:drbd",
        # Notifications would be eight agent runs between fencing and PostgreSQL; the agent's monitors and
        # the fence handler tell it the same things.
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


def _filesystem(cluster: Cluster) -> Element:
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


def _server(cluster: Cluster, version: int, data: str) -> Element:
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


def _vip(cluster: Cluster) -> Element:
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


def constraints(cluster: Cluster) -> Iterator[Element]:
    """Yield where and in which order: everything on the promoted side, the VIP without waiting for PostgreSQL."""
    drbd = f"{cluster.drbd_id}-clone"
    yield colocation(f"{GROUP}-with-{drbd}", GROUP, drbd, with_role="Promoted")
    yield order(f"{drbd}-then-{GROUP}", drbd, "promote", GROUP)
    yield colocation(f"{VIP}-with-{GROUP}", VIP, GROUP)
    # Said of the promoted side itself, too: a node on which the address cannot start then loses the promotion. What
    # depends on a dependent has no say in it, and the service would stay where no client reaches it.
    yield colocation(f"{VIP}-with-{drbd}", VIP, drbd, with_role="Promoted")
    # With the address up early, clients are refused at once and try again, instead of waiting for silence.
    yield order(f"{drbd}-then-{VIP}", drbd, "promote", VIP)
    # Without the address PostgreSQL waits, for authentication_timeout, for whoever was just about to say who he is.
    yield stop_last(f"{SERVER}-stops-before-{VIP}", SERVER, VIP)
    if cluster.arbiter:
        for resource in (drbd, GROUP, VIP):
            name = cluster.arbiter.name
            yield avoid(f"{resource}-not-on-{name}", resource, name, never_probe=True)
