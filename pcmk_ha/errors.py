"""One family of errors, so that one `except` in the command line shows every one of them to a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

DONE, FAILED, BAD_INPUT, CHANGES_FOUND, UNSAFE = 0, 1, 2, 3, 4


@dataclass(frozen=True)
class Problem:
    """One thing wrong with what the user gave us; `line` counts from 1, 0 means unknown."""

    message: str
    hint: str = ""
    path: str = ""
    line: int = 0

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}: " if self.line else f"{self.path}: " if self.path else ""
        return f"{where}{self.message}"


class PcmkHaError(Exception):
    """Something the operator must know; `hint` says what to do next."""

    exit_code = FAILED

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class BadInput(PcmkHaError):
    """The user's input is wrong; carries every problem found, not only the first."""

    exit_code = BAD_INPUT

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class Refused(PcmkHaError):
    """Doing it would be unsafe; nothing was touched."""

    exit_code = UNSAFE


class CommandFailed(PcmkHaError):
    """A command on a node or on this machine returned a status that is not an answer."""


class NodeUnreachable(PcmkHaError):
    """A node did not answer over SSH."""


class TimedOut(PcmkHaError):
    """A state we waited for did not come within its deadline."""
