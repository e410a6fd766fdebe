"""What is known of both sides of a split brain. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pcmk_ha.facts.database import Database
from pcmk_ha.facts.drbd import DrbdState
from pcmk_ha.facts.generations import Generations, Relation, relate
from pcmk_ha.facts.pacemaker import Fencing
from pcmk_ha.operate.look.service import Service

ALONE = "StandAlone"


@dataclass(frozen=True)
class Side:
    """One data node as it answered."""

    node: str
    drbd: DrbdState = field(default_factory=DrbdState)
    generations: Generations | None = None
    mounted: str = ""  # where its device is mounted
    answers: bool = False  # PostgreSQL takes connections there
    database: Database | None = None
    unread: str = ""  # why there is no database
    kernel: tuple[str, ...] = ()  # what DRBD said, and when
    history: tuple[str, ...] = ()  # what Pacemaker did there, and when

    @property
    def is_used(self) -> bool:
        """Something reads or writes this copy now."""
        return bool(self.mounted) or self.answers

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "drbd": asdict(self.drbd),
            "changed_kib": self.drbd.out_of_sync_kib,
            "generations": self.generations.as_dict() if self.generations else None,
            "mounted": self.mounted,
            "answers": self.answers,
            "database": self.database.as_dict() if self.database else None,
            "database_unread_because": self.unread,
            "kernel": list(self.kernel),
            "history": list(self.history),
        }


@dataclass(frozen=True)
class Saved:
    """What of a side was saved before it was overwritten."""

    node: str
    generation: str
    kind: str  # blocks or snapshot
    place: str
    kib: int
    changed_kib: int  # what this side had changed by then
    complete: bool
    settled: bool


@dataclass(frozen=True)
class Evidence:
    """Both sides, and what the cluster knows."""

    sides: Mapping[str, Side]  # those that answer
    unreachable: Mapping[str, str]
    service: Service = field(default_factory=Service)
    fencings: tuple[Fencing, ...] = ()
    saved: tuple[Saved, ...] = ()

    @property
    def relation(self) -> Relation:
        """What both copies are to each other."""
        if len(self.sides) != 2:
            return Relation.UNKNOWN
        first, second = self.sides.values()
        return relate(first.generations, second.generations)

    @property
    def is_connected(self) -> bool:
        """DRBD has settled what the copies are to each other, and works on it or is done."""
        return any(side.drbd.is_syncing or side.drbd.is_redundant for side in self.sides.values())

    @property
    def is_syncing(self) -> bool:
        """Blocks are being copied."""
        return any(side.drbd.is_syncing for side in self.sides.values())

    @property
    def is_split(self) -> bool:
        """Both sides have written since they parted, and nothing has been decided."""
        return self.relation is Relation.SPLIT and not self.is_connected

    @property
    def is_unclear(self) -> bool:
        """It is no split brain, and no order either: a resync, or copies of which nobody knows what they are."""
        return self.is_syncing or (not self.is_connected and self.relation in (Relation.UNKNOWN, Relation.UNRELATED))

    def other(self, node: str) -> str:
        """Return the name of the other side, empty where it does not answer."""
        return next((name for name in self.sides if name != node), "")

    def unsettled(self) -> Saved | None:
        """Return what a run saved that is not finished yet, while blocks are copied to that node or after that."""
        for saved in self.saved:
            side = self.sides.get(saved.node)
            if side and saved.complete and not saved.settled and self.is_connected:
                return saved
        return None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "split_brain": self.is_split,
            "relation": self.relation.name.lower(),
            "sides": {name: side.as_dict() for name, side in self.sides.items()},
            "unreachable": dict(self.unreachable),
            "service": asdict(self.service),
            "fencing_history": [asdict(event) for event in self.fencings],
            "saved": [asdict(saved) for saved in self.saved],
        }
