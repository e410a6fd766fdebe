"""Three-way comparison: what was applied last, what the file wants, what is there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What applying does about a difference."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"


@dataclass(frozen=True)
class Difference:
    """One thing that is not as the file wants it; holds no secret."""

    place: str  # a node, "volume" or "cib"
    what: str
    kind: Kind
    by_hand: bool = False  # changed since it was applied last, and not by us
    detail: str = ""

    def __str__(self) -> str:
        hand = "  (changed by hand since the last apply)" if self.by_hand else ""
        return f"{self.kind.value} {self.place}: {self.what}{f': {self.detail}' if self.detail else ''}{hand}"


@dataclass(frozen=True)
class Sides:
    """The three sides of a comparison, each a text by key; `ours` are keys that we may have written."""

    applied: Mapping[str, str]
    desired: Mapping[str, str]
    live: Mapping[str, str]
    ours: Collection[str] = ()


def three_way(sides: Sides) -> Iterator[tuple[str, Kind, bool]]:
    """Yield key, kind and whether a hand was in it, for everything that is to be changed.

    Without a record nothing counts as changed by hand, and only what the file wants is ours.
    """
    for key, wanted in sides.desired.items():
        found = sides.live.get(key)
        if found != wanted:
            by_hand = key in sides.applied and found != sides.applied[key]
            yield key, Kind.ADD if found is None else Kind.CHANGE, by_hand
    for key in gone(sides):
        yield key, Kind.REMOVE, key in sides.applied and sides.live[key] != sides.applied[key]


def gone(sides: Sides) -> tuple[str, ...]:
    """Return what is there, was ours, and is no longer wanted."""
    known = {*sides.applied, *sides.ours}
    return tuple(sorted(key for key in known if key in sides.live and key not in sides.desired))


def foreign(sides: Sides) -> tuple[str, ...]:
    """Return what is there, is not wanted and was never ours: it stays."""
    known = {*sides.applied, *sides.ours, *sides.desired}
    return tuple(key for key in sides.live if key not in known)
