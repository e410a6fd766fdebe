"""Two real Corosyncs, each in namespaces of its own, and the product's own steps of a rotation."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.namespaced import Namespaced, await_votes

from pcmk_ha.desired.build import build_desired
from pcmk_ha.model.load import load_cluster_text
from pcmk_ha.model.platform import DEBIAN_13
from pcmk_ha.operate.rotate.observe import Wanted
from pcmk_ha.operate.rotate.perform import Rotating
from pcmk_ha.operate.rotate.store import choose_secrets, keep_secrets
from pcmk_ha.operate.secrets import create_secrets, load_secrets
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import rotation_actions as rotate
from pcmk_ha.plan.rotation import Which

pytestmark = pytest.mark.timeout(120)
FILE = """\
name: keys
nodes:
  - {name: node1, address: 10.9.9.1, disk: /dev/sdb, fence: {ip: 192.0.2.1}}
  - {name: node2, address: 10.9.9.2, disk: /dev/sdb, fence: {ip: 192.0.2.2}}
vip: 10.9.9.100/24
"""
KEY = ("/etc/corosync/authkey",)


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
