"""Real labs for real tests: made once for a module, always taken down."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

STALL_S = 10.0


class Watch(threading.Thread):
    """Notices when this machine stood still, as virtual machines do when their host pauses them.

    What then runs into its deadline says nothing about the product: it is run once more, and that is printed.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True, name="watch")
        self.stalls: list[float] = []

    def run(self) -> None:
        """Look at the clock twice a second; a unit test in the same process may have taken `time.sleep` away."""
        never, last = threading.Event(), time.monotonic()
        while not never.wait(0.5):
            now = time.monotonic()
            if now - last > STALL_S:
                self.stalls.append(now)
            last = now


WATCH = Watch()
WATCH.start()
Done = subprocess.CompletedProcess[str]
PROGRAM = Path(sys.executable).with_name("pcmk-ha")


@dataclass
class Bench:
    """A folder with a cluster file, a lab, and the command as a user runs it."""

    name: str
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(
        self, *arguments: str, ok: tuple[int, ...] = (0,), timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run pcmk-ha here; a status that is not expected fails the test with all that was printed."""
        stalls = len(WATCH.stalls)
        done = self._once(arguments, timeout)
        if done.returncode not in ok and len(WATCH.stalls) > stalls:
            sys.stderr.write(f"this machine stood still; once more: {arguments}\n")
            done = self._once(arguments, timeout)
        assert done.returncode in ok, f"{arguments} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stdout + done.stderr
        return done

    def _once(self, arguments: tuple[str, ...], timeout: float) -> Done:
        return subprocess.run(
            (str(PROGRAM), *arguments), cwd=self.folder, env=self.environment, capture_output=True, text=True,
            timeout=timeout, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def lab(self, verb: str, *arguments: str, ok: tuple[int, ...] = (0,), timeout: float = 300) -> str:
        """Run a verb of `pcmk-ha lab` on this lab."""
        head = () if verb in ("ssh", "exec") else arguments
        tail = arguments if verb in ("ssh", "exec") else ()
        return self.run("lab", verb, *head, "--name", self.name, *tail, ok=ok, timeout=timeout).stdout

    def on(self, node: str, command: str, ok: tuple[int, ...] = (0,)) -> str:
        """Run a shell command on a node."""
        return self.lab("ssh", node, command, ok=ok)

    def status(self, ok: tuple[int, ...] = (0, 10, 11)) -> dict[str, Any]:
        """Return `status --json`."""
        found: dict[str, Any] = json.loads(self.run("status", "--json", ok=ok).stdout)
        return found

    def await_answer(self, node: str, *, timeout: float = 60) -> None:
        """Wait until a node's SSH server greets, whatever its host key is."""
        deadline = time.monotonic() + timeout
        port = json.loads(self.lab("status", "--json"))["nodes"][node]["ssh_port"]
        greeting = b""
        while not greeting.startswith(b"SSH-"):
            assert time.monotonic() < deadline, f"{node} does not answer"
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 2) as door:
                door.settimeout(2)
                greeting = door.recv(4)
            time.sleep(0.2)

    @property
    def primary(self) -> str:
        """The node that serves."""
        return str(self.status()["service"]["promoted_on"])

    @property
    def standby(self) -> str:
        """The other one."""
        return {"node1": "node2", "node2": "node1"}[self.primary]

    def await_health(self, wanted: str = "healthy", *, timeout: float = 150) -> dict[str, Any]:
        """Wait for a health, and return the status that had it."""
        deadline = time.monotonic() + timeout
        while (found := self.status())["health"] != wanted or len(found["service"]["unpromoted_on"]) != 1:
            assert time.monotonic() < deadline, json.dumps(found, indent=1)
            time.sleep(1)
        return found


def make_bench(name: str) -> Bench:
    """Return a bench with its own state; the cache of kernels and images is the user's."""
    root = Path(tempfile.mkdtemp(prefix="pl-", dir="/tmp"))  # short: a Unix socket's path has 108 bytes
    folder = root / "work"
    folder.mkdir()
    return Bench(name, folder, {**os.environ, "XDG_STATE_HOME": str(root / "state")})


def lab_of(name: str, *arguments: str) -> Iterator[Bench]:
    """Yield a bench whose lab is up, with a cluster file."""
    bench = make_bench(name)
    try:
        bench.run("lab", "up", "--name", name, "--hours", "1", *arguments, timeout=900)
        bench.run("init", "--lab", name)
        yield bench
    finally:
        bench.run("lab", "down", "--name", name)
        shutil.rmtree(bench.folder.parent)


@pytest.fixture(scope="module")
def trixie() -> Iterator[Bench]:
    """Two empty Debian 13 nodes."""
    yield from lab_of("t13")


@pytest.fixture(scope="module")
def bookworm() -> Iterator[Bench]:
    """Two empty Debian 12 nodes and an arbiter."""
    yield from lab_of("t12", "--suite", "bookworm", "--arbiter")


def play(bench: Bench, scenario: str) -> dict[str, Any]:
    """Play a drill, which must pass, and return its run."""
    done = bench.run("drill", "run", scenario, "--json", ok=(0, 1), timeout=580)
    (run,) = json.loads(done.stdout)
    assert run["problems"] == [], f"{run['problems']}\n{done.stderr}"
    assert sum(len(client["acknowledged"]) for client in run["clients"].values()) >= 60
    return dict(run)


def kill_after(bench: Bench, until: str, *arguments: str, seconds: float = 0) -> None:
    """Run the command and kill it some time after it says something."""
    process = subprocess.Popen(
        [str(PROGRAM), *arguments], cwd=bench.folder, env=bench.environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if until in line:
            break
    else:
        pytest.fail(f"it ended without `{until}`: {''.join(said)}")
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
