"""Local programs: run one, show what it is doing, and say what went wrong in its own words."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence

from pcmk_ha.errors import CommandFailed

Report = Callable[[str], None]
TAIL = 15


def run(argv: Sequence[str], *, stdin: str | None = None, timeout: float = 60) -> str:
    """Return a program's standard output; raises CommandFailed with the end of its complaint."""
    try:
        done = subprocess.run(list(argv), input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandFailed(f"{argv[0]}: {error}") from None
    if done.returncode != 0:
        raise CommandFailed(f"{' '.join(argv[:4])} failed ({done.returncode}): {_end(done.stderr or done.stdout)}")
    return done.stdout


def run_reporting(argv: Sequence[str], report: Report, *, cwd: str | None = None) -> None:
    """Run a long program and pass on every line it prints; raises CommandFailed with its last lines."""
    lines: list[str] = []
    with subprocess.Popen(
        list(argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=cwd,
    ) as process:
        for line in process.stdout or ():
            lines.append(line.rstrip())
            report(line.rstrip())
    if process.returncode != 0:
        raise CommandFailed(f"{argv[0]} failed ({process.returncode}):\n{_explain(lines)}")


def _explain(lines: list[str]) -> str:
    """Return what a package tool says of an error, before the noise of its unwinding."""
    errors = [line for line in lines if line.startswith(("E:", "Err:", "dpkg: error", "W: Failed"))]
    return "\n".join([*lines[-TAIL:], *(e for e in errors if e not in lines[-TAIL:])])


def _end(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-TAIL:])
