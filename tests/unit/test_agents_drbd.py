"""The agent of the replicated device says what each copy is worth, and does to a role what it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.agent_node import FAILED, NOT_RUNNING, OK, PROMOTED, World, world_in


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_in(tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    ("said", "code", "score"),
    [
        (("Connected", "Secondary/Primary", "UpToDate/UpToDate"), OK, "-U 10000"),
        (("Connected", "Primary/Secondary", "UpToDate/UpToDate"), PROMOTED, "-U 10000"),
        (("WFConnection", "Primary/Unknown", "UpToDate/DUnknown"), PROMOTED, "-U 10000"),
        (("WFConnection", "Secondary/Unknown", "UpToDate/DUnknown"), OK, "-U 1000"),
        (("WFConnection", "Secondary/Unknown", "UpToDate/Outdated"), OK, "-U 10000"),
        (("SyncTarget", "Secondary/Primary", "Inconsistent/UpToDate"), OK, "-U 10"),
        (("WFConnection", "Secondary/Unknown", "Consistent/DUnknown"), OK, "-U 5"),
        (("WFConnection", "Secondary/Unknown", "Outdated/DUnknown"), OK, "-D"),
        (("WFConnection", "Secondary/Unknown", "Inconsistent/DUnknown"), OK, "-D"),
        (("Connected", "Primary/Secondary", "Diskless/UpToDate"), PROMOTED, "-U 10"),
    ],
)
def test_a_copy_is_worth_as_much_as_is_known_of_both(
    world: World, said: tuple[str, str, str], code: int, score: str
) -> None:
    world.drbd(*said)
    assert world.run("drbd", "monitor", CRM_meta_interval="10000")[0] == code
    assert world.score == score


def test_a_disk_that_is_being_attached_changes_no_score(world: World) -> None:
    world.drbd("Connected", "Secondary/Primary", "Negotiating/UpToDate")
    world.run("drbd", "monitor", CRM_meta_interval="10000")
    # the peer's copy is good: that is what decides, as it does with the stock agent
    assert world.score == "-U 10"


@pytest.mark.parametrize(
    ("status", "code", "score"),
    [
        ("pgdata role:Secondary\n  disk:UpToDate\n  node2 role:Primary\n    peer-disk:UpToDate\n", OK, "-U 10000"),
        ("pgdata role:Primary\n  disk:UpToDate\n  node2 connection:Connecting\n", PROMOTED, "-U 10000"),
        ("pgdata role:Secondary\n  disk:UpToDate quorum:no\n  node2 connection:Connecting\n", OK, "-D"),
        ("pgdata role:Secondary\n  disk:Inconsistent\n  node2 role:Primary\n    peer-disk:UpToDate\n",
         OK, "-U 10"),
    ],
)  # fmt: skip
def test_drbd_9_is_understood_too(world: World, status: str, code: int, score: str) -> None:
    world.set("drbd", "version: 9.2.12 (api:2/proto:118-122)\n")
    world.set("status", status)
    assert world.run("drbd", "monitor", CRM_meta_interval="10000")[0] == code
    assert world.score == score


def test_what_is_not_configured_does_not_run_and_a_probe_changes_nothing(world: World) -> None:
    assert world.run("drbd", "monitor", CRM_meta_interval="0")[0] == NOT_RUNNING
    assert world.get("scores") == ""
    assert world.run("drbd", "monitor", CRM_meta_interval="10000")[0] == NOT_RUNNING
    assert world.score == "-D"


def test_a_device_comes_up_is_promoted_demoted_and_goes_down(world: World) -> None:
    world.set("after-up", "version: 8.4.11\n 0: cs:Connected ro:Secondary/Secondary ds:UpToDate/UpToDate C r-----\n")
    then_it_is = {"start": OK, "promote": PROMOTED, "demote": OK, "stop": NOT_RUNNING}
    for action in ("start", "start", "promote", "promote", "demote", "demote", "promote", "stop", "stop"):
        assert world.run("drbd", action)[0] == OK
        assert world.run("drbd", "monitor", CRM_meta_interval="10000")[0] == then_it_is[action]
    assert world.score == "-D"


def test_after_a_promotion_the_score_is_left_alone_for_a_while(world: World) -> None:
    """A change of it would have Pacemaker plan anew before the service is up."""
    world.drbd("WFConnection", "Secondary/Unknown", "UpToDate/DUnknown")
    assert world.run("drbd", "monitor", CRM_meta_interval="20000")[0] == OK
    assert world.score == "-U 1000"
    assert world.run("drbd", "promote")[0] == OK
    assert world.run("drbd", "monitor", CRM_meta_interval="10000")[0] == PROMOTED
    assert world.score == "-U 1000"
    stamp = world.root / "promoted-pgdata"
    stamp.write_text(f"{int(stamp.read_text()) - 900}\n")
    assert world.run("drbd", "monitor", CRM_meta_interval="10000")[0] == PROMOTED
    assert world.score == "-U 10000"


def test_a_promotion_beside_a_willing_peer_is_known_at_once(world: World) -> None:
    """The score was of a copy that was still behind: with it everything would go back to the peer."""
    world.drbd("Connected", "Secondary/Secondary", "UpToDate/UpToDate")
    assert world.run("drbd", "promote")[0] == OK
    assert world.run("drbd", "monitor", CRM_meta_interval="10000")[0] == PROMOTED
    assert world.score == "-U 10000"


@pytest.mark.parametrize("stamp", ["", "word", "99999999999"])
def test_a_stamp_that_tells_nothing_holds_no_score_back(world: World, stamp: str) -> None:
    world.drbd("WFConnection", "Primary/Unknown", "UpToDate/DUnknown")
    (world.root / "promoted-pgdata").write_text(stamp)
    assert world.run("drbd", "monitor", CRM_meta_interval="10000")[0] == PROMOTED
    assert world.score == "-U 10000"


@pytest.mark.parametrize("code", ["17", "11"])
def test_a_promotion_that_drbd_refuses_fails_and_says_why(world: World, code: str) -> None:
    world.drbd("WFConnection", "Secondary/Unknown", "Consistent/DUnknown")
    world.set("refuses", code)
    found, reason = world.run("drbd", "promote", timeout_s=2)
    assert found == FAILED
    assert "State change failed" in reason
    assert len([call for call in world.calls if "primary" in call]) == (1 if code == "17" else pytest.approx(5, abs=4))


@pytest.mark.parametrize("action", ["promote", "demote"])
def test_what_was_never_started_has_no_role(world: World, action: str) -> None:
    assert world.run("drbd", action) == (FAILED, "pgdata was not started")


def test_a_device_without_its_disk_does_not_start(world: World) -> None:
    world.set("broken")
    assert world.run("drbd", "start") == (FAILED, "pgdata does not come up: no such disk")
