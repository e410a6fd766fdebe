"""A split brain is settled as a person says, and what is given up is saved before."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fake_node import FakeNode
from support.split import Half, Split, dump, saved_blocks
from support.told import Killed

from pcmk_ha.errors import PcmkHaError, Refused, TimedOut
from pcmk_ha.facts.bitmap import Extent, blocks_in, parse_dump, union
from pcmk_ha.facts.database import Database, parse_database
from pcmk_ha.facts.drbd import DrbdState
from pcmk_ha.facts.generations import Generations, Relation, parse_generations, relate
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.look.service import Service
from pcmk_ha.operate.split_brain import settle as settling
from pcmk_ha.operate.split_brain.evidence import Evidence, Side
from pcmk_ha.operate.split_brain.gather import gather, what_drbd_said
from pcmk_ha.operate.split_brain.plan import Next
from pcmk_ha.operate.split_brain.propose import propose
from pcmk_ha.operate.split_brain.save import Keep, Volume, parse_lvs
from pcmk_ha.operate.split_brain.settle import Settlement, note_settled, require_both
from pcmk_ha.operate.tell import ignore

SILENT = (ignore, ignore)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes with each look at /proc/drbd."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)


@pytest.fixture
def split(minimal: Cluster, tmp_path: Path) -> Split:
    return Split(minimal, tmp_path)


def settlement(world: Split, lost: str = "node2") -> Settlement:
    return Settlement(world.members(), lost, *SILENT, directory=world.directory)


def settle(world: Split, lost: str = "node2") -> None:
    """Do what the command does, once it has its answer."""
    evidence = gather(world.members(), directory=world.directory, databases=False)
    require_both(evidence)
    ours = evidence.unsettled()
    if ours and not evidence.is_syncing:
        note_settled(world.members(), evidence)
    elif ours or evidence.is_split:
        work = settlement(world, lost)
        work.check(evidence)
        work.run()


def is_one(world: Split) -> bool:
    return all((h.link, h.disk, h.marked) == ("Connected", "UpToDate", ()) for h in world.sides.values())


# --- settling


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


def test_what_either_side_has_marked_is_saved_and_can_be_put_back_where_it_was(split: Split) -> None:
    before = split.disk.read_bytes()
    settle(split)
    found = saved_blocks(split)
    assert sorted(found) == [*range(3, 30), *range(200, 205)]
    assert all(before[number * 4096 : (number + 1) * 4096] == piece for number, piece in found.items())


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


def settlement_with_little_time(world: Split) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settling, "MEET_S", 0.2)
        settlement(world).run()


def test_an_older_split_brains_blocks_do_not_count_for_a_new_one(split: Split) -> None:
    settle(split)
    for name, current in (("node1", 0x3333000033330000), ("node2", 0x4444000044440000)):
        half = split.sides[name]
        half.link, half.bitmap, half.current, half.marked = "StandAlone", 0xB0, current, (Extent(7, 1),)
    split.ran.clear()
    settle(split)
    assert "pgdata-node2-4444000044440000" in split.ran[1]
    assert len(list(Path(split.directory).iterdir())) == 2


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


def replace_free(keep: object) -> object:
    class Little(type(keep)):  # type: ignore[misc]
        def free(self) -> int:
            return 1 << 20

    return Little(**vars(keep))


def test_a_run_after_the_other_side_was_named_before_does_not_turn_round(split: Split) -> None:
    world = split
    world.kill_at = 10**6
    settlement(world).run()
    half = world.sides["node2"]
    half.link, half.disk, world.sides["node1"].link, world.left = "SyncTarget", "Inconsistent", "SyncSource", 10**6
    (Path(world.directory) / "pgdata-node2-2222000022220000" / "settled").unlink()
    with pytest.raises(Refused, match="node2's data was given up by an earlier run, and not node1's"):
        settlement(world, "node1").check(settlement(world).look())


# --- proposing


def side(name: str, *, kib: int, commit: int | None, mounted: str = "") -> Side:
    at = datetime(2026, 11, 28, 6, commit, tzinfo=UTC) if commit is not None else None
    drbd = DrbdState("Primary" if mounted else "Secondary", "UpToDate", "StandAlone", "DUnknown", kib)
    return Side(name, drbd, mounted=mounted, database=Database(last_commit=at))


def evidence(*sides: Side, serves: str = "") -> Evidence:
    service = Service(promoted_on=serves, database_on=serves, vip_on=serves)
    return Evidence({each.node: each for each in sides}, {}, service)


def test_the_side_for_which_everything_speaks_is_proposed_with_the_reasons() -> None:
    found = propose(evidence(side("a", kib=400, commit=9, mounted="/srv"), side("b", kib=40, commit=5), serves="a"))
    assert found.give_up == "b"
    assert [reason.node for reason in found.reasons] == ["b"] * 4
    assert found.unknown == ()


@pytest.mark.parametrize(
    "found",
    [
        evidence(side("a", kib=40, commit=9, mounted="/srv"), side("b", kib=400, commit=5), serves="a"),
        evidence(side("a", kib=400, commit=5, mounted="/srv"), side("b", kib=40, commit=9), serves="a"),
        evidence(side("a", kib=40, commit=5), side("b", kib=40, commit=5)),
        evidence(side("a", kib=40, commit=5)),
    ],
)
def test_nothing_is_proposed_where_the_evidence_does_not_agree(found: Evidence) -> None:
    assert propose(found).give_up == ""


def test_what_could_not_be_compared_is_said() -> None:
    found = propose(evidence(side("a", kib=400, commit=5), side("b", kib=40, commit=None)))
    assert (found.give_up, found.unknown) == ("b", ("the last commit on b: its WAL shows none",))


# --- what DRBD's metadata says


def gen(current: int, bitmap: int = 0, *history: int) -> Generations:
    return Generations(current, bitmap, (*history, 0, 0)[:2])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        (gen(0x10), gen(0x10), Relation.SAME),
        (gen(0x20, 0x10), gen(0x10), Relation.FIRST_AHEAD),
        (gen(0x10), gen(0x20, 0x10), Relation.SECOND_AHEAD),
        (gen(0x30, 0, 0x20, 0x10), gen(0x10), Relation.FIRST_AHEAD),
        (gen(0x20, 0x10), gen(0x30, 0x10), Relation.SPLIT),
        (gen(0x20, 0, 0x10), gen(0x30, 0x40, 0x10), Relation.SPLIT),
        (gen(0x20, 0x40), gen(0x30, 0x10), Relation.SPLIT),
        (gen(0x20, 0, 0x50, 0x60), gen(0x30, 0, 0x70, 0x80), Relation.UNRELATED),
        (gen(4), gen(0x30), Relation.SECOND_AHEAD),
        (None, gen(0x30), Relation.UNKNOWN),
    ],
)
def test_two_copies_are_compared_as_drbd_does(
    first: Generations | None, second: Generations | None, wanted: Relation
) -> None:
    assert relate(first, second) is wanted


def captured(outputs: Path, name: str) -> str:
    return (outputs / "drbd" / name).read_text()


def test_a_real_split_brain_is_known_by_its_generations(outputs: Path) -> None:
    """DRBD 8.4.11: uuid_compare()=-100 by rule 100, `Split-Brain detected but unresolved`."""
    one, two = (parse_generations(captured(outputs, f"split-{name}.get-gi")) for name in ("node1", "node2"))
    assert one is not None
    assert (one.current, one.bitmap) == (0x09B7CE34E0E3C57C, 0xC712725A511746C6)
    assert relate(one, two) is Relation.SPLIT
    assert parse_generations("Device '0' is not configured") is None


def test_real_bitmaps_are_read_to_the_last_bit(outputs: Path) -> None:
    """`drbdmeta --force … dump-md` of drbd-utils 9.22, of devices that DRBD holds."""
    for name in ("node1", "node2"):
        text = captured(outputs, f"split-{name}.dump-md")
        found = parse_dump(text)
        assert f"# bits-set {blocks_in(found.extents)};" in text
        assert found.device * 4096 == 4194104 * 512
    assert found.extents[0] == Extent(0, 2)
    assert found.extents[-1] == Extent(196608, 1)


def test_what_drbd_and_pacemaker_said_is_told_in_its_order_whatever_journalctl_does(
    minimal: Cluster, outputs: Path
) -> None:
    """With --grep journalctl prints the newest line first."""
    newest_first = captured(outputs, "split-node2.kernel")
    node = FakeNode("node2", {"journalctl": newest_first})
    told = what_drbd_said(node, minimal)
    assert "Split-Brain detected but unresolved" in told[-1]
    assert "Split-Brain detected but unresolved" in newest_first.splitlines()[0]


def test_a_real_data_directory_is_read_without_its_server(outputs: Path) -> None:
    found = parse_database((outputs / "database/split-node2").read_text())
    assert found == Database(
        state="in production",
        checkpoint="0/1B86E78",
        checkpoint_at=datetime(2026, 11, 28, 6, 19, 14, tzinfo=UTC),
        timeline=1,
        last_commit=datetime(2026, 11, 28, 6, 20, 19, 816422, tzinfo=UTC),
        wal_written_at=datetime(2026, 11, 28, 6, 20, 19, tzinfo=UTC),
    )
    assert parse_database("no data directory in /mnt") is None


def test_what_is_no_bitmap_is_an_error_and_not_an_empty_one() -> None:
    for text in ("", 'version "v08";\nla-size-sect 8;\n', "Device '0' is configured!"):
        with pytest.raises(PcmkHaError, match="not understood"):
            parse_dump(text)


EXTENTS = st.lists(st.builds(Extent, st.integers(0, 250), st.integers(1, 6)), max_size=12)


@given(EXTENTS)
def test_every_marked_block_and_no_other_is_read_from_a_dump(extents: list[Extent]) -> None:
    marked = union([extents])
    wanted = {block for extent in marked for block in range(extent.first, extent.first + extent.count)}
    found = parse_dump(dump(Half(0, marked=marked)))
    assert {b for e in found.extents for b in range(e.first, e.first + e.count)} == wanted & set(range(256))


@given(EXTENTS, EXTENTS)
def test_a_union_has_the_blocks_of_both_once_and_in_order(one: list[Extent], two: list[Extent]) -> None:
    found = union([one, two])
    wanted = {b for e in (*one, *two) for b in range(e.first, e.first + e.count)}
    assert blocks_in(found) == len(wanted)
    assert all(a.first + a.count < b.first for a, b in itertools.pairwise(found))


def test_a_logical_volume_is_known_by_lvs() -> None:
    text = (
        '{"report":[{"lv":[{"vg_name":"vg0", "lv_name":"pgdata", "vg_free":"1073741824", "lv_size":"2147483648",'
        ' "pool_lv":""}]}]}'
    )
    assert parse_lvs(text) == Volume("vg0", "pgdata", 1 << 30, 2 << 30, thin=False)
    assert parse_lvs("") is None
    assert parse_lvs('{"report":[{"lv":[]}]}') is None
