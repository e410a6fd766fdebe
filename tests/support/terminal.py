"""A person at a terminal: a program on a pseudo-terminal that is answered as it asks."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """Runs one program; `text` is everything it has shown so far, without control sequences."""

    def __init__(self, argv: list[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> None:
        self._end, theirs = pty.openpty()
        self._process = subprocess.Popen(
            # Where tests run in the background, all that they start would ignore Ctrl-C.
            ["env", "--default-signal=INT", *argv],
            cwd=cwd,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "140", **(env or {})},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.raw = ""

    @property
    def text(self) -> str:
        return CONTROL.sub("", self.raw)

    def expect(self, words: str, timeout_s: float = 30) -> None:
        """Wait until the program has shown something."""
        deadline = time.monotonic() + timeout_s
        while words not in self.text:
            assert time.monotonic() < deadline, f"{words!r} was not shown within {timeout_s} s: {self.text}"
            assert self._read() or words in self.text, f"it ended without {words!r}: {self.text}"

    def answer(self, question: str, words: str) -> None:
        """Wait for a question and type an answer."""
        self.expect(question)
        os.write(self._end, f"{words}\n".encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.killpg(self._process.pid, signal.SIGINT)

    def wait(self, timeout_s: float = 30) -> int:
        """Read to the end; return the exit status."""
        deadline = time.monotonic() + timeout_s
        while self._read():
            assert time.monotonic() < deadline, self.text
        os.close(self._end)
        return self._process.wait(timeout_s)

    def _read(self) -> bool:
        """Read what there is, for at most a moment; False once the program has closed its terminal."""
        if not select.select([self._end], [], [], 0.2)[0]:
            return True
        try:
            data = os.read(self._end, 65536)
        except OSError:  # how Linux says that nobody has the other side open any more
            return False
        self.raw += data.decode(errors="replace")
        return bool(data)
