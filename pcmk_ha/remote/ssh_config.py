"""The text of an ssh_config with its Include lines followed, which paramiko passes over."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from pcmk_ha.errors import PcmkHaError

USER = Path("~/.ssh/config")
SYSTEM = Path("/etc/ssh/ssh_config")
LINE = re.compile(r"^\s*(\w+)(?:\s*=\s*|\s+)(.*)$")
DEEPEST = 16  # as ssh_config(5)


def read_ssh_config(path: Path | None) -> str:
    """Return what ssh(1) would go by: one file alone, as with `ssh -F`, or the user's and the system's.

    Raises PcmkHaError when a file that was asked for cannot be read.
    """
    if path is not None:
        return _expand(path, path.parent)
    return f"{_expand_if_there(USER.expanduser())}\nHost *\n{_expand_if_there(SYSTEM)}"


def _expand_if_there(path: Path) -> str:
    return _expand(path, path.parent) if path.exists() else ""


def _expand(path: Path, folder: Path, depth: int = 0) -> str:
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise PcmkHaError(f"{path} cannot be read ({error})", hint="it is an ssh_config file") from None
    return "\n".join(_lines(text, folder, depth))


def _lines(text: str, folder: Path, depth: int) -> Iterator[str]:
    block = "Host *"
    for line in text.splitlines():
        match = LINE.match(line)
        word = match[1].lower() if match else ""
        if match and word == "include":
            if depth < DEEPEST:
                for file in _files(match[2], folder):
                    yield _expand(file, folder, depth + 1)
            yield block  # what was included ends in a block of its own
            continue
        if word in ("host", "match"):
            block = line
        yield line


def _files(patterns: str, folder: Path) -> Iterator[Path]:
    for pattern in shlex.split(patterns, comments=True):
        absolute = folder / Path(pattern).expanduser()
        yield from sorted(Path("/").glob(str(absolute).lstrip("/")))
