"""What a split brain's settlement gives up is saved before, all of it, and can be put back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.fake_node import FakeNode
from support.settled import SILENT, is_one, settle, settlement_with_little_time
from support.split import Split, saved_blocks

from pcmk_ha.errors import PcmkHaError, Refused, TimedOut
from pcmk_ha.facts.bitmap import Extent
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.split_brain.gather import gather
from pcmk_ha.operate.split_brain.save import Keep, Volume, parse_lvs
from pcmk_ha.operate.split_brain.settle import Settlement
from pcmk_ha.operate.tell import ignore

pytestmark = pytest.mark.usefixtures("no_waiting")


def test_what_either_side_has_marked_is_saved_and_can_be_put_back_where_it_was(split: Split) -> None:
    before = split.disk.read_bytes()
    settle(split)
    found = saved_blocks(split)
    assert sorted(found) == [*range(3, 30), *range(200, 205)]
    assert all(before[number * 4096 : (number + 1) * 4096] == piece for number, piece in found.items())


def test_blocks_that_were_saved_only_in_part_are_saved_again(split: Split) -> None:
    folder = Path(split.directory) / "pgdata-node2-2222000022220000"
    folder.mkdir(parents=True)
    (folder / "blocks").write_bytes(b"half")
    settle(split)
    assert len(saved_blocks(split)) == 32


def test_saved_blocks_that_have_changed_are_no_reason_to_give_up_the_data(split: Split) -> None:
    split.link_is_up = False
    with pytest.raises(TimedOut):
        settlement_with_little_time(split)
    split.link_is_up, split.sides["node1"].link = True, "StandAlone"
    (blocks,) = Path(split.directory).glob("*/blocks")
    blocks.write_bytes(b"x" * blocks.stat().st_size)
    with pytest.raises(PcmkHaError, match="not those that were saved"):
        settle(split)
    assert split.sides["node2"].link == "StandAlone"


def test_an_older_split_brains_blocks_do_not_count_for_a_new_one(split: Split) -> None:
    settle(split)
    for name, current in (("node1", 0x3333000033330000), ("node2", 0x4444000044440000)):
        half = split.sides[name]
        half.link, half.bitmap, half.current, half.marked = "StandAlone", 0xB0, current, (Extent(7, 1),)
    split.ran.clear()
    settle(split)
    assert "pgdata-node2-4444000044440000" in split.ran[1]
    assert len(list(Path(split.directory).iterdir())) == 2


def test_without_room_for_what_would_be_lost_nothing_is_given_up(split: Split) -> None:
    class Full(Settlement):
        def _keep(self) -> object:  # type: ignore[override]
            return replace_free(super()._keep())

    work = Full(split.members(), "node2", *SILENT, directory=split.directory)
    with pytest.raises(Refused, match="has 1 MiB free"):
        work.check(work.look())


LV = """{"report":[{"lv":[{"vg_name":"vg0", "lv_name":"pgdata", "vg_free":"%s", "lv_size":"2147483648",
  "pool_lv":"%s"}]}]}"""


def snapshot_of(cluster: Cluster, free: int, pool: str = "") -> tuple[FakeNode, Keep]:
    answers = {"lvs": LV % (free, pool), "test -e": (1, "", ""), "lvcreate": "", "install -d": "", "python3": ""}
    node = FakeNode("node2", answers)
    return node, Keep(cluster, node, "snapshot", "/saved")


def test_a_snapshot_wants_a_logical_volume_with_room(split: Split) -> None:
    found = gather(split.members(), directory=split.directory, databases=False)
    node, keep = snapshot_of(split.cluster, 1 << 20)
    assert keep.reasons_against(found) == (
        "node2: vg0 has 1 MiB free, too little for a snapshot: --save blocks",
    )  # fmt: skip
    assert snapshot_of(split.cluster, 0, "pool0")[1].reasons_against(found) == ()
    assert snapshot_of(split.cluster, 1 << 30)[1].reasons_against(found) == ()
    node.answer("lvs", (5, "", "Failed to find logical volume"))
    assert keep.reasons_against(found) == ("node2: /dev/sdb is no logical volume: --save blocks",)


@pytest.mark.parametrize(("pool", "size"), [("", "--size 1073741824b "), ("pool0", "")])
def test_a_snapshot_is_made_and_noted_in_a_manifest(minimal: Cluster, pool: str, size: str) -> None:
    node, keep = snapshot_of(minimal, 1 << 30, pool)
    keep.save(0xABCD, FakeNode("node1", {}), ignore, changed_kib=40)
    manifest = json.loads(node.fed[-1])
    name = manifest["device"].rpartition("/")[2]
    assert f"lvcreate --snapshot --name {name} {size}vg0/pgdata" in [" ".join(argv) for argv in node.ran]
    assert name.startswith("pgdata-split-brain-2")
    assert (manifest["kind"], manifest["generation"], manifest["changed_kib"]) == ("snapshot", "000000000000ABCD", 40)


def test_what_was_written_after_it_was_saved_is_saved_too(split: Split) -> None:
    split.link_is_up = False
    with pytest.raises(TimedOut):
        settlement_with_little_time(split)
    split.link_is_up, split.sides["node1"].link = True, "StandAlone"
    split.sides["node2"].marked = (*split.sides["node2"].marked, Extent(240, 2))
    settle(split)
    assert {240, 241} < set(saved_blocks(split))


def test_a_block_that_was_overwritten_after_it_was_saved_is_not_lost(split: Split) -> None:
    split.link_is_up = False
    with pytest.raises(TimedOut):
        settlement_with_little_time(split)
    split.link_is_up, split.sides["node1"].link = True, "StandAlone"
    with split.disk.open("r+b") as disk:
        disk.seek(201 * 4096)
        disk.write(b"newer")
    with pytest.raises(PcmkHaError, match="has changed since"):
        settle(split)
    assert not is_one(split)


def replace_free(keep: object) -> object:
    class Little(type(keep)):  # type: ignore[misc]
        def free(self) -> int:
            return 1 << 20

    return Little(**vars(keep))


def test_a_logical_volume_is_known_by_lvs() -> None:
    text = (
        '{"report":[{"lv":[{"vg_name":"vg0", "lv_name":"pgdata", "vg_free":"1073741824", "lv_size":"2147483648",'
        ' "pool_lv":""}]}]}'
    )
    assert parse_lvs(text) == Volume("vg0", "pgdata", 1 << 30, 2 << 30, thin=False)
    assert parse_lvs("") is None
    assert parse_lvs('{"report":[{"lv":[]}]}') is None
