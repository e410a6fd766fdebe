"""Both links of one data node are cut: it is alive and alone.

What breaks: every cable is pulled out of the primary (both-links-cut-of-primary) or the standby
(both-links-cut-of-standby).
What must happen: an isolated primary freezes its writes at once (DRBD lost its peer) and is fenced before anything
starts elsewhere: with two votes both sides want to shoot, but the isolated one reaches no fence device; the standby
waits its three seconds and shoots. With an arbiter the isolated side has no quorum and may not even try. An isolated
standby is fenced without delay, and writes go on without a second copy. A node that is fenced with its cables out
boots and waits; once they are back it rejoins and catches up.
Within: 30 s for the primary, 15 s for the standby.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import OTHER, PRIMARY, SAME, STANDBY, Expectation, Field, Scenario


def isolate_primary(field: Field) -> None:
    """Pull every cable out of the node that serves."""
    _isolate(field, field.primary)


def isolate_standby(field: Field) -> None:
    """Pull every cable out of the other one."""
    _isolate(field, field.standby)


def _isolate(field: Field, node: str) -> None:
    field.cut(node, "all")
    field.wait(8)
    field.await_writes(timeout_s=60)
    field.heal(node, "all")


SCENARIOS = (
    Scenario(
        "both-links-cut-of-primary",
        isolate_primary,
        Expectation(OTHER, (PRIMARY,), 30),
        core=True,
        human="repair the links",
    ),
    Scenario("both-links-cut-of-standby", isolate_standby, Expectation(SAME, (STANDBY,), 15), human="repair the links"),
)
