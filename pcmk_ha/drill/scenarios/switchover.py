"""The service is moved on purpose, under load.

What breaks: nothing; an administrator moves the service to the other node while clients write, as before the
maintenance of a node. It moves by the constraint of `pcmk-ha switchover`, but without the CHECKPOINT that comes first.
What must happen: PostgreSQL stops cleanly, the roles of DRBD change, PostgreSQL starts on the other node. Nobody is
fenced, nothing is lost, both copies stay. The constraint that a move leaves is cleared, and the service stays.
Within: 45 s (in a lab about 15 s, most of it agents that fork slowly).
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import OTHER, Expectation, Field, Scenario, Where
from pcmk_ha.drill.tricks import await_served_by, clear, move

CONSENT = (
    "The service moves to the other data node and stays there. PostgreSQL is stopped cleanly: clients lose their "
    "connections and are without the service for about 20 seconds."
)


def switch_over(field: Field) -> None:
    """Move the promoted role, and clear what the move leaves."""
    move(field)
    await_served_by(field, field.standby, timeout_s=120)
    field.await_writes(timeout_s=60)
    clear(field)


SCENARIOS = (
    Scenario("switchover", switch_over, Expectation(OTHER, (), 45), where=Where.ANYWHERE, consent=CONSENT, core=True),
)
