"""The whole site goes dark, and one node is back before the other.

What breaks: every node loses its power at once. blackout-old-primary-first: the node that served is back first;
blackout-old-standby-first: the other one is. An arbiter comes back together with the first.
What must happen: the first data node alone must not serve. With two votes it has no quorum until it has seen the
other (wait_for_all); it can fence nobody, and `status` says that there is no quorum. With an arbiter the two have
quorum and may fence the missing node, which switches it on; yet DRBD does not promote data that may be the older one.
Only when both copies have met does the service start, on either node, with every acknowledged row.
Within: 300 s, of which the second node stays dark for about a minute.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import EITHER, Expectation, Field, Scenario
from pcmk_ha.drill.tricks import await_said, must_stand_still, other_data_node

ALONE_S = 20


def old_primary_first(field: Field) -> None:
    """Black out everything; the node that served is back first."""
    _blackout(field, field.primary)


def old_standby_first(field: Field) -> None:
    """Black out everything; the node that did not serve is back first."""
    _blackout(field, field.standby)


def _blackout(field: Field, first: str) -> None:
    arbiters = (field.cluster.arbiter.name,) if field.cluster.arbiter else ()
    for node in (field.primary, field.standby, *arbiters):
        field.power(node, "off")
    field.wait(3)
    for node in (first, *arbiters):
        field.power(node, "on")
    if arbiters:
        field.note(f"quorum without {other_data_node(field, first)}: the arbiter and {first} may fence it back on")
    else:
        await_said(field, "no quorum", timeout_s=90)
        must_stand_still(field, ALONE_S, f"{first} is alone")
        field.power(other_data_node(field, first), "on")
    field.await_writes(timeout_s=240)


SCENARIOS = (
    Scenario("blackout-old-primary-first", old_primary_first, Expectation(EITHER, None, 300), core=True, random=False),
    Scenario("blackout-old-standby-first", old_standby_first, Expectation(EITHER, None, 300), random=False),
)
