"""The primary's clock jumps.

What breaks: the clock of the node that serves goes forward by an hour and, 20 s later, back again.
What must happen: nothing. Corosync's, DRBD's and Pacemaker's deadlines do not follow the clock on the wall, and no
membership, promotion or fencing depends on two nodes agreeing on the time. The times in logs are wrong meanwhile.
Within: 5 s without an acknowledged write at most.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import SAME, Expectation, Field, Scenario

JUMP_S, WRONG_S = 3600, 20
# On a file system that a boot empties: a node that was fenced meanwhile has the right time again.
MARK = "/run/pcmk-ha-drill-clock"
FORWARD = f'touch {MARK} && date -s "@$(($(date +%s) + {JUMP_S}))"'
BACK = f'if [ -e {MARK} ]; then date -s "@$(($(date +%s) - {JUMP_S}))"; rm -f {MARK}; fi'


def jump(field: Field) -> None:
    """Set the clock forward, and back."""
    field.undo(lambda: field.shell(field.primary, BACK))
    field.run(field.primary, "sh", "-c", FORWARD)
    field.wait(WRONG_S)
    field.run(field.primary, "sh", "-c", BACK)
    field.wait(10)


SCENARIOS = (Scenario("clock-jump", jump, Expectation(SAME, (), 5)),)
