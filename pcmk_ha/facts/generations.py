"""Which generation of the data a copy holds, by DRBD's own identifiers: `drbdadm get-gi`."""

from __future__ import annotations

from dataclasses import dataclass

JUST_CREATED = 0x4  # UUID_JUST_CREATED in DRBD's drbd.h, all versions
ROLE_BIT = 0x1  # the lowest bit of an identifier says whether that side was Primary


@dataclass(frozen=True)
class Generations:
    """Of one copy; zero where there is none."""

    current: int = 0
    bitmap: int = 0
    history: tuple[int, ...] = ()
    consistent: bool = False
    up_to_date: bool = False
    primary: bool = False

    @property
    def is_good(self) -> bool:
        """It held data, and nothing of that is missing."""
        return self.current not in (0, JUST_CREATED) and self.consistent and self.up_to_date

    def follows(self, good: Generations) -> bool:
        """Whether DRBD would bring this copy in line with a good one, and never the other way round.

        A copy that never held data, one that has only what the good one had before, or is the target of its resync; or
        the same, when this side was not Primary.
        """
        if self.current == JUST_CREATED or self.current in {good.bitmap, *good.history} - {0}:
            return True
        return self.current == good.current and not self.bitmap and not self.primary


def parse_generations(text: str) -> Generations | None:
    """Read `current:bitmap:history:history:consistent:up-to-date:primary:…`; None where it says nothing."""
    fields = text.strip().split(":")
    try:
        current, bitmap, *history = (int(field, 16) & ~ROLE_BIT for field in fields[:4])
        consistent, up_to_date, primary = (field == "1" for field in fields[4:7])
    except ValueError:
        return None
    return Generations(current, bitmap, tuple(history), consistent, up_to_date, primary)
