"""Of two copies that went apart is known what DRBD's metadata and PostgreSQL say, and a proposal has its reasons."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fake_node import FakeNode
from support.split import Half, dump

from pcmk_ha.errors import PcmkHaError
from pcmk_ha.facts.bitmap import Extent, blocks_in, parse_dump, union
from pcmk_ha.facts.database import Database, parse_database
from pcmk_ha.facts.drbd import DrbdState
from pcmk_ha.facts.generations import Generations, Relation, parse_generations, relate
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.look.service import Service
from pcmk_ha.operate.split_brain.evidence import Evidence, Side
from pcmk_ha.operate.split_brain.gather import what_drbd_said
from pcmk_ha.operate.split_brain.propose import propose

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
