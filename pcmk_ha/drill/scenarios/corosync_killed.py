"""Corosync is killed, and its node lives on without the cluster.

What breaks: the process that keeps a node in the cluster is killed (SIGKILL); nothing starts it again. What runs on
the node goes on: on the primary PostgreSQL, its VIP and DRBD, with clients at work.
What must happen: the others lose sight of the node and cannot know what it does: it is fenced. The primary's service
goes on until that moment, then the survivor takes over; without the standby, writes stall until the fencing is
confirmed and DRBD goes on alone. The fenced node boots, rejoins and catches up.
Within: 40 s for the primary, 20 s for the standby.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import OTHER, PRIMARY, SAME, STANDBY, Expectation, Field, Scenario
from pcmk_ha.drill.tricks import await_new_life, boot_id, kill_process


def kill_on_primary(field: Field) -> None:
    """Kill it where the service runs."""
    _kill(field, field.primary)


def kill_on_standby(field: Field) -> None:
    """Kill it on the other data node."""
    _kill(field, field.standby)


def _kill(field: Field, node: str) -> None:
    life = boot_id(field, node)
    field.strike()
    kill_process(field, node, "corosync")
    await_new_life(field, node, life)


SCENARIOS = (
    Scenario("corosync-killed-on-primary", kill_on_primary, Expectation(OTHER, (PRIMARY,), 40), core=True),
    Scenario("corosync-killed-on-standby", kill_on_standby, Expectation(SAME, (STANDBY,), 20)),
)
