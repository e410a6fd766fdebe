"""Progress of something long: one live line on a terminal, plain lines when piped."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

import typer

QUIET_S = 5.0  # piped: a line at most this often, so that a log stays readable


class Progress:
    """Shows the latest line of a long program, with the time since it began."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._begin = time.monotonic()
        self._shown = 0.0
        self._live = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def line(self, text: str) -> None:
        """Show one more line of what is being done."""
        elapsed = time.monotonic() - self._begin
        if self._live:
            sys.stderr.write(f"\r\033[K{self._title} {elapsed:4.0f} s  {text[:100]}")
            sys.stderr.flush()
        elif elapsed - self._shown >= QUIET_S or not self._shown or text.startswith("WARNING"):
            self._shown = elapsed or 0.001
            typer.echo(f"{self._title} {elapsed:4.0f} s  {text[:160]}", err=True)

    def clear(self) -> None:
        """Make room for something that stays, or for a question."""
        if self._live:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()
