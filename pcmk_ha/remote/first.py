"""One question to one node after the other, until one answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from pcmk_ha.errors import CommandFailed, NodeUnreachable, PcmkHaError
from pcmk_ha.remote.runner import Runner

T = TypeVar("T")


def from_first(runners: Iterable[Runner], ask: Callable[[Runner], T]) -> T:
    """Return what the first node that answers says; raises what the last one raised when none does."""
    last: PcmkHaError = NodeUnreachable("no node answers")
    for runner in runners:
        try:
            return ask(runner)
        except (CommandFailed, NodeUnreachable) as error:
            last = error
    raise last
