"""A campaign's drills: the same for the same seed, others for another, and only what can be played."""

from __future__ import annotations

import pytest
from support.drills import Recorder

from pcmk_ha.drill.blows import all_blows
from pcmk_ha.drill.choose import Choice, choose, scenario_of
from pcmk_ha.drill.scenario import EITHER, OTHER, PRIMARY, Expectation, Scenario
from pcmk_ha.errors import NodeUnreachable

SCENARIOS = {
    "power": Scenario("power", lambda f: f.power(f.primary, "off"), Expectation(OTHER, (PRIMARY,))),
    "cut": Scenario("cut", lambda f: f.cut(f.standby, "replication"), Expectation()),
    "looks": Scenario("looks", lambda field: field.note("alone"), Expectation()),
    "arbiter": Scenario("arbiter", lambda field: field.power(field.arbiter, "off"), Expectation(), needs_arbiter=True),
    "long": Scenario("long", lambda field: field.wait(500), Expectation(), random=False),
}  # fmt: skip


def choices(seed: int, count: int = 300, *, arbiter: bool = False) -> list[Choice]:
    return [choose(seed, number, SCENARIOS, arbiter=arbiter) for number in range(1, count + 1)]


def test_the_same_seed_gives_the_same_drills_and_another_seed_others() -> None:
    assert choices(7) == choices(7)
    assert choices(7) != choices(8)


def test_one_drill_does_not_depend_on_how_many_there_are() -> None:
    assert choices(7, 10) == choices(7, 300)[:10]


def test_only_what_can_be_played_is_chosen_and_all_of_it() -> None:
    assert {c.first for c in choices(1) if not c.second} == {"power", "cut", "looks"}
    assert {c.first for c in choices(1, arbiter=True) if not c.second} == {"power", "cut", "looks", "arbiter"}


def test_pairs_are_two_different_faults_that_only_break() -> None:
    pairs = [c for c in choices(1) if c.second]
    assert 60 < len(pairs) < 120
    blows = all_blows()
    assert all(c.first in blows and c.second in blows and c.first != c.second for c in pairs)
    assert len({c.first for c in pairs}) > 15
    assert all(0 <= c.after_s <= 12 for c in pairs)


def test_a_pair_does_both_with_the_time_between_mends_and_foretells_only_recovery() -> None:
    played = scenario_of(Choice(1, "power-off-primary", "cut-replication-of-standby", 3.5, 1.0), SCENARIOS)
    field = Recorder()
    played.act(field)
    assert field.did == [
        "wait 1.0", "strike", "power node1 off", "wait 3.5", "cut node2 replication", "wait 30.0", "mend",
    ]  # fmt: skip
    assert played.name == "power-off-primary+cut-replication-of-standby"
    assert (played.expect.serves_on, played.expect.fenced) == (EITHER, None)
    assert "3.5 s after" in played.runbook


def test_a_second_fault_that_comes_too_late_is_noted() -> None:
    class Dead(Recorder):
        def run(self, *_words: str) -> None:
            raise NodeUnreachable("node1: no answer")

    field = Dead()
    scenario_of(Choice(1, "power-off-primary", "kill-corosync-on-primary", 2.0), SCENARIOS).act(field)
    assert "note kill-corosync-on-primary could not be done any more: node1: no answer." in field.did
    assert field.did[-1] == "mend"


@pytest.mark.parametrize("name", all_blows())
def test_every_blow_falls_on_whom_it_names(name: str) -> None:
    field = Recorder()
    all_blows()[name](field)
    assert len(field.did) == 1
    assert ("node2" in field.did[0]) is name.endswith("standby")


def test_a_single_fault_keeps_its_own_expectation() -> None:
    played = scenario_of(Choice(1, "power", lead_s=2.0), SCENARIOS)
    field = Recorder()
    played.act(field)
    assert field.did == ["wait 2.0", "strike", "power node1 off"]
    assert played.expect == SCENARIOS["power"].expect
