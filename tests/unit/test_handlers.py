"""The fence-peer handler says "go on" only when the peer provably takes no writes."""

from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

import pytest
from support.handler_node import DOWN, LOST, OURS, QUORUM, THEIRS, World, soon


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def gone(world: World) -> World:
    """The peer was fenced, and Corosync does not count it any more."""
    world.fenced(seconds_ago=1)
    world.members("node1")
    return world


def test_a_fenced_peer_is_confirmed_and_kept_from_promotion(world: World) -> None:
    world.state(DOWN)
    assert world.run() == 7
    assert 'operation="ne" value="node1"' in world.constraint
    assert 'rsc="drbd_pgdata-clone"' in world.constraint


def test_a_peer_that_is_only_lost_is_not_taken_for_fenced(world: World) -> None:
    world.state(LOST)
    assert world.run() == 1


@pytest.mark.parametrize("role", ["Primary/Unknown", "Secondary/Unknown"])
def test_an_isolated_node_believes_nothing_and_writes_nothing(world: World, role: str) -> None:
    """Cut off with an arbiter on the other side, it takes its peer for stopped, or for fenced by an old history."""
    world.set("role", role)
    world.set("quorum", QUORUM.format("No"))
    world.state(DOWN)
    world.fenced(seconds_ago=1)
    world.set("peer-follows", "")
    assert world.run() == 1
    assert not world.constraint


def test_a_peer_that_looks_online_is_not_believed_without_its_own_word(world: World) -> None:
    assert world.run() == 1
    assert world.constraint


def test_a_living_peer_that_has_read_the_constraint_lets_us_go_on(world: World) -> None:
    world.set("peer-follows", "")
    assert world.run() == 4


def test_a_peer_that_answers_with_another_constraint_does_not(world: World) -> None:
    world.set("peer-constraint", '<rsc_location><expression value="node2"/></rsc_location>')
    assert world.run() == 1


@pytest.mark.parametrize(("members", "asked"), [("node1", False), ("node1 node2", True), ("192.0.2.11", True)])
def test_only_a_peer_that_corosync_counts_is_asked(world: World, members: str, asked: bool) -> None:
    """Nobody answers for one that is gone, and the fencer's word would be heard two seconds later each time."""
    world.set("peer-follows", "")
    world.members(*members.split())
    assert world.run() == (4 if asked else 1)
    assert ("--node node2" in world.calls) == asked


def test_a_peer_that_reboots_and_rejoins_at_once_is_confirmed_by_the_fencers_history(world: World) -> None:
    world.fenced(seconds_ago=20)
    assert world.run() == 7


@pytest.mark.parametrize("role", ["Primary/Unknown", "Secondary/Unknown"])
def test_who_lost_a_peer_that_was_fenced_and_is_gone_does_not_disturb_the_failover(gone: World, role: str) -> None:
    """The constraint makes Pacemaker plan anew: it is written when the service is up, before the peer can be back."""
    gone.set("role", role)
    assert gone.run() == 7
    assert not gone.constraint
    assert soon(lambda: gone.constraint)


@pytest.mark.parametrize("role", ["Primary/Unknown", "Secondary/Unknown"])
def test_a_fenced_peer_that_wrote_into_its_own_copy_meanwhile_does_not_win(gone: World, role: str) -> None:
    """It was alone, and forbade our promotion there: of two copies Pacemaker takes the one with the higher epoch."""
    gone.set("role", role)
    assert gone.run() == 7
    assert soon(lambda: gone.calls.count("--bump") == 2)
    changes = [
        call.split()[1] for call in gone.calls.splitlines() if call.startswith("cibadmin") and "--query" not in call
    ]
    assert changes == ["--create", "--bump", "--bump"]


def test_a_constraint_that_comes_too_late_to_count_does_not_stay(gone: World) -> None:
    assert gone.run() == 7
    gone.reconnect()
    assert soon(lambda: gone.constraint)
    assert soon(lambda: not gone.constraint)


def test_a_promotion_asks_for_the_peers_constraint_even_when_the_peer_is_gone(gone: World) -> None:
    gone.set("constraint", THEIRS)
    assert gone.run() == 1
    time.sleep(1.5)
    assert gone.constraint.strip() == THEIRS


@pytest.mark.parametrize("role", ["Primary/Unknown", "Secondary/Unknown"])
def test_a_peer_that_is_gone_and_has_no_power_needs_no_fencing(world: World, role: str) -> None:
    world.set("role", role)
    world.members("node1")
    world.state(LOST)
    world.lost(1, "off")
    assert world.run() == 7
    assert soon(lambda: world.constraint)


def test_the_answer_about_a_peers_power_is_heard_at_once(world: World) -> None:
    world.set("role", "Primary/Unknown")
    world.members("node1")
    world.lost(1, "asking")
    found: list[int] = []
    handler = threading.Thread(target=lambda: found.append(world.run(wait=20, pauses=100)))
    handler.start()
    time.sleep(1)
    world.lost(2, "off")
    handler.join(4)
    assert found == [7]


@pytest.mark.parametrize(("ago", "power"), [(1, "on"), (1, "unknown"), (1, "asking"), (60, "off")])
def test_a_peer_with_power_or_of_an_earlier_loss_needs_its_fencing(world: World, ago: float, power: str) -> None:
    world.set("role", "Primary/Unknown")
    world.members("node1")
    world.state(LOST)
    world.lost(ago, power)
    assert world.run() == 1
    assert not world.constraint


@pytest.mark.parametrize("why", ["member", "no quorum", "theirs"])
def test_a_peer_without_power_is_believed_by_nobody_who_may_not_go_on(world: World, why: str) -> None:
    world.set("role", "Primary/Unknown")
    world.members("node1", *(["node2"] if why == "member" else []))
    world.lost(1, "off")
    if why == "no quorum":
        world.set("quorum", QUORUM.format("No"))
    if why == "theirs":
        world.set("constraint", THEIRS)
    assert world.run() == 1


@pytest.mark.parametrize("role", ["Primary/Unknown", "Secondary/Unknown"])
def test_nobody_is_believed_who_is_gone_and_was_not_fenced(world: World, role: str) -> None:
    """Both links may be cut. Alone, this side writes nothing that would be taken for newer when they are back."""
    world.set("role", role)
    world.members("node1")
    world.state(LOST)
    assert world.run() == 1
    assert not world.constraint


@pytest.mark.parametrize("role", ["Primary/Unknown", "Secondary/Unknown"])
def test_a_peer_that_left_in_good_order_is_forbidden_to_be_promoted_first(world: World, role: str) -> None:
    world.set("role", role)
    world.members("node1")
    world.state(DOWN)
    assert world.run() == 7
    assert world.constraint


def test_a_configuration_that_cannot_be_read_proves_nothing(gone: World) -> None:
    gone.set("broken", "")
    assert gone.run() == 1


def test_a_fencing_is_heard_of_at_once(world: World) -> None:
    """Without fence_pcmk_ha's word the next look would be seconds away."""
    world.set("role", "Primary/Unknown")
    found: list[int] = []
    handler = threading.Thread(target=lambda: found.append(world.run(wait=20, pauses=100)))
    handler.start()
    assert soon(lambda: world.constraint)  # the first round
    time.sleep(1)
    world.fenced(seconds_ago=0)
    world.set("pcmk-ha-off-node2", "812.11")
    handler.join(4)
    assert found == [7]


def test_a_primary_takes_no_older_fencing_for_the_present_loss(world: World) -> None:
    world.set("role", "Primary/Unknown")
    world.fenced(seconds_ago=60)
    assert world.run() == 1
    world.fenced(seconds_ago=2)
    assert world.run() == 7


def test_a_promotion_takes_no_fencing_of_long_ago(world: World) -> None:
    world.fenced(seconds_ago=3600)
    assert world.run() == 1


@pytest.mark.parametrize("role", ["Primary/Unknown", "Secondary/Unknown"])
def test_a_peer_that_was_fenced_before_is_confirmed_by_its_latest_fencing(world: World, role: str) -> None:
    """It boots already, so nothing but the history tells."""
    world.set("role", role)
    world.fenced(seconds_ago=3600)
    world.fenced(seconds_ago=1)
    assert world.run() == 7


@pytest.mark.parametrize(
    "event", [{"status": "failed"}, {"status": "pending"}, {"target": "node3"}, {"action": "on"}], ids=str
)
def test_only_a_successful_power_cut_of_the_peer_counts(world: World, event: dict[str, str]) -> None:
    world.fenced(seconds_ago=1, **event)  # type: ignore[arg-type]
    assert world.run() == 1


def test_without_a_constraint_nothing_is_certain(world: World) -> None:
    world.set("no-quorum", "")
    world.state(DOWN)
    assert world.run() == 1


def test_a_promotion_before_the_cluster_has_the_resource_does_not_wait_for_it(world: World) -> None:
    """The connection broke while bootstrap prepared the volume: DRBD cannot mend it before the handler ends."""
    world.set("unmanaged", "")
    began = time.monotonic()
    assert world.run(wait=60) == 1
    assert time.monotonic() - began < 5


def test_the_peers_constraint_is_never_overridden(world: World) -> None:
    world.set("constraint", THEIRS)
    world.state(DOWN)
    world.fenced(seconds_ago=1)
    assert world.run() == 1
    assert world.constraint.strip() == THEIRS


@pytest.mark.parametrize(
    "disk", ["Inconsistent/DUnknown", "Outdated/DUnknown", "Consistent/DUnknown", "Diskless/DUnknown", ""]
)
def test_a_node_without_good_data_never_fences_the_peer_for_it(world: World, disk: str) -> None:
    world.set("dstate", disk)
    world.state(DOWN)
    assert world.run() == 1
    assert not world.constraint


def test_a_peer_that_comes_back_meanwhile_ends_the_wait(world: World) -> None:
    world.set("cstate", "Connected")
    assert world.run(wait=60) == 1
    assert world.constraint


def test_a_link_that_comes_back_before_io_went_on_leaves_no_constraint(world: World) -> None:
    """DRBD 8.4 calls unfence-peer after a resync, and here nothing was written that could be resynced."""
    world.reconnect()
    assert world.run(wait=60) == 1
    assert soon(lambda: not world.constraint)


def test_an_answer_that_comes_too_late_to_count_leaves_no_constraint(world: World) -> None:
    world.set("peer-follows", "")
    world.reconnect()
    assert world.run() == 4
    assert soon(lambda: not world.constraint)


def test_drbd_9_names_its_peer_by_number(world: World) -> None:
    world.state(DOWN)
    assert world.run(DRBD_PEER="", DRBD_PEER_NODE_ID="1", DRBD_NODE_ID_0="node1", DRBD_NODE_ID_1="node2") == 7


def test_an_unnamed_peer_is_not_guessed(world: World) -> None:
    world.state(DOWN)
    assert world.run(DRBD_PEER="") == 1


@pytest.mark.parametrize("connection", ["Connected", "VerifyS"])
def test_the_constraint_goes_when_both_sides_are_good_again(world: World, connection: str) -> None:
    world.set("constraint", OURS)
    world.reconnect()
    world.set("cstate", connection)
    assert world.run("drbd-unfence-peer", "--wait") == 0
    assert not world.constraint
    assert world.run("drbd-unfence-peer", "--wait") == 0


def test_drbd_is_not_kept_waiting_for_the_removal(world: World) -> None:
    world.set("constraint", OURS)
    assert world.run("drbd-unfence-peer") == 0
    world.reconnect()
    assert soon(lambda: not world.constraint)


@pytest.mark.parametrize(
    ("connection", "disks"),
    [
        ("WFConnection", "UpToDate/DUnknown"),
        ("SyncSource", "UpToDate/Inconsistent"),
        ("Connected", "UpToDate/Outdated"),
    ],
)
def test_the_constraint_stays_while_the_peer_is_behind(world: World, connection: str, disks: str) -> None:
    world.set("constraint", OURS)
    world.set("cstate", connection)
    world.set("dstate", disks)
    assert world.run("drbd-unfence-peer", "--wait") == 1
    assert world.constraint


def test_the_peers_constraint_is_its_own_to_remove(world: World) -> None:
    """It may have lost us, and gone on without us, seconds before we notice."""
    world.set("constraint", THEIRS)
    world.reconnect()
    assert world.run("drbd-unfence-peer", "--wait") == 0
    assert world.constraint


def test_the_constraint_stays_while_a_fence_handler_relies_on_it(world: World) -> None:
    world.set("constraint", OURS)
    world.reconnect()
    with subprocess.Popen(["flock", "--shared", str(world.root / "lock-drbd-fence-peer-pgdata"), "sleep", "3"]):
        time.sleep(0.2)
        assert world.run("drbd-unfence-peer", "--wait") == 1
        assert world.constraint
