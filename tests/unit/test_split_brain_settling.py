"""A split brain is settled as a person says, wherever a run was cut short, and only where that is safe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.settled import SILENT, is_one, settle, settlement
from support.split import Split, saved_blocks
from support.told import Killed

from pcmk_ha.errors import Refused
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.split_brain.evidence import Evidence
from pcmk_ha.operate.split_brain.gather import gather
from pcmk_ha.operate.split_brain.plan import Next
from pcmk_ha.operate.split_brain.settle import Settlement, require_both

pytestmark = pytest.mark.usefixtures("no_waiting")


def test_the_named_side_gives_up_its_data_after_it_was_saved(split: Split) -> None:
    settle(split)
    assert is_one(split)
    assert split.ran == [
        "node2: put saved_blocks.py",
        f"node2: python3 {split.directory}/pgdata-node2-2222000022220000/saved_blocks.py save "
        f"{split.directory}/pgdata-node2-2222000022220000 /dev/sdb",
        "node2: drbdadm connect --discard-my-data pgdata",
        "node1: drbdadm connect pgdata",
        "node2: put settled",
    ]
    assert split.sides["node1"].role == "Primary"


def test_a_secondary_that_still_waits_for_its_peer_is_disconnected_first(split: Split) -> None:
    split.sides["node2"].link = "WFConnection"
    settle(split)
    assert split.ran[0] == "node2: drbdadm disconnect pgdata"
    assert is_one(split)


def test_a_primary_that_nothing_uses_becomes_secondary_first(split: Split) -> None:
    split.sides["node2"].role = "Primary"
    settle(split)
    assert split.ran[0] == "node2: drbdadm secondary pgdata"
    assert is_one(split)


def test_killed_after_any_command_it_is_finished_by_the_next_run(minimal: Cluster, tmp_path: Path) -> None:
    for kill_at in range(400):
        folder = tmp_path / str(kill_at)
        folder.mkdir()
        world = Split(minimal, folder, kill_at=kill_at)
        world.sides["node2"].role, world.sides["node2"].link = "Primary", "WFConnection"
        before = world.disk.read_bytes()
        try:
            settle(world)
        except Killed:
            world.killed, world.kill_at = False, None
            settle(world)
        else:
            break
        assert is_one(world), kill_at
        assert all(before[n * 4096 : (n + 1) * 4096] == piece for n, piece in saved_blocks(world).items())
        settle(world)
        assert is_one(world)
    assert kill_at > 40


# --- refusing


@pytest.mark.parametrize(
    ("node", "changes", "says"),
    [
        ("node2", {"mounted": "/mnt"}, "node2's copy is in use"),
        ("node2", {"disk": "Diskless"}, "node2: DRBD has lost its disk"),
        ("node1", {"disk": "Inconsistent"}, "node1, whose copy would be kept, is Inconsistent"),
        ("node2", {"bitmap": 1 << 8, "history": (1 << 9, 1 << 10)}, "no common past"),
        ("node2", {"current": 0x1111000011110000}, "the same generation"),
        ("node2", {"link": "SyncTarget"}, "a resync runs"),
    ],
)
def test_nothing_is_given_up_where_that_is_not_safe(
    split: Split, node: str, changes: dict[str, object], says: str
) -> None:
    for name, value in changes.items():
        setattr(split.sides[node], name, value)
    split.left = 10**9
    with pytest.raises(Refused, match=says):
        settlement(split).check(settlement(split).look())
    assert split.ran == []


def test_the_side_that_serves_and_what_is_no_node_are_never_given_up(split: Split) -> None:
    for name, says in (("node1", "node1's copy is in use"), ("node3", "is no data node: one of node1, node2")):
        with pytest.raises(Refused, match=says):
            settlement(split, name).check(settlement(split).look())


def test_one_side_alone_settles_nothing(split: Split) -> None:
    split.down = {"node1": "no answer"}
    evidence = gather(split.members(), directory=split.directory, databases=False)
    assert not evidence.is_split
    for refuses in (lambda: require_both(evidence), lambda: settlement(split).check(evidence)):
        with pytest.raises(Refused, match="node1 does not answer: no answer"):
            refuses()


def test_a_side_that_falls_silent_meanwhile_ends_the_run_and_the_next_goes_on(split: Split) -> None:
    class Falls(Settlement):
        def _take(self, step: Next, evidence: Evidence) -> None:
            super()._take(step, evidence)
            split.down["node2"] = "no answer"

        def look(self) -> Evidence:
            return replace(self, members=split.members()).plain_look()

        def plain_look(self) -> Evidence:
            return super().look()

    with pytest.raises(Refused, match="node2 does not answer") as caught:
        Falls(split.members(), "node2", *SILENT, directory=split.directory).run()
    assert "to go on" in caught.value.hint
    split.down.clear()
    settle(split)
    assert is_one(split)


def test_a_run_after_the_other_side_was_named_before_does_not_turn_round(split: Split) -> None:
    world = split
    world.kill_at = 10**6
    settlement(world).run()
    half = world.sides["node2"]
    half.link, half.disk, world.sides["node1"].link, world.left = "SyncTarget", "Inconsistent", "SyncSource", 10**6
    (Path(world.directory) / "pgdata-node2-2222000022220000" / "settled").unlink()
    with pytest.raises(Refused, match="node2's data was given up by an earlier run, and not node1's"):
        settlement(world, "node1").check(settlement(world).look())
