"""Three real Corosyncs, each in namespaces of its own, and the product's own change of votes."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from support.files import ARBITER, MINIMAL
from support.namespaced import Namespaced, await_votes
from support.planned import desired_of

from pcmk_ha.desired.names import AUTHKEY, COROSYNC_CONF
from pcmk_ha.desired.values import Desired
from pcmk_ha.errors import TimedOut
from pcmk_ha.facts.corosync import Quorum, parse_quorum
from pcmk_ha.operate.arbiter.votes import change_votes
from pcmk_ha.operate.parts.node import desired_file, put_file
from pcmk_ha.plan.arbiter import Sides, counts_all

pytestmark = pytest.mark.timeout(240)
SIDES = Sides(desired_of(MINIMAL), desired_of(MINIMAL + ARBITER))
DATA = ("node1", "node2")
ADDRESSES = {"node1": "192.0.2.11", "node2": "192.0.2.12", "arbiter": "192.0.2.13"}


@pytest.fixture
def nodes() -> Iterator[dict[str, Namespaced]]:
    """Three nodes on one switch, which is a bridge in namespaces of its own."""
    with ExitStack() as stack:
        switch = Namespaced("switch", stack)
        switch.run(("sh", "-c", "ip link add sw0 type bridge; ip link set sw0 up"))
        made = {name: Namespaced(name, stack) for name in ADDRESSES}
        for name, node in made.items():
            plug = ("ip", "link", "add", name, "type", "veth", "peer", "name", "v", "netns", node.pid)
            subprocess.run(("nsenter", "-t", switch.pid, "--net", *plug), check=True, timeout=10)
            switch.run(("sh", "-c", f"ip link set {name} master sw0 up"))
            node.run(("sh", "-c", f"ip address add {ADDRESSES[name]}/24 dev v; ip link set v up"))
        yield made


def give(node: Namespaced, desired: Desired, *paths: str) -> None:
    for path in paths:
        put_file(node, desired_file(desired, node.node, path))


def counted(node: Namespaced) -> Quorum | None:
    return parse_quorum(node.run(("corosync-quorumtool", "-s"), ok=None).stdout)


def lose(node: Namespaced) -> None:
    node.run(("sh", "-c", "pkill -9 -x corosync; while pgrep -x corosync >/dev/null; do sleep 0.1; done"))


def await_count(node: Namespaced, votes: int, *, quorate: bool) -> None:
    deadline = time.monotonic() + 30
    while not ((found := counted(node)) and (found.votes, found.quorate) == (votes, quorate)):
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


@contextmanager
def never_without_quorum(nodes: dict[str, Namespaced]) -> Iterator[None]:
    """Ask both data nodes again and again whether they have quorum."""
    end, lost = threading.Event(), []

    def watch(node: Namespaced) -> None:
        while not end.wait(0.05):
            if (found := counted(node)) is None or not found.quorate:
                lost.append((node.node, found))

    watchers = [threading.Thread(target=watch, args=(nodes[name],)) for name in DATA]
    for watcher in watchers:
        watcher.start()
    try:
        yield
    finally:
        end.set()
        for watcher in watchers:
            watcher.join()
    assert not lost


def test_two_votes_become_three_and_two_again_and_nobody_loses_quorum(nodes: dict[str, Namespaced]) -> None:
    one, two, third = nodes.values()
    for name in DATA:
        give(nodes[name], SIDES.two, COROSYNC_CONF, AUTHKEY)
        nodes[name].start()
    await_count(one, 2, quorate=True)

    give(third, SIDES.three, COROSYNC_CONF, AUTHKEY)
    third.start()
    time.sleep(3)
    assert (alone := counted(third)) is not None
    assert (alone.votes, alone.expected, alone.quorate) == (1, 3, False)
    assert counts_all(counted(one), 2)

    with never_without_quorum(nodes):
        for node in (two, one):
            give(node, SIDES.three, COROSYNC_CONF)
        change_votes(nodes, SIDES, 3)
    for node in nodes.values():
        assert counts_all(counted(node), 3)

    lose(two)
    await_count(one, 2, quorate=True)
    lose(third)
    await_count(one, 1, quorate=False)
    for node in (two, third):
        node.start()
    await_votes(one, 3)

    with never_without_quorum(nodes):
        for node in (two, one):
            give(node, SIDES.two, COROSYNC_CONF)
        change_votes(nodes, SIDES, 2)
    await_count(third, 1, quorate=False)
    assert [counts_all(counted(nodes[name]), 2) for name in DATA] == [True, True]
    lose(two)
    await_count(one, 1, quorate=True)
    two.start()
    await_votes(two, 2)


def test_a_third_vote_that_nobody_hears_is_taken_back_and_nobody_loses_quorum(nodes: dict[str, Namespaced]) -> None:
    for name in DATA:
        give(nodes[name], SIDES.two, COROSYNC_CONF, AUTHKEY)
        nodes[name].start()
    give(nodes["arbiter"], SIDES.three, COROSYNC_CONF, AUTHKEY)
    nodes["arbiter"].start()
    await_count(nodes["node1"], 2, quorate=True)
    nodes["arbiter"].run(("ip", "link", "set", "v", "down"))
    with never_without_quorum(nodes):
        for name in DATA:
            give(nodes[name], SIDES.three, COROSYNC_CONF)
        with pytest.raises(TimedOut) as caught:
            change_votes(nodes, SIDES, 3, join_s=4)
    assert "count two votes again" in caught.value.hint
    assert [counts_all(counted(nodes[name]), 2) for name in DATA] == [True, True]
    for name in DATA:
        assert nodes[name].run(("cat", COROSYNC_CONF)).stdout == desired_file(SIDES.two, name, COROSYNC_CONF).content
