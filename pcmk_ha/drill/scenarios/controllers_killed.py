"""Pacemaker's controllers are killed in turn, on the standby and then on the primary.

What breaks: SIGKILL of pacemaker-controld on one data node and, once it is back, on the other. Each time the other
controllers take that node's attributes out of the CIB, DRBD's promotion score among them.
What must happen: the scores come back within ten seconds (pcmk-ha-attributes.service), so that one node is promoted in
the end, this one or the other. A node may be fenced when the others plan while it has no controller.
Within: 60 s.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import EITHER, Expectation, Field, Scenario
from pcmk_ha.drill.tricks import kill_process

BETWEEN_S, WATCH_S = 8, 40


def kill_in_turn(field: Field) -> None:
    """Kill pacemaker-controld on the standby, then on the node that serves."""
    kill_process(field, field.standby, "pacemaker-controld")
    field.wait(BETWEEN_S)
    field.strike()
    kill_process(field, field.primary, "pacemaker-controld")
    field.wait(WATCH_S)


SCENARIOS = (
    Scenario("pacemaker-controllers-killed-in-turn", kill_in_turn, Expectation(EITHER, None, 60, failures_stay=True)),
)
