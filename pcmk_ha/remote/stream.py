"""What a node prints all along, over ssh(1): it outlives a lost connection by making a new one."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.parts import Node
from pcmk_ha.remote.connect import host_of, ssh_config_of

AGAIN_S = 0.5
# A node that hangs may go on again: stay connected for three minutes, to hear what it has to say then.
OPTIONS = ("BatchMode=yes", "ConnectTimeout=2", "ServerAliveInterval=5", "ServerAliveCountMax=36")


class NodeStream:
    """Runs a shell script on a node, again after each end, and passes on every line with the time it came.

    `with` starts and ends it. `heard` is called in a thread of the stream's own; times are those of `clock`.
    """

    def __init__(
        self, cluster: Cluster, node: Node, script: str, heard: Callable[[str, float], None],
        *, clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        config = ssh_config_of(cluster)
        options = [word for option in OPTIONS for word in ("-o", option)]
        command = "bash -s" if cluster.lab else 'sh -c "if [ $(id -u) = 0 ]; then bash -s; else sudo -n bash -s; fi"'
        self._argv = ["ssh", *(["-F", str(config)] if config else []), *options, "-T", host_of(cluster, node), command]
        self._script = script
        self._heard = heard
        self._clock = clock
        self._stop = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._loop, daemon=True, name=f"stream {node.name}")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def _loop(self) -> None:
        while not self._stop.is_set():
            self._once()
            self._stop.wait(AGAIN_S)

    def _once(self) -> None:
        with subprocess.Popen(
            self._argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            start_new_session=True,
        ) as process:  # fmt: skip
            self._process = process
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(self._script)
                process.stdin.close()
                for line in process.stdout:
                    self._heard(line.rstrip("\n"), self._clock())
            except OSError:
                return  # it ended before it had read its script: the connection was refused
            finally:
                process.kill()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._process is not None:
            self._process.kill()
        self._thread.join(5)
