"""Which supervisors run on this machine, found by looking: a file that says so may be stale, half-written or gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SUPERVISOR = "pcmk_ha.lab.supervisor"


@dataclass(frozen=True)
class Holder:
    """A running supervisor and the state folder of the lab it holds."""

    pid: int
    root: Path


def holders() -> Iterator[Holder]:
    """Find every running supervisor."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it ended meanwhile
            continue
        if words[1:3] == ["-m", SUPERVISOR] and len(words) > 3:  # a zombie has no command line
            yield Holder(int(entry.name), Path(words[3]))


def holders_of(root: Path) -> tuple[Holder, ...]:
    """Find the supervisors of one lab: one, or none."""
    return tuple(holder for holder in holders() if holder.root == root)


def others_of_that_name(root: Path) -> tuple[Holder, ...]:
    """Find supervisors of a lab with the same name under another state folder: it has the namespace we would use."""
    return tuple(holder for holder in holders() if holder.root.name == root.name and holder.root != root)
