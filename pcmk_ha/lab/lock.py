"""One maker at a time for what all labs share."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pcmk_ha.lab.process import Report


@contextmanager
def making(path: Path, report: Report) -> Iterator[None]:
    """Hold the right to make `path`; waits while somebody else makes it, so look again whether it is there.

    The kernel lets go of it when the holder dies, whatever killed him.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"another `lab up` is making {path.name}; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
