"""Both copies are compared, and what differs is copied from the primary and from nobody else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.told import Killed
from support.two_copies import Copies84

from pcmk_ha.errors import PcmkHaError, Refused
from pcmk_ha.facts import drbd
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.data.copies import begin_comparison, compare_copies, look_at_copies
from pcmk_ha.operate.data.resync import Next, Resync, plan_next

pytestmark = pytest.mark.usefixtures("no_waiting")


def resync(world: Copies84, full: str = "") -> list[str]:
    said: list[str] = []
    work = Resync(world.nodes(), world.cluster, said.append)
    work.check(full)
    work.run(full=bool(full))
    return said


# --- comparing


def test_a_comparison_is_followed_to_its_end_and_its_result_read(minimal: Cluster) -> None:
    said: list[str] = []
    world = Copies84(minimal, hidden=40)
    found = compare_copies(world.nodes(), minimal, said.append)
    assert found.differing_kib == 40
    assert "comparing both copies: 18 % done, 0:01:08 left, 0 KiB differ so far" in said


def test_a_comparison_under_way_is_gone_on_with(minimal: Cluster) -> None:
    world = Copies84(minimal, link="Verify", left=90)
    world.unit["ActiveState"] = "activating"
    assert compare_copies(world.nodes(), minimal, lambda _text: None).differing_kib == 0
    assert not [line for line in world.ran if "start" in line]


def test_a_comparison_that_was_cut_short_is_an_error_with_its_reason(minimal: Cluster) -> None:
    world = Copies84(minimal)
    nodes = world.nodes()
    begin_comparison(nodes["node1"])

    def lose_the_connection(_text: str) -> None:
        world.link, world.disks["node2"] = "WFConnection", "Outdated"
        world.unit |= {"ActiveState": "failed", "Result": "exit-code"}

    with pytest.raises(PcmkHaError, match="did not come to its end"):
        compare_copies(nodes, minimal, lose_the_connection)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"serves": ""}, "the service is not up"),
        ({"link": "WFConnection"}, "no two good copies"),
        (
            {"link": "Sync", "left": 10_000, "disks": {"node1": "UpToDate", "node2": "Inconsistent"}},
            "no two good copies",
        ),
        ({"unit": {"LoadState": "not-found"}}, "built by an older version"),
    ],
)
def test_nothing_is_compared_where_there_is_nothing_to_compare(
    minimal: Cluster, changes: dict[str, object], says: str
) -> None:
    world = replace(Copies84(minimal), **changes)  # type: ignore[arg-type]
    with pytest.raises(Refused, match=says):
        compare_copies(world.nodes(), minimal, lambda _text: None)


def test_copies_that_are_compared_are_still_two_good_copies(minimal: Cluster) -> None:
    world = Copies84(minimal, link="Verify", left=900)
    side = drbd.parse_proc_drbd(world.proc("node1"), 0)
    assert (side.is_verifying, side.is_redundant, side.done_percent, side.left_s) == (True, True, 18.4, 68)


# --- copying


def test_only_marked_blocks_are_copied_and_by_the_secondary_alone(minimal: Cluster) -> None:
    world = Copies84(minimal, marked=400)
    said = resync(world)
    assert world.ran[:2] == ["node2: drbdadm disconnect pgdata", "node2: drbdadm connect pgdata"]
    assert world.ran[2].startswith("node1: crm_attribute --node node2 --name pcmk-ha-resynced")
    assert any("copying from node1 to node2: 18 % done, 0:01:08 left" in line for line in said)
    assert (world.marked, world.disks["node2"]) == (0, "UpToDate")


def test_without_a_mark_there_is_nothing_to_copy(minimal: Cluster) -> None:
    copies = look_at_copies(Copies84(minimal).nodes(), minimal)
    assert plan_next(copies, full=False) is Next.NOTHING
    assert plan_next(copies, full=True) is Next.INVALIDATE


def test_everything_is_copied_only_to_the_node_that_was_named(minimal: Cluster) -> None:
    for name, says in (("node1", "its data is never touched"), ("node3", "is no data node")):
        world = Copies84(minimal)
        with pytest.raises(Refused, match=says):
            resync(world, full=name)
        assert world.ran == []
    world = Copies84(minimal)
    resync(world, full="node2")
    assert world.ran[0] == "node2: drbdadm invalidate pgdata"
    assert len(world.ran) == 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"serves": ""}, "nobody can tell which copy is the good one"),
        ({"disks": {"node1": "Inconsistent", "node2": "UpToDate"}}, "its copy Inconsistent"),
        ({"roles": {"node1": "Primary", "node2": "Primary"}}, "node2 is Primary, not Secondary"),
        ({"link": "WFConnection"}, "not connected"),
        ({"link": "Verify", "left": 900}, "being compared"),
        ({"disks": {"node1": "UpToDate", "node2": "Diskless"}}, "not connected"),
    ],
)
def test_nothing_is_copied_unless_the_primary_serves_good_data_to_a_secondary(
    minimal: Cluster, changes: dict[str, object], says: str
) -> None:
    for full in ("", "node2"):
        world = replace(Copies84(minimal, marked=40), **changes)  # type: ignore[arg-type]
        with pytest.raises(Refused, match=says):
            resync(world, full)
        assert world.ran == []


def test_a_split_brain_is_not_ended_by_this(minimal: Cluster) -> None:
    class Split(Copies84):
        def proc(self, node: str) -> str:
            return super().proc(node).replace("WFConnection", "StandAlone")

    world = Split(minimal, marked=40, link="StandAlone")
    with pytest.raises(Refused, match="given up the connection"):
        resync(world)
    assert world.ran == []


def test_marks_that_drbd_ignores_are_an_error_and_no_endless_loop(minimal: Cluster) -> None:
    world = Copies84(minimal, marked=40, ignores_marks=True)
    with pytest.raises(PcmkHaError, match="copied nothing") as caught:
        resync(world)
    assert "--full node2" in caught.value.hint


@pytest.mark.parametrize("full", ["", "node2"])
def test_a_resync_killed_at_any_command_is_finished_by_the_next(minimal: Cluster, full: str) -> None:
    for kill_at in range(200):
        world = Copies84(minimal, marked=40, kill_at=kill_at)
        try:
            resync(world, full)
        except Killed:
            world.killed, world.kill_at = False, None
            resync(world, full)
        else:
            break
        assert (world.link, world.marked, world.disks["node2"]) == ("Connected", 0, "UpToDate"), kill_at
        assert ("node2", "pcmk-ha-resynced") in world.records or not full
    assert kill_at > 10


# --- DRBD 9


STATUS_9 = """[{"name": "pgdata", "node-id": 0, "role": "Primary", "devices": [{"volume": 0, "minor": 0,
  "disk-state": "UpToDate"}], "connections": [{"peer-node-id": 1, "name": "node2", "connection-state": "Connected",
  "peer-role": "Secondary", "peer_devices": [{"volume": 0, "replication-state": "%s", "peer-disk-state": "UpToDate",
  "out-of-sync": 40, "has-sync-details": true, "has-online-verify-details": true, "percent-in-sync": 100.00,
  "estimated-seconds-to-finish": %s, "percent-resync-done": 12.50}]}]}]"""


def test_drbd_9_says_what_a_volume_does_and_how_far_it_is() -> None:
    state = drbd.parse_status_9(STATUS_9 % ("VerifyS", "90"), "pgdata")
    assert (state.connection, state.is_redundant, state.progress) == ("VerifyS", True, "12 % done, 0:01:30 left")
    state = drbd.parse_status_9(STATUS_9 % ("SyncSource", "987654321"), "pgdata")
    assert (state.is_syncing, state.out_of_sync_kib, state.progress) == (True, 40, "12 % done")
