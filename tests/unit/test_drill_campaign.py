"""Campaigns go on where they ended, and kept drills can be found again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.drills import failover
from support.files import MINIMAL

from pcmk_ha.drill.campaign import Campaign, play_campaign
from pcmk_ha.drill.choose import scenario_of
from pcmk_ha.drill.collect import Collected
from pcmk_ha.drill.evidence import Run
from pcmk_ha.drill.keep import keep_run, kept_runs, read_run
from pcmk_ha.drill.run import fenced_since
from pcmk_ha.drill.scenarios import all_scenarios
from pcmk_ha.errors import BadInput, Refused
from pcmk_ha.facts.pacemaker import Fencing
from pcmk_ha.model.load import load_cluster
from pcmk_ha.operate.look.service import Service
from pcmk_ha.operate.look.status import Health, Status


@pytest.fixture
def campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    file = tmp_path / "cluster.yaml"
    file.write_text(MINIMAL)
    return Campaign(file, load_cluster(file), "unused", seed=3, count=4)


def keep(campaign: Campaign, number: int, run: Run) -> None:
    keep_run(run, campaign.folder / f"{number:04}", {})


def test_drills_that_were_played_are_not_played_again(campaign: Campaign) -> None:
    for number, choice in enumerate(campaign.choices(), 1):
        name = scenario_of(choice, all_scenarios()).name
        keep(campaign, number, replace(failover(), scenario=name, note=str(number)))
    told: list[object] = []
    runs = play_campaign(campaign, lambda *words: told.append(words), print)
    assert [run.note for run in runs] == ["1", "2", "3", "4"]
    assert told == []


def test_a_drill_that_failed_is_played_again(campaign: Campaign) -> None:
    """On no lab, so it is refused: what matters is that it was tried."""
    first, second = (scenario_of(choice, all_scenarios()).name for choice in list(campaign.choices())[:2])
    keep(campaign, 1, replace(failover(), scenario=first))
    keep(campaign, 2, replace(failover(), scenario=second, problems=("planted",)))
    with pytest.raises(Refused, match="only a lab can mend"):
        play_campaign(campaign, lambda *_words: None, print)


def test_no_drill_begins_after_the_time_that_was_given(campaign: Campaign) -> None:
    name = scenario_of(next(iter(campaign.choices())), all_scenarios()).name
    keep(campaign, 1, replace(failover(), scenario=name))
    assert len(play_campaign(replace(campaign, max_minutes=1e-9), lambda *_words: None, print)) == 1


def test_a_kept_drill_is_read_back_with_what_the_nodes_wrote(tmp_path: Path) -> None:
    folder = keep_run(failover(), tmp_path / "one", {"node1": Collected(journal=("1.0 a: b",), server_log="LOG: x")})
    assert read_run(folder) == failover()
    assert (folder / "node1.journal").read_text() == "1.0 a: b\n"
    assert "<svg" in (folder / "run.html").read_text()
    assert [run for _path, run in kept_runs(tmp_path)] == [failover()]


def test_what_is_no_kept_drill_is_said_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no drill is kept here"):
        read_run(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(BadInput, match="no drill's record"):
        read_run(tmp_path)


def test_only_fencings_since_the_fault_count() -> None:
    at = datetime(2026, 11, 24, 20, 0, tzinfo=UTC).timestamp()

    def history(*entries: tuple[str, str, str]) -> Status:
        events = tuple(Fencing("reboot", target, status, when) for target, status, when in entries)
        return Status("c", Health.HEALTHY, (), Service(), {}, {}, {}, fencings=events)

    before = history(("node1", "success", "2026-11-24 19:00:00"))
    after = history(
        ("node1", "success", "2026-11-24 19:00:00"),
        ("node2", "success", "2026-11-24 19:59:30"),  # to prepare the fault
        ("arbiter", "failed", "2026-11-24 20:00:10"),
        ("node1", "pending", ""),
        ("node3", "success", "2026-11-24 20:00:10 Z"),
    )
    assert fenced_since(before, after, at) == ("node3",)


def test_a_drill_kept_under_the_same_number_but_another_name_is_none_of_this_campaign(campaign: Campaign) -> None:
    """A lab with an arbiter draws other drills from the same seed."""
    keep(campaign, 1, replace(failover(), scenario="something-else"))
    with pytest.raises(Refused, match="only a lab can mend"):
        play_campaign(campaign, lambda *_words: None, print)
