"""Two real Corosyncs, each in namespaces of its own, and the product's own steps of a rotation."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from pcmk_ha.desired.build import build_desired
from pcmk_ha.errors import CommandFailed
from pcmk_ha.model.load import load_cluster_text
from pcmk_ha.model.platform import DEBIAN_13
from pcmk_ha.operate.rotate.observe import Wanted
from pcmk_ha.operate.rotate.perform import Rotating
from pcmk_ha.operate.rotate.store import choose_secrets, keep_secrets
from pcmk_ha.operate.secrets import create_secrets, load_secrets
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import rotation_actions as rotate
from pcmk_ha.plan.rotation import Which
from pcmk_ha.remote.runner import Outcome

pytestmark = pytest.mark.timeout(120)
FILE = """\
name: keys
nodes:
  - {name: node1, address: 10.9.9.1, disk: /dev/sdb, fence: {ip: 192.0.2.1}}
  - {name: node2, address: 10.9.9.2, disk: /dev/sdb, fence: {ip: 192.0.2.2}}
vip: 10.9.9.100/24
"""
KEY = ("/etc/corosync/authkey",)
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


@pytest.fixture
def nodes() -> Iterator[dict[str, Namespaced]]:
    with ExitStack() as stack:
        made = {name: Namespaced(name, stack) for name in ("node1", "node2")}
        one, two = made.values()
        link = ("nsenter", "-t", one.pid, "--net", "ip", "link", "add", "v", "type", "veth", "peer", "name", "v")
        subprocess.run((*link, "netns", two.pid), check=True, timeout=10)
        for number, node in enumerate(made.values(), 1):
            node.run(("sh", "-c", f"ip address add 10.9.9.{number}/24 dev v; ip link set v up"))
        yield made


def test_a_new_key_comes_into_force_without_a_member_leaving_and_a_half_done_rotation_is_finished(
    nodes: dict[str, Namespaced], tmp_path: Path
) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text(FILE)
    cluster = load_cluster_text(FILE)
    create_secrets(cluster, path)

    def wanted() -> Wanted:
        secrets = load_secrets(cluster, path)
        old, new = (build_desired(cluster, s, DEBIAN_13) for s in (secrets, secrets.with_next()))
        return Wanted(secrets, old, new)

    work = Rotating(nodes, path, wanted, steady_s=4)
    for name, node in nodes.items():
        node.put("/etc/corosync/corosync.conf", wanted().file(Which.OLD, name, "/etc/corosync/corosync.conf").content)
        work(act.WriteFiles(name, KEY))
        node.start()
    await_votes(nodes["node1"], 2)

    before = nodes["node1"].membership
    work(rotate.ChooseSecrets("here", ("authkey",)))
    for name in nodes:
        work(act.WriteFiles(name, KEY))
    work(rotate.ReloadKey("node1"))
    keep_secrets(path, ["authkey"])
    assert nodes["node1"].membership == before, "somebody left"
    work(rotate.ReloadKey("node2"))  # as a run that is repeated would
    assert nodes["node1"].membership == before

    # Cut short before the reload; then the member that has the new key restarts, and is alone with it.
    choose_secrets(path, ["authkey"])
    work(act.WriteFiles("node2", KEY))
    nodes["node2"].run(("corosync-cfgtool", "-H"))
    await_votes(nodes["node1"], 1)
    nodes["node2"].run(("sh", "-c", "while pgrep -x corosync >/dev/null; do sleep 0.2; done"))
    nodes["node2"].start()
    time.sleep(5)
    assert nodes["node1"].membership[1] == 1
    work(act.WriteFiles("node1", KEY))
    work(rotate.ReloadKey("node1"))
    await_votes(nodes["node1"], 2)
    assert nodes["node2"].membership[1] == 2
