"""The arbiter loses its power.

What breaks: the third vote goes dark; it holds no data and runs nothing.
What must happen: the two data nodes keep two of three votes and quorum. The arbiter is fenced, which switches it on
again. Clients notice nothing.
Within: 5 s without an acknowledged write at most.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import ARBITER, SAME, Expectation, Field, Scenario


def cut_power(field: Field) -> None:
    """Cut the power of the third vote, and leave the clients time to notice if they would."""
    field.power(field.arbiter, "off")
    field.wait(15)


SCENARIOS = (
    Scenario("arbiter-power-loss", cut_power, Expectation(SAME, (ARBITER,), 5), needs_arbiter=True, core=True),
)
