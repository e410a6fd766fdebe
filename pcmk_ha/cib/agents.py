"""Which resource agents run the service, and what each of them is told."""

from __future__ import annotations

from dataclasses import dataclass

from pcmk_ha.cib.elements import Values
from pcmk_ha.model.cluster import Cluster


@dataclass(frozen=True)
class Agent:
    """One resource agent, `class:provider:type`, and its parameters."""

    name: str
    parameters: Values


@dataclass(frozen=True)
class Agents:
    """Those of the whole service."""

    drbd: Agent
    filesystem: Agent
    server: Agent
    vip: Agent
    look_at_server_s: int  # between two looks at PostgreSQL


def choose_agents(cluster: Cluster, version: int, data: str) -> Agents:
    """Return our own agents, or the distribution's, for PostgreSQL of this version in this directory."""
    choose = _own if cluster.agents == "own" else _packaged
    return choose(cluster, f"/usr/lib/postgresql/{version}/bin", data)


def _own(cluster: Cluster, programs: str, data: str) -> Agents:
    """Ours spend less of a failover on programs and on waiting.

    PostgreSQL's looks every second whether the server is there, which costs next to nothing, and asks it something
    every ten. Two monitors would count one failure twice.
    """
    return Agents(
        drbd=Agent(
            "ocf:pcmk-ha:drbd",
            # Replaced by this, ocf:linbit:drbd is asked to demote with these parameters: hence the last one.
            {
                "drbd_resource": cluster.drbd.resource,
                "minor": cluster.drbd.minor,
                "ignore_missing_notifications": "true",
            },
        ),
        filesystem=Agent("ocf:pcmk-ha:filesystem", _mount(cluster)),
        server=Agent(
            "ocf:pcmk-ha:postgresql",
            {
                "pgdata": data, "bindir": programs, "stop_escalate": cluster.timeouts.stop_s - 30,
                **_port("port", cluster),
            },
        ),
        vip=Agent("ocf:pcmk-ha:vip", _address(cluster)),
        look_at_server_s=1,
    )  # fmt: skip


def _packaged(cluster: Cluster, programs: str, data: str) -> Agents:
    """Those of the distribution; DRBD's without notifications, eight agent runs between fencing and PostgreSQL."""
    return Agents(
        # The agent's monitors and the fence handler tell it the same things.
        drbd=Agent(
            "ocf:linbit:drbd",
            {"drbd_resource": cluster.drbd.resource, "ignore_missing_notifications": "true"},
        ),
        filesystem=Agent("ocf:heartbeat:Filesystem", {**_mount(cluster), "run_fsck": "no"}),
        server=Agent(
            "ocf:heartbeat:pgsql",
            {
                "pgctl": f"{programs}/pg_ctl", "psql": f"{programs}/psql", "pgdata": data,
                "config": f"{data}/postgresql.conf", "socketdir": "/run/postgresql",
                "logfile": "/var/log/postgresql/pcmk-ha.log", "stop_escalate": cluster.timeouts.stop_s - 30,
                **_port("pgport", cluster),
            },
        ),
        vip=Agent(
            "ocf:heartbeat:IPaddr2",
            _address(cluster) | ({"arp_bg": "true"} if cluster.vip.address.version == 4 else {}),
        ),
        look_at_server_s=10,
    )  # fmt: skip


def _mount(cluster: Cluster) -> Values:
    wanted = cluster.filesystem
    return {
        "device": f"/dev/drbd{cluster.drbd.minor}", "directory": wanted.mount_point, "fstype": wanted.type,
        "options": wanted.options,
    }  # fmt: skip


def _port(name: str, cluster: Cluster) -> Values:
    return {name: cluster.postgresql.port} if cluster.postgresql.port != 5432 else {}


def _address(cluster: Cluster) -> dict[str, str | int]:
    wanted = cluster.vip
    prefix: dict[str, str | int] = {"cidr_netmask": wanted.prefix} if wanted.prefix is not None else {}
    return {"ip": str(wanted.address), **prefix, **({"nic": wanted.interface} if wanted.interface else {})}
