"""Starts a process of writing clients where clients would be, and reads their ledgers."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from pcmk_ha.client.ledger import Ledger, Server
from pcmk_ha.client.settings import connection_string
from pcmk_ha.errors import PcmkHaError, TimedOut
from pcmk_ha.model.cluster import Cluster

PATIENCE_S = 60
JOIN_S = 10  # for a write under way when the clients are told to end


@dataclass(frozen=True)
class ClientKind:
    """How one client behaves; `deadline_s` 0 waits for ever, `host` goes past the VIP to one node."""

    name: str
    fresh: bool = False  # a new connection for every write
    deadline_s: float = 5.0
    timeouts: bool = True  # the recommended connection settings
    host: str = ""
    every_s: float = 0.05  # from one write to the next, when they are answered at once


STEADY = ClientKind("steady")


def where_clients_are(cluster: Cluster) -> tuple[str, ...]:
    """Return what a command must begin with to run where the cluster's clients are."""
    if not cluster.lab:
        return ()
    from pcmk_ha.lab.network import inside
    from pcmk_ha.lab.state import load_lab

    return inside(load_lab(cluster.lab).netns, ())


class WriterProcess:
    """Clients that write all along; `with` starts and ends them."""

    def __init__(self, cluster: Cluster, password: str, *, kinds: Sequence[ClientKind] = (STEADY,)) -> None:
        self._cluster = cluster
        self._patience_s = PATIENCE_S + 15 + JOIN_S * len(kinds)
        self._orders = {
            "clients": [_order(cluster, kind) for kind in kinds],
            "password": password,
            "run": secrets.token_hex(6),
            "patience_s": PATIENCE_S,
            "join_s": JOIN_S,
        }
        self._said: list[dict[str, Any]] = []
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def __enter__(self) -> Self:
        argv = (*where_clients_are(self._cluster), sys.executable, "-m", "pcmk_ha.client.writer")
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            start_new_session=True,  # a Ctrl-C is ours to answer
        )  # fmt: skip
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

    def acknowledged(self, client: str = "") -> int:
        """Return how many writes were answered so far, of one client or of all."""
        return sum(1 for word in tuple(self._said) if "ack" in word and client in ("", word["client"]))

    def await_writes(self, count: int, *, timeout_s: float, clients: Sequence[str] = ()) -> None:
        """Wait until each of the named clients, or all together, had that many more answers; raises TimedOut."""
        wanted = {client: self.acknowledged(client) + count for client in clients or ("",)}
        deadline = time.monotonic() + timeout_s
        while behind := [client for client, number in wanted.items() if self.acknowledged(client) < number]:
            if time.monotonic() > deadline:
                who = f" of {', '.join(behind)}" if clients else ""
                raise TimedOut(f"no {count} writes{who} through the VIP within {timeout_s:.0f} s")
            time.sleep(0.05)

    def finish(self) -> Ledger:
        """Stop writing and return the first client's ledger; raises PcmkHaError when it cannot be read."""
        return next(iter(self.finish_all().values()))

    def finish_all(self) -> dict[str, Ledger]:
        """Stop writing, read the table and return every client's ledger; raises PcmkHaError as `finish` does."""
        self._end(self._patience_s)
        return read_ledgers(self._said)

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


def _order(cluster: Cluster, kind: ClientKind) -> dict[str, Any]:
    target = connection_string(cluster, user="postgres", database="postgres", host=kind.host, timeouts=kind.timeouts)
    return {
        "name": kind.name, "conninfo": target, "fresh": kind.fresh, "deadline_s": kind.deadline_s,
        "every_s": kind.every_s,
    }  # fmt: skip


def read_ledgers(said: Sequence[Mapping[str, Any]]) -> dict[str, Ledger]:
    """Make a ledger for each client of what it said; raises PcmkHaError when one could not read its rows."""
    clients = dict.fromkeys(str(word["client"]) for word in said)
    if not clients:
        raise PcmkHaError("the ledger cannot be checked: the writers ended early")
    return {client: _ledger([word for word in said if word["client"] == client]) for client in clients}


def _ledger(said: Sequence[Mapping[str, Any]]) -> Ledger:
    found = next((word["found"] for word in said if "found" in word), None)
    if found is None:
        why = next((word["error"] for word in said if "error" in word), "the writer ended early")
        raise PcmkHaError(f"the ledger cannot be checked: {why}")
    began = next((float(word["began"]) for word in said if "began" in word), 0.0)
    return Ledger(
        acknowledged=tuple((int(word["ack"]), float(word["at"])) for word in said if "ack" in word),
        doubtful=tuple(int(word["doubt"]) for word in said if "doubt" in word),
        found=tuple(found),
        began=began,
        ended=next((float(word["ended"]) for word in said if "ended" in word), began),
        servers=tuple(
            Server(float(word["at"]), word["node"], word["instance"], int(word["timeline"]))
            for word in said
            if "instance" in word
        ),
    )
