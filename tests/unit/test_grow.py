"""The volume grows into both disks, and never into one alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.told import Killed
from support.two_copies import GIB, MIB, Copies84

from pcmk_ha.errors import PcmkHaError, Refused
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.data.grow import Grow, Sizes, metadata_size, parse_dumpe2fs, parse_xfs_info

LARGER = {"node1": 4 * GIB, "node2": 3 * GIB}


pytestmark = pytest.mark.usefixtures("no_waiting")


def grow(world: Copies84, *, assume_clean: bool = False) -> Sizes:
    work = Grow(world.nodes(), world.cluster)
    copies, before = work.look()
    return work.run(copies, before, lambda _text: None, assume_clean=assume_clean)


def test_the_smaller_disk_counts_and_the_file_system_follows(minimal: Cluster) -> None:
    world = Copies84(minimal, backing=LARGER)
    after = grow(world)
    assert world.ran == ["node1: drbdadm resize pgdata", "node1: resize2fs /dev/drbd0"]
    assert after.device == after.filesystem > 2.9 * GIB
    assert (after.can_grow_device, after.can_grow_filesystem) == (False, False)
    assert world.disks["node2"] == "UpToDate"


def test_the_new_part_is_not_copied_where_it_may_differ(minimal: Cluster) -> None:
    world = Copies84(minimal, backing=LARGER)
    grow(world, assume_clean=True)
    assert world.ran[0] == "node1: drbdadm -- --assume-clean resize pgdata"


def test_a_run_killed_at_any_command_is_finished_by_the_next(minimal: Cluster) -> None:
    for kill_at in range(200):
        world = Copies84(minimal, backing={"node1": 3 * GIB, "node2": 3 * GIB}, kill_at=kill_at)
        try:
            grow(world)
        except Killed:
            world.killed, world.kill_at = False, None
            after = grow(world)
        else:
            break
        assert after.device == after.filesystem > 2.9 * GIB, kill_at
        assert world.disks["node2"] == "UpToDate", kill_at
    assert kill_at > 10


def test_where_no_disk_was_enlarged_nothing_is_done(minimal: Cluster) -> None:
    world = Copies84(minimal)
    before = grow(world)
    assert world.ran == []
    assert before.device == world.device


def test_a_disk_that_was_forgotten_is_named(minimal: Cluster) -> None:
    world = Copies84(minimal, backing={"node1": 4 * GIB, "node2": 2 * GIB})
    with pytest.raises(Refused, match=r"node2: /dev/sdb has 2\.00 GiB, all in use by DRBD") as caught:
        grow(world)
    assert "node1" not in str(caught.value)
    assert world.ran == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"link": "WFConnection"}, "both copies good"),
        ({"link": "Verify", "left": 900}, "nothing under way"),
        ({"marked": 8}, "resync"),
    ],
)
def test_nothing_grows_without_two_good_and_equal_copies(
    minimal: Cluster, changes: dict[str, object], says: str
) -> None:
    world = replace(Copies84(minimal, backing=LARGER), **changes)  # type: ignore[arg-type]
    with pytest.raises(Refused, match=says):
        grow(world)
    assert world.ran == []


def test_a_limit_in_the_cluster_file_is_respected(minimal: Cluster) -> None:
    limited = minimal.model_copy(update={"drbd": minimal.drbd.model_copy(update={"disk": {"size": "2G"}})})
    with pytest.raises(Refused, match=r"drbd\.disk\.size"):
        grow(Copies84(limited, backing=LARGER))


def test_metadata_and_rounding_are_no_room_to_grow() -> None:
    for backing in (2 * GIB, 900 * GIB, 16 * 1024 * GIB):
        device = backing - metadata_size(backing)
        sizes = Sizes({"a": backing, "b": backing + 15 * MIB}, device, device - 2 * MIB)
        assert (sizes.can_grow_device, sizes.can_grow_filesystem, sizes.is_one_larger) == (False, False, False)


def test_metadata_has_the_size_the_manual_gives() -> None:
    """DRBD User's Guide 8.4: one TiB of backing storage has 33 554 432 + 36 864 bytes of it."""
    assert metadata_size(1 << 40) == 33_554_432 + 36_864


def test_sizes_of_file_systems_are_read(outputs: Path) -> None:
    assert parse_dumpe2fs((outputs / "filesystem/dumpe2fs-1.47.txt").read_text()) == GIB
    assert parse_xfs_info((outputs / "filesystem/xfs_info-6.1.txt").read_text()) == GIB
    for parse in (parse_dumpe2fs, parse_xfs_info):
        with pytest.raises(PcmkHaError, match="not understood"):
            parse("")
