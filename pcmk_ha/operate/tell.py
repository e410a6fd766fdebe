"""Who is told what happens: the command line shows it, tests record it, and sometimes nobody listens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

Say = Callable[[str], None]


class Teller(Protocol):
    """Follows moves."""

    def started(self, text: str) -> None:
        """Follow a step that begins."""

    def finished(self, text: str, seconds: float) -> None:
        """Follow a step that is done; `seconds` since the beginning of all."""

    def watched(self, seen: str) -> None:
        """Follow what is seen while a step waits."""


def ignore(_text: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Told:
    """Follows moves as one line after the other, within something greater."""

    say: Say = ignore

    def started(self, text: str) -> None:
        """Follow a step that begins."""
        self.say(text)

    def finished(self, text: str, seconds: float) -> None:
        """Say nothing: what comes next says enough."""

    def watched(self, seen: str) -> None:
        """Follow what is seen while a step waits."""
        self.say(seen)
