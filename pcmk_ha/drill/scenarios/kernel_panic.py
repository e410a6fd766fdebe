"""The primary's kernel panics.

What breaks: the kernel of the node that serves ends in a panic, without a word to anybody.
What must happen: the same as when it loses its power: it is fenced, the survivor is promoted and serves every
acknowledged row; the fencing boots the node, it rejoins and catches up.
Within: 30 s.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import OTHER, PRIMARY, Expectation, Field, Scenario
from pcmk_ha.drill.tricks import await_new_life, boot_id, later


def panic(field: Field) -> None:
    """Panic half a second later, so that the command itself is still answered."""
    life = boot_id(field, field.primary)
    later(field, field.primary, "echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger", after_s=0.5)
    field.strike()
    field.wait(5)
    field.await_writes(timeout_s=60)
    await_new_life(field, field.primary, life)


SCENARIOS = (Scenario("kernel-panic", panic, Expectation(OTHER, (PRIMARY,), 30), core=True),)
