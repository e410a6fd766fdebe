"""Links and votes, from Corosync's own tools."""

from __future__ import annotations

import re
from dataclasses import dataclass

LINKS = ("corosync-cfgtool", "-n")
QUORUM = ("corosync-quorumtool", "-s")
NODE = re.compile(r"^nodeid: (\d+) (reachable|unreachable)")
LINK = re.compile(r"^\s*LINK: (\d+) \S+ \((\S+)->(\S+)\) (\S+)(?: (\S+))?")
RUNNING_NAME = ("corosync-cmapctl", "-g", "totem.cluster_name")
CLUSTER_NAME = re.compile(r"^\s*cluster_name:\s*(\S+)", re.MULTILINE)
FIELD = re.compile(r"^([A-Z][A-Za-z ]+):\s+(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class LinkState:
    """One link to one peer."""

    number: int
    to: str
    connected: bool


@dataclass(frozen=True)
class Quorum:
    """Votes in this partition."""

    quorate: bool
    votes: int
    expected: int
    flags: tuple[str, ...]


def parse_links(text: str) -> tuple[LinkState, ...]:
    """Read every link to every peer."""
    found = (LINK.match(line) for line in text.splitlines())
    return tuple(LinkState(int(m[1]), m[3], m[5] == "connected") for m in found if m)


def parse_reachable(text: str) -> int:
    """Count the peers that answer over some link."""
    return sum(1 for line in text.splitlines() if (found := NODE.match(line)) and found[2] == "reachable")


def parse_quorum(text: str) -> Quorum | None:
    """Read the votes; None where Corosync does not run."""
    fields = {name.strip(): value.strip() for name, value in FIELD.findall(text)}
    if "Total votes" not in fields:
        return None
    return Quorum(
        quorate=fields.get("Quorate") == "Yes",
        votes=int(fields["Total votes"]),
        expected=int(fields["Expected votes"]),
        flags=tuple(fields.get("Flags", "").split()),
    )


def parse_cluster_name(text: str) -> str:
    """Read a corosync.conf's cluster name, empty where it has none."""
    found = CLUSTER_NAME.search(text)
    return found[1] if found else ""
