"""Local programs: run one, show what it is doing, and say what went wrong in its own words."""

from __future__ import annotations

import ctypes
import signal
import subprocess
from collections.abc import Callable, Sequence

from pcmk_ha.errors import CommandFailed

Report = Callable[[str], None]
TAIL = 15
PR_SET_PDEATHSIG = 1
# With a PID namespace the whole tree of a program ends with its first process, and that one with us.
ALONE = ("unshare", "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc")
ERRORS = ("E:", "Err:", "dpkg: error", "W: Failed")


def run(argv: Sequence[str], *, stdin: str | None = None, timeout: float = 60) -> str:
    """Return a program's standard output; raises CommandFailed with the end of its complaint."""
    try:
        done = subprocess.run(list(argv), input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandFailed(f"{argv[0]}: {error}") from None
    if done.returncode != 0:
        raise CommandFailed(f"{' '.join(argv[:4])} failed ({done.returncode}): {_end(done.stderr or done.stdout)}")
    return done.stdout


def run_reporting(argv: Sequence[str], report: Report) -> None:
    """Run a long program and pass on every line it prints; raises CommandFailed with the lines that matter.

    Nothing of it survives us, even when we are killed: the next run must not meet it at work.
    """
    lines: list[str] = []
    with subprocess.Popen(
        (*ALONE, *argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        preexec_fn=die_with_parent,  # noqa: PLW1509  single-threaded
    ) as process:
        for line in process.stdout or ():
            lines.append(line.rstrip())
            report(line.rstrip())
    if process.returncode != 0:
        raise CommandFailed(f"{argv[0]} failed ({process.returncode}):\n{explain(lines)}")


def die_with_parent() -> None:
    """Have this process killed when its parent ends; for `preexec_fn`."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def explain(lines: Sequence[str]) -> str:
    """Return what a package tool says of its first error and what led to it, and how it ended."""
    first = next((n for n, line in enumerate(lines) if line.startswith(ERRORS)), len(lines))
    begin = max(0, first - 3)
    if len(lines) - begin <= 2 * TAIL:
        return "\n".join(lines[min(begin, max(0, len(lines) - TAIL)) :])
    return "\n".join([*lines[begin : begin + TAIL], "[...]", *lines[-TAIL:]])


def _end(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-TAIL:])
