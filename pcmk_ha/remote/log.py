"""The full log of what was run where; commands and their answers' status, never what they were fed."""

from __future__ import annotations

import shlex
import threading
from datetime import UTC, datetime
from pathlib import Path

from pcmk_ha.remote.runner import Outcome
from pcmk_ha.scrub.patterns import mask_patterns


class CommandLog:
    """Appends a line for each command; without a path it keeps nothing."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)

    def write(self, node: str, outcome: Outcome, seconds: float) -> None:
        """Note one command; its complaint only where it failed."""
        if self._path is None:
            return
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        # drbdadm, for one, complains with the whole command it ran, and a shared secret in it.
        complaint = (
            f" # {mask_patterns(outcome.stderr.strip())[:500]!r}" if outcome.status and outcome.stderr.strip() else ""
        )
        line = f"{now}Z {node} {seconds:6.2f}s {outcome.status:3d} {shlex.join(outcome.argv)}{complaint}\n"
        with self._lock, self._path.open("a") as file:
            file.write(line)
