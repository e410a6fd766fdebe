"""What the acknowledgements of one writer prove about an outage and about loss. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Server:
    """Which server a writer was connected to from a moment on."""

    at: float
    node: str  # its host name, as the server itself reads it
    instance: str  # when its postmaster started: another one after every start
    timeline: int


@dataclass(frozen=True)
class Ledger:
    """Rows one writer sent: acknowledged with the time, in doubt, and found in the end.

    Times are seconds since 1970 on the clock of the machine the writer ran on, taken so that a clock that is
    set meanwhile changes no difference between them.
    """

    acknowledged: tuple[tuple[int, float], ...]  # sequence number, when its commit was answered
    doubtful: tuple[int, ...] = ()  # sent, never answered: may be there or not
    found: tuple[int, ...] = ()
    began: float = 0.0
    ended: float = 0.0
    servers: tuple[Server, ...] = ()  # in the order they were connected to

    @property
    def outage_s(self) -> float:
        """Longest time without an acknowledged write, from the beginning to the end."""
        return max(self._gaps(), default=0.0)

    @property
    def outage_window(self) -> tuple[float, float]:
        """When the longest gap began and ended."""
        edges = self._edges()
        return max(pairwise(edges), key=lambda pair: pair[1] - pair[0], default=(0.0, 0.0))

    @property
    def lost(self) -> tuple[int, ...]:
        """Acknowledged rows that are not there."""
        return tuple(sorted({seq for seq, _at in self.acknowledged} - set(self.found)))

    @property
    def repeated(self) -> tuple[int, ...]:
        """Rows that are there more than once."""
        return tuple(sorted(seq for seq, times in Counter(self.found).items() if times > 1))

    @property
    def unexpected(self) -> tuple[int, ...]:
        """Rows that are there and were never sent."""
        sent = {seq for seq, _at in self.acknowledged} | set(self.doubtful)
        return tuple(sorted(set(self.found) - sent))

    def _edges(self) -> list[float]:
        times = sorted(at for _seq, at in self.acknowledged)
        return [self.began, *times, self.ended]

    def _gaps(self) -> list[float]:
        edges = self._edges()
        return [late - early for early, late in pairwise(edges)]
