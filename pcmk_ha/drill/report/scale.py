"""A time axis. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

NICE = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
MARKS = 14


@dataclass(frozen=True)
class Scale:
    """Seconds after the fault, laid out between two places of a picture."""

    begin: float
    end: float
    left: float
    right: float

    @property
    def length(self) -> float:
        """How many seconds it shows."""
        return max(self.end - self.begin, 0.1)

    def x(self, at: float) -> float:
        """Return where a time lies; what lies outside is put on the edge."""
        share = min(max((at - self.begin) / self.length, 0.0), 1.0)
        return round(self.left + share * (self.right - self.left), 1)


def steps(begin: float, end: float) -> tuple[float, ...]:
    """Return round times between two others, zero among them, few enough to be read."""
    step = next((step for step in NICE if (end - begin) / step <= MARKS), (end - begin) / MARKS)
    return tuple(round(n * step, 3) for n in range(ceil(begin / step), floor(end / step) + 1))
