"""A node hangs with its power on.

What breaks: every process of a node stops at once, kernel included, and goes on later where it was.
primary-frozen-2s, -20s, -90s: the node that serves, for so long. primary-hung: it never goes on by itself.
standby-frozen-20s: the node that does not serve.
What must happen: two seconds are about what Corosync needs to give a node up (token 1 s, consensus 1.2 s): either
nothing moves or the node is fenced, both are right. From then on the node must be fenced, by a real power-off,
before anything starts elsewhere; when it would go on, it has long lost that life. It boots, rejoins and catches up.
A frozen standby stalls writes until it is fenced; nothing moves.
Within: 40 s for the primary, 15 s for the standby.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import EITHER, OTHER, PRIMARY, SAME, STANDBY, Expectation, Field, Scenario
from pcmk_ha.drill.tricks import await_new_life, boot_id


def freeze_2s(field: Field) -> None:
    """Freeze the primary for about as long as Corosync needs to notice."""
    _freeze(field, field.primary, 2)


def freeze_20s(field: Field) -> None:
    """Freeze the primary until long after it was fenced."""
    _freeze(field, field.primary, 20)


def freeze_90s(field: Field) -> None:
    """Freeze the primary for longer than a fenced node needs to be back."""
    _freeze(field, field.primary, 90)


def freeze_standby(field: Field) -> None:
    """Freeze the standby until long after it was fenced."""
    _freeze(field, field.standby, 20)


def hang(field: Field) -> None:
    """Have the primary hang for good: only a fencing that cuts its power can make it boot."""
    life = boot_id(field, field.primary)
    field.strike()
    field.freeze(field.primary)
    field.await_writes(timeout_s=60)
    await_new_life(field, field.primary, life)


def _freeze(field: Field, node: str, seconds: float) -> None:
    field.freeze(node)
    field.wait(seconds)
    field.thaw(node)


SCENARIOS = (
    Scenario("primary-frozen-2s", freeze_2s, Expectation(EITHER, None, 40, failures_stay=True)),
    Scenario("primary-frozen-20s", freeze_20s, Expectation(OTHER, (PRIMARY,), 40), core=True),
    Scenario("primary-frozen-90s", freeze_90s, Expectation(OTHER, (PRIMARY,), 40)),
    Scenario("primary-hung", hang, Expectation(OTHER, (PRIMARY,), 40), core=True),
    Scenario("standby-frozen-20s", freeze_standby, Expectation(SAME, (STANDBY,), 15)),
)
