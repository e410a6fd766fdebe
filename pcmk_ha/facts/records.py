"""When fencing was last proven and the copies last compared: dated records among the nodes' attributes.

They lie in the cluster's own configuration and in no file of ours, because the cluster keeps that on every member
already: one write reaches all of them, also those that are away at that moment, and every member can be asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lxml import etree

NODES = ("cibadmin", "--query", "--scope", "nodes")
FENCED = "pcmk-ha-fenced"  # of the node that was fenced: when
VERIFIED = "pcmk-ha-verified"  # of the node that was Primary: when, and how many KiB differed
RESYNCED = "pcmk-ha-resynced"  # of the node whose copy was mended: when
REPLACING = "pcmk-ha-replacing"  # of a node whose machine is being replaced: the new machine's mark
TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Verified:
    """The last comparison of both copies that came to its end."""

    at: datetime
    differing_kib: int


@dataclass(frozen=True)
class Records:
    """What was proven, and when; nothing where it never was."""

    fenced: Mapping[str, datetime] = field(default_factory=dict)  # by node
    verified: Verified | None = None
    resynced: datetime | None = None
    replacing: tuple[str, ...] = ()  # nodes whose replacement did not come to its end

    @property
    def differing_kib(self) -> int:
        """What the last comparison found to differ and no resync has mended since."""
        if self.verified is None or (self.resynced and self.resynced > self.verified.at):
            return 0
        return self.verified.differing_kib


def parse_records(text: str) -> Records:
    """Read the nodes section of a CIB; a value nobody of ours wrote counts as none."""
    if not text:
        return Records()
    found = {
        (str(node.get("uname")), str(pair.get("name"))): str(pair.get("value"))
        for node in etree.fromstring(text.encode()).iter("node")
        for pair in node.iterfind("instance_attributes/nvpair")
    }
    fenced = {node: _time(value) for (node, name), value in found.items() if name == FENCED}
    verified = [_verified(value) for (_node, name), value in found.items() if name == VERIFIED]
    resynced = [_time(value) for (_node, name), value in found.items() if name == RESYNCED]
    return Records(
        fenced={node: at for node, at in fenced.items() if at},
        verified=max((v for v in verified if v), key=lambda v: v.at, default=None),
        resynced=max((at for at in resynced if at), default=None),
        replacing=tuple(node for (node, name), _value in found.items() if name == REPLACING),
    )


def format_time(at: datetime) -> str:
    """Return a time as records have it."""
    return at.astimezone(UTC).strftime(TIME)


def _time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, TIME).replace(tzinfo=UTC)
    except ValueError:
        return None


def _verified(text: str) -> Verified | None:
    when, _, differing = text.partition(" ")
    at = _time(when)
    return Verified(at, int(differing)) if at and differing.isdecimal() else None
