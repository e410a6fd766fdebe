"""Names, addresses and disks of the members."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_interface

from pcmk_ha.errors import Problem
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.document import Path
from pcmk_ha.model.lint.finding import Finding, Rule, members_of
from pcmk_ha.model.parts import Node
from pcmk_ha.model.platform import PACKAGED_NAME


def _name(cluster: Cluster) -> Iterator[Finding]:
    if cluster.name == PACKAGED_NAME:
        yield ("name",), Problem(f"name: {PACKAGED_NAME} is what Debian's package calls its example", "take another")


def _addresses(node: Node) -> Iterator[tuple[Path, str]]:
    yield ("address",), str(node.address)
    for index, link in enumerate(node.links):
        yield ("links", index), str(link)
    if node.replication_address:
        yield ("replication_address",), str(node.replication_address)


def _same_names(cluster: Cluster) -> Iterator[Finding]:
    seen: set[str] = set()
    for place, node in members_of(cluster):
        if node.name in seen:
            yield (
                (*place, "name"),
                Problem(f"two nodes are named {node.name}", "names are host names: unique"),
            )
        seen.add(node.name)


def _same_addresses(cluster: Cluster) -> Iterator[Finding]:
    owner: dict[str, str] = {}
    for place, node in members_of(cluster):
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
    for _place, node in members_of(cluster):
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
    counts = {len(node.link_addresses) for _place, node in members_of(cluster)}
    if len(counts) > 1:
        said = ", ".join(f"{node.name} {len(node.link_addresses)}" for _place, node in members_of(cluster))
        yield (
            ("nodes",),
            Problem(f"the nodes have different numbers of links: {said}", "list `links` on every node"),
        )
        return
    for index in range(counts.pop()):
        versions = {ip_interface(node.link_addresses[index]).version for _place, node in members_of(cluster)}
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


RULES: tuple[Rule, ...] = (
    _name,
    _same_names,
    _same_addresses,
    _vip,
    _links,
    _replication,
    _disks,
)
