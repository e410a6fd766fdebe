"""What a database has to do while it is broken: pgbench at a fixed rate, started again whenever it ends."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from typing import Self

from pcmk_ha.client.process import ClientKind, where_clients_are
from pcmk_ha.client.settings import connection_string
from pcmk_ha.model.cluster import Cluster
from side.nodes import Failed

# Eight writers: six that keep their connection, two that make a new one for each write. With pgbench and the watchers
# they keep a lab node about half busy: with more of them it is the lab's small processors that are compared.
WRITERS = (
    *(ClientKind(f"steady{n}", every_s=0.2) for n in range(1, 7)),
    *(ClientKind(f"fresh{n}", fresh=True, every_s=1) for n in (1, 2)),
)
SCALE, RATE, CLIENTS = 5, 10, 2
AGAIN_S = 0.5


def direct(cluster: Cluster) -> tuple[ClientKind, ...]:
    """Return a client for each data node past the VIP: none may ever be answered by two of them."""
    return tuple(
        ClientKind(f"direct-{node.name}", host=str(node.address), deadline_s=3, every_s=0.25) for node in cluster.nodes
    )


def pgbench(cluster: Cluster, password: str, *options: str, host: str = "", timeout: float = 600) -> str:
    """Run pgbench where clients are, through the VIP or to `host`; raises Failed with its last words."""
    return _run(cluster, password, "pgbench", *options, host=host, timeout=timeout)


def _run(cluster: Cluster, password: str, program: str, *options: str, host: str, timeout: float) -> str:
    # Without time-outs: what fills a database may wait for its answers.
    where = connection_string(cluster, user="postgres", database="postgres", host=host, timeouts=False)
    argv = (*where_clients_are(cluster), program, *options, where)
    done = subprocess.run(
        argv, capture_output=True, text=True, timeout=timeout, check=False, env=os.environ | {"PGPASSWORD": password}
    )
    if done.returncode != 0:
        raise Failed(f"{program} {' '.join(options)} ended with {done.returncode}: {done.stderr[-300:]}")
    return done.stdout


def target(cluster: Cluster, host: str = "") -> str:
    """Return what libpq connects to."""
    return connection_string(cluster, user="postgres", database="postgres", host=host)


def fill(cluster: Cluster, password: str, scale: int, *, host: str = "") -> None:
    """Make pgbench's tables on the server itself; raises Failed."""
    pgbench(cluster, password, "-i", "-I", "dtGvp", "-q", "-s", str(scale), host=host, timeout=1200)


def write_out(cluster: Cluster, password: str) -> None:
    """Have the server write out what is dirty; raises Failed."""
    _run(cluster, password, "psql", "-X", "-q", "-c", "CHECKPOINT", host="", timeout=600)


class Load:
    """pgbench beside the writers; `with` starts and ends it. Its answers are not counted: it is there to be a load."""

    def __init__(self, cluster: Cluster, password: str) -> None:
        self._cluster = cluster
        self._environment = os.environ | {"PGPASSWORD": password}
        self._stop = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._loop, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def _loop(self) -> None:
        argv = (
            *where_clients_are(self._cluster), "pgbench", "-n", "-c", str(CLIENTS), "-R", str(RATE), "-T", "3600",
            target(self._cluster),
        )  # fmt: skip
        while not self._stop.is_set():
            with subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=self._environment,
            ) as process:  # fmt: skip
                self._process = process
                if self._stop.is_set():
                    process.kill()
            self._stop.wait(AGAIN_S)

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        if self._process is not None:
            self._process.kill()
        self._thread.join(5)


def has_pgbench() -> bool:
    """Whether this machine can be a client."""
    return any((Path(folder) / "pgbench").exists() for folder in os.environ["PATH"].split(":"))
