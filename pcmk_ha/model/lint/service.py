"""Ports, PostgreSQL, DRBD and Pacemaker: nothing that loses data, nothing that we set ourselves."""

from __future__ import annotations

from collections.abc import Iterator

from pcmk_ha.errors import Problem
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.document import Path
from pcmk_ha.model.lint.finding import Finding, Rule
from pcmk_ha.model.scalars import Scalar

OWNED_PARAMETERS = {
    "port": "set postgresql.port",
    "data_directory": "set postgresql.data_directory",
    "listen_addresses": "the VIP comes and goes, so PostgreSQL listens on every address",
    "unix_socket_directories": "Pacemaker's agent looks in /run/postgresql",
    "hba_file": "set postgresql.hba",
    "config_file": "the configuration lies on the replicated volume",
}
UNSAFE_PARAMETERS = {
    "fsync": "an acknowledged transaction could be lost in a failover",
    "full_page_writes": "a torn page after a failover could not be repaired",
    "synchronous_commit": "an acknowledged transaction could be lost in a failover",
}
UNSAFE_PROPERTIES: dict[str, tuple[str, ...]] = {
    "stonith-enabled": ("false", "no", "off", "0"),
    "fencing-enabled": ("false", "no", "off", "0"),
    "startup-fencing": ("false", "no", "off", "0"),
    "no-quorum-policy": ("ignore",),
}
TRUE = ("true", "yes", "on", "1")
OPERATED = {"maintenance-mode": "`pcmk-ha maintenance on`", "stop-all-resources": "`pcmk-ha stop`"}
# What a block may be told by: PostgreSQL's pg_control holds its own CRC-32C, so all its versions have one crc32c.
TRUSTED_HASHES = ("md5", "sha1", "sha256", "sha384", "sha512", "sha3-256", "sha3-512", "blake2b-256", "blake2b-512")
OWNED_DRBD = {"fencing", "protocol", "allow-two-primaries", "shared-secret", "rr-conflict", "on-io-error"}
FALSE = ("false", "no", "off", "0")


def _ports(cluster: Cluster) -> Iterator[Finding]:
    taken = {
        22: "SSH",
        **dict.fromkeys(range(5405, 5413), "Corosync (udp)"),
        2224: "pcsd",
        3121: "pacemaker_remote",
    }
    named = ((("postgresql", "port"), cluster.postgresql.port), (("drbd", "port"), cluster.drbd.port))
    for place, port in named:
        if port in taken:
            yield place, Problem(f"{'.'.join(map(str, place))}: {port} is used by {taken[port]}")
        taken[port] = str(place[0])


def _data_directory(cluster: Cluster) -> Iterator[Finding]:
    mount = cluster.filesystem.mount_point.rstrip("/")
    data = cluster.postgresql.data_directory
    if ".." in mount.split("/") or mount in (
        "",
        "/usr",
        "/etc",
        "/var",
        "/root",
        "/home",
        "/boot",
        "/var/lib",
    ):
        yield ("filesystem", "mount_point"), Problem(f"{mount or '/'} cannot be a mount point of data")
    if data is not None and (not data.startswith(f"{mount}/") or ".." in data.split("/")):
        yield (
            ("postgresql", "data_directory"),
            Problem(f"{data} is not on the replicated volume", f"it must be below {mount}"),
        )


def _parameters(cluster: Cluster) -> Iterator[Finding]:
    for name, value in cluster.postgresql.parameters.items():
        place: Path = ("postgresql", "parameters", name)
        if name in OWNED_PARAMETERS:
            yield place, Problem(f"{name} cannot be set here", OWNED_PARAMETERS[name])
        elif name in UNSAFE_PARAMETERS and _text(value) in FALSE:
            yield place, Problem(f"{name} = {_text(value)} is refused", UNSAFE_PARAMETERS[name])
        elif not name.replace("_", "").replace(".", "").isalnum():
            yield place, Problem(f"{name} is not a parameter's name")
        elif "\n" in str(value):
            yield place, Problem(f"{name}: a value has one line")


def _properties(cluster: Cluster) -> Iterator[Finding]:
    for name, value in cluster.properties.extra.items():
        place: Path = ("properties", "extra", name)
        if _text(value) in UNSAFE_PROPERTIES.get(name, ()):
            yield place, Problem(f"{name}: {_text(value)} is refused", "it is how clusters lose data")
        elif name in OPERATED and _text(value) in TRUE:
            yield place, Problem(f"{name}: {_text(value)} is refused", f"for a while: {OPERATED[name]}")


def _drbd(cluster: Cluster) -> Iterator[Finding]:
    for section, values in (("net", cluster.drbd.net), ("disk", cluster.drbd.disk)):
        for name, value in values.items():
            place: Path = ("drbd", section, name)
            if name in OWNED_DRBD:
                yield place, Problem(f"{name} cannot be set here", "it is what keeps data safe")
            elif name.startswith("after-sb-") and _text(value) != "disconnect":
                yield place, Problem(f"{name}: {value} is refused", "it discards data without asking anybody")
            elif name in ("csums-alg", "verify-alg") and _text(value) not in TRUSTED_HASHES:
                hint = "a checksum can be the same for different blocks, which would then never be sent: use sha256"
                yield place, Problem(f"{name}: {value} is refused", hint)
            elif name.endswith("-flushes") or name in ("disk-barrier", "md-flushes", "disk-timeout"):
                yield place, Problem(f"{name} is refused", "it can lose acknowledged writes or panic a node")
            elif any(mark in f"{name}{value}" for mark in ';{}"\n'):
                yield place, Problem(f"{name}: not an option's name or value")


def _timeouts(cluster: Cluster) -> Iterator[Finding]:
    written = cluster.timeouts.consensus_ms
    if cluster.arbiter and written is not None and written * 10 < cluster.token_ms * 12:
        yield (
            ("timeouts", "consensus_ms"),
            Problem(
                f"consensus {written} ms is below 1.2 x token",
                "corosync.conf(5) wants at least that with more than two votes",
            ),
        )


def _text(value: Scalar) -> str:
    return str(value).lower()


RULES: tuple[Rule, ...] = (
    _ports,
    _data_directory,
    _parameters,
    _properties,
    _drbd,
    _timeouts,
)
