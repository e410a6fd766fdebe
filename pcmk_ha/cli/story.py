"""Moves as they happen: what is being done now, live on a terminal; what is done, a line each."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Self

import typer

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

QUIET_S = 15.0  # piped: so long a step waits without a word, and from word to word
LONGEST = 110
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Story:
    """Shows the steps of a plan; to standard error where standard output is for a program to read."""

    def __init__(self, *, to_stderr: bool = False) -> None:
        self._to_stderr = to_stderr
        self._step = ""
        self._seen_at = 0.0
        self._live: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            from pcmk_ha.cli.out import console

            columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
            # Redirected, what is printed goes to standard error: never what somebody pipes on.
            to_terminal = sys.stdout.isatty()
            out = console(stderr=True)
            self._live = Progress(*columns, console=out, transient=True, redirect_stdout=to_terminal)
            self._live.start()
        return self

    def started(self, text: str) -> None:
        """Follow a step that begins."""
        self._step, self._seen_at = text, time.monotonic()
        if self._live is not None:
            if self._task is not None:
                self._live.remove_task(self._task)
            self._task = self._live.add_task(text)

    def watched(self, seen: str) -> None:
        """Follow what is seen while a step waits; piped, now and then."""
        text = f"{self._step}: {seen}" if seen else self._step
        if self._live is not None and self._task is not None:
            self._live.update(self._task, description=text[:LONGEST])
        elif self._live is None and time.monotonic() - self._seen_at >= QUIET_S:
            self._seen_at = time.monotonic()
            typer.echo(f"waiting for this: {text}", err=True)

    def finished(self, text: str, seconds: float) -> None:
        """Follow a step that is done."""
        self.line(f"{seconds:5.1f} s  {text}")

    def line(self, text: str) -> None:
        """Say something that stays."""
        typer.echo(text, err=self._to_stderr)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()


@contextlib.contextmanager
def ending_in_order() -> Iterator[None]:
    """Let the first signal that would end us end the block in order, and no second one disturb that."""

    def end(_number: int, _frame: FrameType | None) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    # One that is ignored stays so: that is what nohup is for.
    heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, end) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
