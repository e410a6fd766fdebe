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
BACKED_UP = "pcmk-ha-backed-up"  # of the node that served: when, and where the backup is
REPLACING = "pcmk-ha-replacing"  # of a node whose machine is being replaced: the new machine's mark
TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Verified:
    """The last comparison of both copies that came to its end."""

    at: datetime
    differing_kib: int


@dataclass(frozen=True)
class BackedUp:
    """The last base backup that came to its end and was verified."""

    at: datetime
    node: str
    path: str


@dataclass(frozen=True)
class Records:
    """What was proven, and when; nothing where it never was."""

    fenced: Mapping[str, datetime] = field(default_factory=dict)  # by node
    verified: Verified | None = None
    resynced: datetime | None = None
    backed_up: BackedUp | None = None
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
    backups = [_backed_up(node, value) for (node, name), value in found.items() if name == BACKED_UP]
    return Records(
        fenced={node: at for node, at in fenced.items() if at},
        verified=max((v for v in verified if v), key=lambda v: v.at, default=None),
        resynced=max((at for at in resynced if at), default=None),
        backed_up=max((b for b in backups if b), key=lambda b: b.at, default=None),
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


def _backed_up(node: str, text: str) -> BackedUp | None:
    when, _, path = text.partition(" ")
    at = _time(when)
    return BackedUp(at, node, path) if at and path else None
