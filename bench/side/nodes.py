"""Commands on a lab's nodes, for contenders that our own tool does not operate."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from pcmk_ha.lab.state import load_lab


class Failed(Exception):
    """A run could not be made, and why; it is recorded, not dropped."""


@dataclass(frozen=True)
class Nodes:
    """The nodes of a lab, by ssh(1)."""

    lab: str

    def run(self, node: str, script: str, *, stdin: str | None = None, timeout: float = 120) -> str:
        """Run a shell script on a node and return what it printed; raises Failed with its last words."""
        done = self._ssh(node, script, stdin, timeout)
        if done.returncode != 0:
            last = (done.stderr.strip() or done.stdout.strip())[-400:]
            raise Failed(f"{node}: {script.splitlines()[0][:60]} ended with {done.returncode}: {last}")
        return done.stdout

    def ask(self, node: str, script: str, *, timeout: float = 20) -> str:
        """Return what a script prints, whatever it ends with; nothing where the node does not answer."""
        try:
            return self._ssh(node, script, None, timeout).stdout
        except Failed:
            return ""

    def _ssh(self, node: str, script: str, stdin: str | None, timeout: float) -> subprocess.CompletedProcess[str]:
        argv = ("ssh", "-F", str(load_lab(self.lab).ssh_config), "-o", "ConnectTimeout=3", node, script)
        given = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
        try:
            return subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False, **given)
        except subprocess.TimeoutExpired:
            raise Failed(f"{node} did not answer within {timeout:.0f} s") from None

    def put(self, node: str, path: str, text: str) -> None:
        """Write a file."""
        self.run(node, f"mkdir -p $(dirname {path}) && umask 077 && cat > {path} && chmod 644 {path}", stdin=text)


def await_true(look: Callable[[], bool], what: str, *, timeout_s: float, every_s: float = 1) -> None:
    """Look again and again; raises Failed."""
    deadline = time.monotonic() + timeout_s
    while not look():
        if time.monotonic() > deadline:
            raise Failed(f"{what} did not come about within {timeout_s:.0f} s")
        time.sleep(every_s)
