"""What a lab consists of: names and addresses, the same in every lab, for each has its own network namespace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

from pcmk_ha.errors import BadInput, Problem

CLUSTER_NET = IPv4Network("10.77.0.0/24")
REPLICATION_NET = IPv4Network("10.77.1.0/24")
VIP = CLUSTER_NET[100]
BMC_USER = "admin"
SUITES = ("trixie", "bookworm")
PACEMAKER, PATRONI = "pacemaker", "patroni"
STACKS = (PACEMAKER, PATRONI)
DATA_DISK = "/dev/mapper/data"
GIB = 1024**3
SUFFIXES = range(20, 100)  # last bytes that a new machine may be given: no other address is there


@dataclass(frozen=True)
class NodeSpec:
    """One node of a lab; `number` counts from 1 and gives every address its last byte, unless `suffix` does."""

    name: str
    number: int
    memory_mib: int
    has_disk: bool = True
    suffix: int = 0

    @property
    def last_byte(self) -> int:
        """Last byte of its addresses; its BMC's is 90 more."""
        return self.suffix or 10 + self.number

    @property
    def address(self) -> IPv4Address:
        """Address on the cluster link."""
        return CLUSTER_NET[self.last_byte]

    @property
    def replication_address(self) -> IPv4Address:
        """Address on the replication link."""
        return REPLICATION_NET[self.last_byte]

    @property
    def bmc_address(self) -> IPv4Address:
        """Address of the node's IPMI BMC."""
        return CLUSTER_NET[90 + self.last_byte]

    def tap(self, link: str) -> str:
        """Name of the node's tap device on a link, inside the lab's namespace."""
        return f"{link[:4]}{self.number}"


@dataclass(frozen=True)
class LabSpec:
    """A lab as it was asked for."""

    name: str = "demo"
    suite: str = "trixie"
    arbiter: bool = False
    memory_mib: int = 1024
    disk_gib: int = 2
    lifetime_h: float = 12.0
    suffixes: Mapping[str, int] = field(default_factory=dict)  # of machines with addresses of their own, by node
    stack: str = PACEMAKER

    @property
    def netns(self) -> str:
        """Network namespace that holds all of the lab's traffic."""
        return f"pcmk-{self.name}"

    @property
    def nodes(self) -> tuple[NodeSpec, ...]:
        """The two data nodes, and the small arbiter if there is one."""
        given = self.suffixes
        data = tuple(NodeSpec(f"node{n}", n, self.memory_mib, suffix=given.get(f"node{n}", 0)) for n in (1, 2))
        arbiter = NodeSpec("arbiter", 3, 384, has_disk=False, suffix=given.get("arbiter", 0))
        third = self.arbiter or self.stack == PATRONI  # whose etcd needs three members
        return (*data, arbiter) if third else data

    def node(self, name: str) -> NodeSpec:
        """Return the node of that name; raises BadInput with the names there are."""
        for node in self.nodes:
            if node.name == name:
                return node
        known = ", ".join(node.name for node in self.nodes)
        raise BadInput([Problem(f"{name}: no such node in the lab {self.name}", f"one of {known}")])
