"""The primary has no time to spare.

What breaks: four processes take all the CPU they can get on the node that serves, for 40 s.
What must happen: Corosync runs with real-time priority and keeps its token; monitors take longer but stay within their
time-outs. Writes become slow. Nothing moves and nobody is fenced: a busy node is not a dead node.
Within: 15 s without an acknowledged write at most.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import SAME, Expectation, Field, Scenario

LOOPS, BUSY_S = 4, 40


def saturate(field: Field) -> None:
    """Start busy loops that end by themselves."""
    units = tuple(f"pcmk-ha-drill-busy-{number}" for number in range(LOOPS))
    field.undo(lambda: field.shell(field.primary, f"systemctl stop {' '.join(units)} 2>/dev/null"))
    for unit in units:
        bounded = ("--quiet", "--collect", f"--unit={unit}", f"--property=RuntimeMaxSec={BUSY_S}")
        field.run(field.primary, "systemd-run", *bounded, "sh", "-c", "while :; do :; done")
    field.wait(BUSY_S)


SCENARIOS = (Scenario("cpu-saturated", saturate, Expectation(SAME, (), 15)),)
