"""The standby loses its power.

What breaks: the machine that holds the second copy goes dark under writing clients.
What must happen: writes stall until DRBD misses its peer and the fencer has confirmed that it is off, then go on
without a second copy. Nothing moves. The fencing switches the node on again; it rejoins and catches up.
The length of that stall is the figure of this drill.
Within: 15 s (DRBD notices within 3 s, Corosync within 2.2 s, fencing without delay about 2 s).
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import SAME, STANDBY, Expectation, Field, Scenario


def cut_power(field: Field) -> None:
    """Cut the power of the node that does not serve."""
    field.power(field.standby, "off")


SCENARIOS = (Scenario("standby-power-loss", cut_power, Expectation(SAME, (STANDBY,), 15), core=True),)
