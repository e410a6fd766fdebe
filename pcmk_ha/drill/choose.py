"""Which drill comes next in a campaign: random, and the same for the same seed. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pcmk_ha.drill.scenario import EITHER, Expectation, Field, Scenario

PAIRS = 0.3  # of all drills have a second fault
LATEST_S = 12.0  # after the first: a failover is over by then, or in its last steps
PAIR_OUTAGE_S = 240.0  # two faults may need a whole boot between them


@dataclass(frozen=True)
class Choice:
    """One drill of a campaign: one fault, or two with so many seconds between them."""

    number: int
    first: str
    second: str = ""
    after_s: float = 0.0
    lead_s: float = 0.0  # of undisturbed writing before it, beyond what every drill has

    def __str__(self) -> str:
        return f"{self.first} + {self.second} after {self.after_s:.1f} s" if self.second else self.first


def choose(seed: int, number: int, scenarios: Mapping[str, Scenario], *, arbiter: bool) -> Choice:
    """Return a campaign's drill of that number; it depends on nothing but what is given here."""
    able = [s for s in scenarios.values() if s.random and (arbiter or not s.needs_arbiter)]
    dice = random.Random(f"{seed}/{number}")  # noqa: S311  a choice, not a secret
    first = dice.choice(able)
    lead_s = round(dice.uniform(0, 4), 1)
    second = dice.choice([s for s in able if s.pairs])
    after_s = round(dice.uniform(0, LATEST_S), 1)
    if not first.pairs or dice.random() > PAIRS:
        return Choice(number, first.name, lead_s=lead_s)
    return Choice(number, first.name, second.name, after_s, lead_s)


def scenario_of(choice: Choice, scenarios: Mapping[str, Scenario]) -> Scenario:
    """Return what is played for a choice; of two faults only safety and recovery can be foretold."""
    first = scenarios[choice.first]
    if not choice.second:
        return replace(first, act=lambda field: _later(field, choice.lead_s, first))
    second = scenarios[choice.second]

    def act(field: Field) -> None:
        _later(field, choice.lead_s, first)
        field.wait(choice.after_s)
        second.act(field)

    expect = Expectation(
        EITHER,
        None,
        PAIR_OUTAGE_S,
        healthy_s=first.expect.healthy_s + second.expect.healthy_s,
        failures_stay=True,
    )
    runbook = f"{first.runbook}\n\nAnd {choice.after_s:.1f} s later:\n\n{second.runbook}"
    return replace(first, name=f"{first.name}+{second.name}", act=act, expect=expect, runbook=runbook)


def _later(field: Field, seconds: float, scenario: Scenario) -> None:
    field.wait(seconds)
    field.strike()
    scenario.act(field)
