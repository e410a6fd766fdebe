"""A plan being applied: a live list on a terminal, plain lines when piped."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

import typer

from pcmk_ha.plan.values import Plan, Step

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

WAITING, RUNNING, DONE, FAILED = "·", "…", "✓", "✗"
STYLE = {WAITING: "dim", RUNNING: "yellow", DONE: "green", FAILED: "bold red"}


class Steps:
    """Shows each step, its node, its state and how long it took."""

    def __init__(self, plan: Plan, *, to_stderr: bool = False) -> None:
        self._to_stderr = to_stderr  # where standard output is for a program to read
        self._plan = plan
        self._state = {id(step): (WAITING, 0.0) for step in plan}
        self._lock = threading.Lock()
        self._begin = time.monotonic()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if sys.stdout.isatty() and not self._to_stderr:
            from rich.live import Live

            self._live = Live(get_renderable=self._table, refresh_per_second=5)
            self._live.start()
        return self

    def started(self, step: Step) -> None:
        """Follow a step that begins."""
        self._set(step, RUNNING, time.monotonic())

    def finished(self, step: Step, seconds: float) -> None:
        """Follow a step that is done."""
        self._set(step, DONE, seconds)

    def failed(self, step: Step, error: BaseException) -> None:
        """Follow a step that ended with an error."""
        del error  # shown once, by whoever catches it
        self._set(step, FAILED, 0.0)

    def _set(self, step: Step, mark: str, value: float) -> None:
        with self._lock:
            self._state[id(step)] = (mark, value)
        if self._live is None and mark != RUNNING:
            elapsed = time.monotonic() - self._begin
            typer.echo(f"{elapsed:5.1f} s  {mark} {step.action.node:8} {_short(str(step.action))}", err=self._to_stderr)

    def _table(self) -> Table:
        from rich.table import Table

        table = Table.grid(padding=(0, 1))
        now = time.monotonic()
        for step in self._plan:
            mark, value = self._state[id(step)]
            seconds = "" if mark == WAITING else f"{now - value if mark == RUNNING else value:5.1f} s"
            style = STYLE[mark]
            table.add_row(f"[{style}]{mark}[/]", step.action.node, f"[{style}]{_short(str(step.action))}[/]", seconds)
        return table

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()


def _short(text: str) -> str:
    return text if len(text) <= 90 else f"{text[:87]}..."
