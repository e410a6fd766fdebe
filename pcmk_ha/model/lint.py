"""What a cluster file may say by its types but must not mean: one small rule each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from ipaddress import ip_interface

from pcmk_ha.errors import Problem
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.document import Path
from pcmk_ha.model.parts import Fence, Node
from pcmk_ha.model.platform import PACKAGED_NAME
from pcmk_ha.model.scalars import Scalar
from pcmk_ha.model.secret import EnvSecret, FileSecret

Finding = tuple[Path, Problem]
SECRET_WORDS = ("passw", "secret", "token", "private")
# What each agent cannot do without (their metadata); `plug` defaults to the node's name where it names one.
REQUIRED = {
    "fence_ipmilan": ("ip",),
    "fence_redfish": ("ip", "systems_uri"),
    "fence_virsh": ("ip", "username"),
    "fence_vbox": ("ip", "username"),
    "fence_pve": ("ip", "username"),
    "fence_vmware_rest": ("ip", "username"),
}
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
    "maintenance-mode": ("true", "yes", "on", "1"),
}
# What a block may be told by: PostgreSQL's pg_control holds its own CRC-32C, so all its versions have one crc32c.
TRUSTED_HASHES = ("md5", "sha1", "sha256", "sha384", "sha512", "sha3-256", "sha3-512", "blake2b-256", "blake2b-512")
OWNED_DRBD = {"fencing", "protocol", "allow-two-primaries", "shared-secret", "rr-conflict", "on-io-error"}
FALSE = ("false", "no", "off", "0")


def find_problems(cluster: Cluster) -> Iterator[Finding]:
    """Yield every problem with the place it stands at."""
    for rule in RULES:
        yield from rule(cluster)


def _name(cluster: Cluster) -> Iterator[Finding]:
    if cluster.name == PACKAGED_NAME:
        yield ("name",), Problem(f"name: {PACKAGED_NAME} is what Debian's package calls its example", "take another")


def _members(cluster: Cluster) -> Iterator[tuple[Path, Node]]:
    for index, node in enumerate(cluster.nodes):
        yield ("nodes", index), node
    if cluster.arbiter:
        yield ("arbiter",), cluster.arbiter


def _addresses(node: Node) -> Iterator[tuple[Path, str]]:
    yield ("address",), str(node.address)
    for index, link in enumerate(node.links):
        yield ("links", index), str(link)
    if node.replication_address:
        yield ("replication_address",), str(node.replication_address)


def _same_names(cluster: Cluster) -> Iterator[Finding]:
    seen: set[str] = set()
    for place, node in _members(cluster):
        if node.name in seen:
            yield (
                (*place, "name"),
                Problem(f"two nodes are named {node.name}", "names are host names: unique"),
            )
        seen.add(node.name)


def _same_addresses(cluster: Cluster) -> Iterator[Finding]:
    owner: dict[str, str] = {}
    for place, node in _members(cluster):
        own: set[str] = set()
        for where, address in _addresses(node):
            if where[0] == "links" and address in own and address != str(node.address):
                yield (*place, *where), Problem(f"{node.name} has {address} twice", "each link needs its own")
            own.add(address)
            if address in owner and owner[address] != node.name:
                yield (*place, *where), Problem(f"{address} belongs to {owner[address]} already")
            owner.setdefault(address, node.name)


def _vip(cluster: Cluster) -> Iterator[Finding]:
    vip = cluster.vip.address
    for _place, node in _members(cluster):
        if str(vip) in (address for _where, address in _addresses(node)):
            yield ("vip",), Problem(f"the VIP {vip} is an address of {node.name}", "take one that nobody has")
        for fence in node.fence_devices:
            if fence.parameters.get("ip") == str(vip):
                yield ("vip",), Problem(f"the VIP {vip} is the address of {node.name}'s fence device")
    if any(node.address.version != vip.version for node in cluster.nodes):
        yield ("vip",), Problem(f"the VIP {vip} and the nodes are of different IP versions")
    elif cluster.vip.prefix is not None and not cluster.vip.interface:
        if cluster.vip.prefix > vip.max_prefixlen:
            yield ("vip",), Problem(f"/{cluster.vip.prefix} is no prefix length of {vip}")
            return
        network = ip_interface(f"{vip}/{cluster.vip.prefix}").network
        for node in cluster.nodes:
            if not any(ip_interface(address).ip in network for _where, address in _addresses(node)):
                yield (
                    ("vip",),
                    Problem(f"{node.name} has no address in the VIP's subnet {network}", "or set vip.interface"),
                )


def _links(cluster: Cluster) -> Iterator[Finding]:
    counts = {len(node.link_addresses) for _place, node in _members(cluster)}
    if len(counts) > 1:
        said = ", ".join(f"{node.name} {len(node.link_addresses)}" for _place, node in _members(cluster))
        yield (
            ("nodes",),
            Problem(f"the nodes have different numbers of links: {said}", "list `links` on every node"),
        )
        return
    for index in range(counts.pop()):
        versions = {ip_interface(node.link_addresses[index]).version for _place, node in _members(cluster)}
        if len(versions) > 1:
            yield ("nodes", 0, "links", index), Problem(f"link {index} mixes IPv4 and IPv6")


def _replication(cluster: Cluster) -> Iterator[Finding]:
    given = [node.replication_address is not None for node in cluster.nodes]
    if any(given) and not all(given):
        missing = given.index(False)
        yield (
            ("nodes", missing),
            Problem(
                f"replication_address is missing: {cluster.nodes[1 - missing].name} has one",
                "give both or none",
            ),
        )
    if cluster.arbiter and cluster.arbiter.replication_address:
        yield ("arbiter", "replication_address"), Problem("the arbiter holds no data and replicates nothing")


def _disks(cluster: Cluster) -> Iterator[Finding]:
    for index, node in enumerate(cluster.nodes):
        place: Path = ("nodes", index, "disk")
        disk = node.disk
        if disk is None:
            yield ("nodes", index), Problem(f"{node.name} has no disk", "disk: /dev/… for DRBD, empty")
        elif not disk.startswith("/dev/") or disk.rstrip("/") == "/dev":
            yield place, Problem(f"{disk} is not a block device below /dev/")
        elif disk.startswith("/dev/drbd"):
            yield place, Problem(f"{disk} is a DRBD device", "name the disk below it; DRBD goes on top")
        elif disk.startswith(("/dev/loop", "/dev/sr", "/dev/ram", "/dev/zram")):
            yield place, Problem(f"{disk} does not keep its data over a reboot")
    if cluster.arbiter and cluster.arbiter.disk:
        yield ("arbiter", "disk"), Problem("the arbiter holds no data", "remove its disk")


def _devices(cluster: Cluster) -> Iterator[tuple[Path, Node, Fence]]:
    for place, node in _members(cluster):
        for index, fence in enumerate(node.fence_devices):
            where = (*place, "fence", index) if isinstance(node.fence, tuple) else (*place, "fence")
            yield where, node, fence


def _missing_devices(cluster: Cluster) -> Iterator[Finding]:
    for place, node in _members(cluster):
        if not node.fence_devices:
            yield (
                (*place, "fence"),
                Problem(f"{node.name} has no fence device", "STONITH is not optional here"),
            )


def _same_devices(cluster: Cluster) -> Iterator[Finding]:
    owner: dict[tuple[str, str, str], str] = {}
    levels: dict[tuple[str, int], int] = defaultdict(int)
    for place, node, fence in _devices(cluster):
        given = {**cluster.stonith.parameters, **fence.parameters}
        agent = fence.agent or cluster.stonith.agent
        plug = given.get(
            "plug", given.get("port", node.name if agent not in ("fence_ipmilan", "fence_redfish") else "")
        )
        key = (
            agent,
            f"{given.get('ip')}:{given.get('ipport', '')}",
            str(plug) + str(given.get("systems_uri", "")),
        )
        if key in owner and given.get("ip") is not None:
            whom = f"{node.name} has it twice" if owner[key] == node.name else f"{owner[key]} has it already"
            yield place, Problem(f"two devices for one target: {agent} at {key[1].rstrip(':')}: {whom}")
        owner.setdefault(key, node.name)
        levels[node.name, fence.level] += 1


def _required_parameters(cluster: Cluster) -> Iterator[Finding]:
    for place, node, fence in _devices(cluster):
        agent = fence.agent or cluster.stonith.agent
        given = {**cluster.stonith.parameters, **fence.parameters}
        for name in REQUIRED.get(agent, ()):
            if name not in given:
                yield (
                    place,
                    Problem(f"{node.name}: {agent} needs `{name}`", f"{agent} -o metadata lists them all"),
                )
        for name in given:
            if name.startswith("pcmk_"):
                yield (
                    (*place, name),
                    Problem(f"{name} is set by pcmk-ha", "use delay_s, level and stonith.action"),
                )


def _plain_secrets(cluster: Cluster) -> Iterator[Finding]:
    sources: list[tuple[Path, dict[str, object]]] = [(("stonith", "parameters"), dict(cluster.stonith.parameters))]
    sources += [(place, dict(fence.parameters)) for place, _node, fence in _devices(cluster)]
    for place, values in sources:
        for name, value in values.items():
            sensitive = any(word in name.lower() for word in SECRET_WORDS) and "script" not in name
            if sensitive and not isinstance(value, EnvSecret | FileSecret):
                yield (
                    (*place, name),
                    Problem(
                        f"{name} stands in the file in plain text",
                        f"{name}: {{env: NAME}} or {name}: {{file: PATH}}",
                    ),
                )


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
        if _text(value) in UNSAFE_PROPERTIES.get(name, ()):
            yield (
                ("properties", "extra", name),
                Problem(f"{name}: {_text(value)} is refused", "it is how clusters lose data"),
            )


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
    times = cluster.timeouts
    if times.consensus_ms is not None and times.consensus_ms * 10 < times.token_ms * 12:
        yield (
            ("timeouts", "consensus_ms"),
            Problem(
                f"consensus {times.consensus_ms} ms is below 1.2 x token",
                "corosync.conf(5) wants at least that",
            ),
        )


def _text(value: Scalar) -> str:
    return str(value).lower()


RULES: tuple[Callable[[Cluster], Iterator[Finding]], ...] = (
    _name, _same_names, _same_addresses, _vip, _links, _replication, _disks, _missing_devices, _same_devices,
    _required_parameters, _plain_secrets, _ports, _data_directory, _parameters, _properties, _drbd, _timeouts,
)  # fmt: skip
