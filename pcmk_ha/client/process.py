"""Starts a writing process where a client would be, and reads its ledger."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import threading
import time
from types import TracebackType
from typing import Any, Self

from pcmk_ha.client.ledger import Ledger
from pcmk_ha.client.settings import connection_string
from pcmk_ha.errors import PcmkHaError, TimedOut
from pcmk_ha.model.cluster import Cluster

PATIENCE_S = 60


def where_clients_are(cluster: Cluster) -> tuple[str, ...]:
    """Return what a command must begin with to run where the cluster's clients are."""
    if not cluster.lab:
        return ()
    from pcmk_ha.lab.network import inside
    from pcmk_ha.lab.state import load_lab

    return inside(load_lab(cluster.lab).netns, ())


class WriterProcess:
    """A client that writes all along; `with` starts and ends it."""

    def __init__(self, cluster: Cluster, password: str, *, every_s: float = 0.05) -> None:
        self._cluster = cluster
        self._orders = {
            "conninfo": connection_string(cluster, user="postgres", database="postgres"),
            "password": password,
            "run": secrets.token_hex(6),
            "every_s": every_s,
            "patience_s": PATIENCE_S,
        }
        self._said: list[dict[str, Any]] = []
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def __enter__(self) -> Self:
        argv = (*where_clients_are(self._cluster), sys.executable, "-m", "pcmk_ha.client.writer")
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(self._orders) + "\n")
        self._process.stdin.flush()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._said.append(json.loads(line))

    def acknowledged(self) -> int:
        """Return how many writes were answered so far."""
        return sum(1 for word in tuple(self._said) if "ack" in word)

    def last_ack(self) -> float:
        """Return when the latest write was answered, on this machine's monotonic clock; 0.0 before the first."""
        return next((float(word["at"]) for word in reversed(tuple(self._said)) if "ack" in word), 0.0)

    def await_writes(self, count: int, *, timeout_s: float) -> None:
        """Wait for that many more acknowledged writes; raises TimedOut."""
        wanted = self.acknowledged() + count
        deadline = time.monotonic() + timeout_s
        while self.acknowledged() < wanted:
            if time.monotonic() > deadline:
                raise TimedOut(f"no {count} writes through the VIP within {timeout_s:.0f} s")
            time.sleep(0.05)

    def finish(self) -> Ledger:
        """Stop writing, read the table and return the ledger; raises PcmkHaError when it cannot be read."""
        self._end(PATIENCE_S + 15)
        return read_ledger(self._said)

    def _end(self, timeout_s: float) -> None:
        if self._process is None or self._reader is None:
            return
        assert self._process.stdin is not None
        if not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
        self._end(5)


def read_ledger(said: list[dict[str, Any]]) -> Ledger:
    """Make a ledger of what a writer said."""
    found = next((word["found"] for word in said if "found" in word), None)
    if found is None:
        why = next((word["error"] for word in said if "error" in word), "the writer ended early")
        raise PcmkHaError(f"the ledger cannot be checked: {why}")
    return Ledger(
        acknowledged=tuple((int(word["ack"]), float(word["at"])) for word in said if "ack" in word),
        doubtful=tuple(int(word["doubt"]) for word in said if "doubt" in word),
        found=tuple(found),
        began=next(float(word["began"]) for word in said if "began" in word),
        ended=next(float(word["ended"]) for word in said if "ended" in word),
    )
