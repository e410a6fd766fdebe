"""DRBD's generation identifiers: which copy knows the other's past, and which two went separate ways."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

JUST_CREATED, NONE = 4, 0  # UUID_JUST_CREATED in DRBD's drbd.h, all versions


@dataclass(frozen=True)
class Generations:
    """Four identifiers of one copy. The lowest bit is left out: it says whether that side is Primary."""

    current: int = NONE
    bitmap: int = NONE  # what the copy was when it and the other one parted; 0 while they are one
    history: tuple[int, int] = (NONE, NONE)
    consistent: bool = False
    up_to_date: bool = False
    primary: bool = False

    @property
    def is_good(self) -> bool:
        """It held data, and nothing of that is missing."""
        return self.current not in (NONE, JUST_CREATED) and self.consistent and self.up_to_date

    def follows(self, good: Generations) -> bool:
        """Whether DRBD would bring this copy in line with a good one, and never the other way round.

        A copy that never held data, one that has only what the good one had before, or is the target of its resync; or
        the same, when this side was not Primary.
        """
        if self.current == JUST_CREATED or self.current in {good.bitmap, *good.history} - {NONE}:
            return True
        return self.current == good.current and not self.bitmap and not self.primary

    def as_dict(self) -> dict[str, object]:
        """Return them as DRBD writes them."""
        return {"current": word(self.current), "bitmap": word(self.bitmap), "history": [word(h) for h in self.history]}


class Relation(Enum):
    """What two copies are to each other."""

    UNKNOWN = "unknown"
    SAME = "the same generation"
    FIRST_AHEAD = "the first has written since the other was lost"
    SECOND_AHEAD = "the second has written since the other was lost"
    SPLIT = "both have written since they parted"
    UNRELATED = "no common past"


def word(generation: int) -> str:
    """Return an identifier as DRBD writes it."""
    return f"{generation:016X}"


def parse_generations(text: str) -> Generations | None:
    """Read `drbdadm get-gi`: four identifiers, then flags; None where DRBD says something else."""
    fields = text.strip().partition("\n")[0].split(":")
    if len(fields) < 5 or any(len(field) != 16 for field in fields[:4]):
        return None
    try:
        current, bitmap, *history = (int(field, 16) & ~1 for field in fields[:4])
    except ValueError:
        return None
    consistent, up_to_date, primary = ([field == "1" for field in fields[4:7]] + [False] * 3)[:3]
    return Generations(current, bitmap, (history[0], history[1]), consistent, up_to_date, primary)


def relate(first: Generations | None, second: Generations | None) -> Relation:
    """Compare as DRBD does when two sides meet (drbd_uuid_compare in 8.4's drbd_receiver.c), short of a connection."""
    if first is None or second is None:
        return Relation.UNKNOWN
    if first.current == second.current:
        return Relation.SAME
    if first.current in (NONE, JUST_CREATED) or first.current in (second.bitmap, *second.history):
        return Relation.SECOND_AHEAD
    if second.current in (NONE, JUST_CREATED) or second.current in (first.bitmap, *first.history):
        return Relation.FIRST_AHEAD
    # As in DRBD two empty places count, too: `drbdadm primary --force` on an outdated copy forgets where it came from,
    # and the bitmaps, which DRBD goes by once one side gives up, have been kept since both parted.
    same_bitmap = first.bitmap == second.bitmap != NONE
    return Relation.SPLIT if same_bitmap or set(first.history) & set(second.history) else Relation.UNRELATED
