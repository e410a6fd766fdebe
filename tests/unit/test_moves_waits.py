"""What is waited for has happened when everybody says so, and what will not happen is not waited for to the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.serving import UP

from pcmk_ha.cli.moment import await_moment, parse_moment
from pcmk_ha.cli.story import Story
from pcmk_ha.errors import BadInput, CommandFailed, NodeUnreachable
from pcmk_ha.facts import pacemaker
from pcmk_ha.operate.look.service import Service
from pcmk_ha.operate.look.standing import Glimpse
from pcmk_ha.operate.moves.waits import UNWILLING_S, Unwilling, has_failed_back, is_served_by, is_stopped
from pcmk_ha.remote.first import from_first


@pytest.fixture(params=["2.1.5", "3.0.0"])
def version(request: pytest.FixtureRequest) -> str:
    """Of Pacemaker, whose tools wrote what is read."""
    return str(request.param)


def test_a_service_is_moved_when_it_serves_is_followed_and_pacemaker_is_at_rest() -> None:
    there = Glimpse(replace(UP, promoted_on="node2", database_on="node2", vip_on="node2", unpromoted_on=("node1",)))
    assert not is_served_by(there, "node2")
    assert is_served_by(replace(there, state="S_IDLE"), "node2")
    assert not is_served_by(replace(there, state="S_IDLE"), "node1")
    alone = replace(there, state="S_IDLE", service=replace(there.service, unpromoted_on=()))
    assert not is_served_by(alone, "node2")


def test_a_move_that_failed_or_does_not_begin_is_not_waited_for_to_the_end() -> None:
    failure = pacemaker.Failure("pg_server_start_0", "node2", "error")
    at_rest = Glimpse(UP, state="S_IDLE")
    assert has_failed_back(replace(at_rest, failures=(failure,)), "node2")
    assert not has_failed_back(replace(at_rest, failures=(failure,), state="S_TRANSITION_ENGINE"), "node2")
    times = iter((0.0, 1.0, 10.0, 11.0, 12.0, 12.0, 12.0, 13.0, 12.0 + UNWILLING_S))
    unwilling = Unwilling("node2", clock=lambda: next(times))
    assert not unwilling(at_rest)
    assert not unwilling(Glimpse(UP, state="S_TRANSITION_ENGINE"))  # it begins: all is forgotten
    assert not unwilling(at_rest)
    assert not any(unwilling(at_rest) for _look in range(4))
    assert unwilling(at_rest)


def test_a_cluster_that_does_not_answer_is_not_a_stopped_one(outputs: Path, version: str) -> None:
    assert not is_stopped(Glimpse(Service(), state="S_IDLE"))
    assert is_stopped(Glimpse(Service(), state="S_IDLE", answered=True))
    assert not is_stopped(Glimpse(Service(), state="S_IDLE", answered=True, active=("mine",)))
    assert pacemaker.parse_active((outputs / f"crm_mon/told-to-stop-simulated-{version}.xml").read_text()) == ()
    assert "pg_server" in pacemaker.parse_active((outputs / "crm_mon/healthy-3.0.0.xml").read_text())


def test_the_first_node_that_answers_is_enough() -> None:
    from support.fake_node import FakeNode

    silent, well = FakeNode("node1", {"uname": (1, "", "no")}), FakeNode("node2", {"uname": "Linux"})
    assert from_first((silent, well), lambda node: node.run(("uname",)).stdout) == "Linux"
    with pytest.raises(CommandFailed, match="node1"):
        from_first((silent,), lambda node: node.run(("uname",)).stdout)
    with pytest.raises(NodeUnreachable):
        from_first((), lambda node: node.run(("uname",)).stdout)


def test_a_log_hears_of_a_long_wait_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter((0.0, 1.0, 16.0, 16.0, 17.0))
    monkeypatch.setattr("time.monotonic", lambda: next(times))
    story = Story()
    story.started("both copies are good")
    for _look in range(3):
        story.watched("node2: SyncTarget, 48 % done")
    assert capsys.readouterr().err == "waiting for this: both copies are good: node2: SyncTarget, 48 % done\n"


def test_a_controllers_state_is_read() -> None:
    assert pacemaker.parse_state("Controller on node1 in state S_IDLE: ok\n") == pacemaker.IDLE
    assert pacemaker.parse_state("error: no answer\n") == ""


def test_a_moment_is_today_or_else_tomorrow_and_never_over() -> None:
    now = datetime(2030, 1, 31, 13, 0, tzinfo=UTC)
    assert parse_moment("14:30", now) == now.replace(hour=14, minute=30)
    assert parse_moment("02:30", now) == datetime(2030, 2, 1, 2, 30, tzinfo=UTC)
    assert parse_moment("2030-02-01T02:30+00:00", now) == datetime(2030, 2, 1, 2, 30, tzinfo=UTC)
    assert parse_moment("2030-02-01 02:30", now).tzinfo is not None
    for wrong in ("25:00", "tonight", "2030-01-31T12:59+00:00"):
        with pytest.raises(BadInput):
            parse_moment(wrong, now)


def test_a_moment_is_waited_for_by_the_clock_on_the_wall(capsys: pytest.CaptureFixture[str]) -> None:
    now = [datetime(2030, 1, 1, tzinfo=UTC)]
    paused: list[float] = []

    def pause(seconds: float) -> None:
        paused.append(seconds)
        now[0] += timedelta(seconds=seconds)

    await_moment(now[0] + timedelta(seconds=2.5), "moving", clock=lambda: now[0], pause=pause)
    assert paused == [1.0, 1.0, 0.5]
    assert capsys.readouterr().err.startswith("moving at 2030-01-01 00:00:02 UTC, in 0:00:03")
