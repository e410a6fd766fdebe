"""Real Corosyncs without a lab: a Runner whose node is a set of namespaces."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path

from pcmk_ha.errors import CommandFailed
from pcmk_ha.remote.runner import Outcome

HOLD = (
    "for d in /etc/corosync /var/lib/corosync /run /dev/shm; do mount -t tmpfs x $d; done; mkdir -p /run/lock; "
    "ip link set lo up; while :; do sleep 1; done"  # a shell, for it reaps daemons that ended
)
# Pacemaker does not run here; Corosync's own word is asked for beside this.
CRM_MON = """<x><summary><current_dc present="true" with_quorum="true"/></summary><nodes>
<node online="true" pending="false"/><node online="true" pending="false"/></nodes></x>"""


class Namespaced:
    """A Runner whose node is a set of namespaces; everything in it ends with them."""

    def __init__(self, node: str, stack: ExitStack) -> None:
        self.node, self.sudo = node, ()
        unshare = ("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", HOLD)
        process = stack.enter_context(subprocess.Popen(unshare))
        stack.callback(process.kill)
        self.pid = self._first_child(process.pid)

    @staticmethod
    def _first_child(pid: int) -> str:
        deadline = time.monotonic() + 10
        while not (found := Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)  # its mounts
        return found[0]

    def run(
        self, argv: Sequence[str], *, stdin: str | None = None, timeout: float = 30, ok: Collection[int] | None = (0,)
    ) -> Outcome:
        if argv[0] == "crm_mon":
            return Outcome(tuple(argv), 0, CRM_MON, "")
        enter = ("nsenter", "-t", self.pid, "--net", "--mount", "--pid", *argv)
        done = subprocess.run(enter, input=stdin or "", capture_output=True, text=True, timeout=timeout, check=False)
        if ok is not None and done.returncode not in ok:
            raise CommandFailed(f"{self.node}: {argv} failed ({done.returncode}): {done.stderr}")
        return Outcome(tuple(argv), done.returncode, done.stdout, done.stderr)

    def put(self, path: str, content: str, *, mode: int = 0o644, owner: str = "root:root") -> None:
        self.run(
            ("sh", "-c", 'cat > "$1"; chmod "$2" "$1"; chown "$3" "$1"', "put", path, f"{mode:o}", owner), stdin=content
        )

    def close(self) -> None:
        """Nothing to end."""

    def start(self) -> None:
        self.run(("corosync",), timeout=20)

    @property
    def membership(self) -> tuple[str, int]:
        """The number of the membership, which changes whenever anybody leaves or joins; and votes."""
        said = self.run(("corosync-quorumtool", "-s"), ok=None).stdout
        ring, votes = re.search(r"Ring ID: +(\S+)", said), re.search(r"Total votes: +(\d+)", said)
        return (ring[1] if ring else "", int(votes[1]) if votes else 0)


def await_votes(node: Namespaced, votes: int) -> None:
    deadline = time.monotonic() + 30
    while node.membership[1] != votes:
        assert time.monotonic() < deadline, node.membership
        time.sleep(0.3)
