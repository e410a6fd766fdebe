"""Which drill comes next in a campaign: random, and the same for the same seed. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pcmk_ha.drill.blows import all_blows
from pcmk_ha.drill.scenario import EITHER, Expectation, Field, Scenario
from pcmk_ha.errors import PcmkHaError

PAIRS = 0.3  # of all drills are two faults
LATEST_S = 12.0  # the second after the first: a failover is over by then, or in its last steps
LEFT_S = 30.0  # how long two faults are left alone before they are mended
PAIR_OUTAGE_S = 300.0  # two faults may need both to be mended, and two boots
RUNBOOK = """Two faults, the second {after_s:.1f} s after the first.

What breaks: {first}, then {second}.
What must happen: nothing acknowledged is lost and nothing runs twice, whatever else happens. The faults are mended
after 30 s; then the service is there again, wherever, and both copies are whole.
Within: 300 s.
"""


@dataclass(frozen=True)
class Choice:
    """One drill of a campaign: a scenario, or two blows with so many seconds between them."""

    number: int
    first: str
    second: str = ""
    after_s: float = 0.0
    lead_s: float = 0.0  # of undisturbed writing before it, beyond what every drill has

    def __str__(self) -> str:
        return f"{self.first} + {self.second} after {self.after_s:.1f} s" if self.second else self.first


def choose(seed: int, number: int, scenarios: Mapping[str, Scenario], *, arbiter: bool) -> Choice:
    """Return a campaign's drill of that number; it depends on nothing but what is given here."""
    able = [s for s in scenarios.values() if s.random and not s.agents and (arbiter or not s.needs_arbiter)]
    dice = random.Random(f"{seed}/{number}")  # noqa: S311  a choice, not a secret
    lead_s = round(dice.uniform(0, 4), 1)
    if dice.random() > PAIRS:
        return Choice(number, dice.choice(able).name, lead_s=lead_s)
    first, second = dice.sample(list(all_blows()), 2)
    return Choice(number, first, second, round(dice.uniform(0, LATEST_S), 1), lead_s)


def scenario_of(choice: Choice, scenarios: Mapping[str, Scenario]) -> Scenario:
    """Return what is played for a choice; of two faults only safety and recovery can be foretold."""
    if choice.second:
        return _pair(choice)
    scenario = scenarios[choice.first]

    def act(field: Field) -> None:
        field.wait(choice.lead_s)
        field.strike()
        scenario.act(field)

    return replace(scenario, act=act)


def _pair(choice: Choice) -> Scenario:
    blows = all_blows()

    def act(field: Field) -> None:
        field.wait(choice.lead_s)
        field.strike()
        blows[choice.first](field)
        field.wait(choice.after_s)
        try:
            blows[choice.second](field)
        except PcmkHaError as error:  # what it would break is broken already
            field.note(f"{choice.second} could not be done any more: {str(error).splitlines()[0][:120]}.")
        field.wait(LEFT_S)
        field.mend()

    return Scenario(
        f"{choice.first}+{choice.second}",
        act,
        Expectation(EITHER, None, PAIR_OUTAGE_S, failures_stay=True),
        runbook=RUNBOOK.format(first=choice.first, second=choice.second, after_s=choice.after_s),
    )
