"""The primary loses its power.

What breaks: the machine that serves goes dark, as if its plug was pulled, under writing clients.
What must happen: the survivor fences it, is promoted, and serves through the same VIP with every
acknowledged row. The dead node is switched on by the fencing, rejoins, and copies what it missed.
Within: 30 s (detection 2 s, fencing delay with two votes 3 s, fencing, promotion, crash recovery).
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import OTHER, PRIMARY, Expectation, Field, Scenario


def cut_power(field: Field) -> None:
    """Cut the power of the node that serves."""
    field.power(field.primary, "off")


SCENARIOS = (Scenario("primary-power-loss", cut_power, Expectation(OTHER, (PRIMARY,), 30), core=True),)
