"""A node is fenced on purpose, by the cluster's own means.

What breaks: `stonith_admin --reboot` has the fencer cut the power of the standby (fence-standby) or of the primary
(fence-primary). It proves every part that a real failure would need: device, login, agent, boot and rejoin.
What must happen: without the standby writes stall until DRBD knows that the node is off, and go on without a second
copy; nothing moves. Without the primary the other node takes over with every acknowledged row. The node boots,
rejoins and catches up.
Within: 15 s and 30 s.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import OTHER, PRIMARY, SAME, STANDBY, Expectation, Field, Scenario, Where
from pcmk_ha.drill.tricks import other_data_node

STANDBY_CONSENT = (
    "The node that does not serve is switched off and on again, hard. Writes pause for some seconds, and there is no "
    "second copy of the data until it is back and has caught up."
)
PRIMARY_CONSENT = (
    "The node that serves is switched off and on again, hard. Clients are without the service for about 20 seconds "
    "until the other node has taken over, and there is no second copy of the data until the first is back."
)


def fence_standby(field: Field) -> None:
    """Fence the node that does not serve."""
    _fence(field, field.standby)


def fence_primary(field: Field) -> None:
    """Fence the node that serves."""
    _fence(field, field.primary)


def _fence(field: Field, node: str) -> None:
    by = other_data_node(field, node)
    if field.cluster.stonith.action == "off":
        field.undo(lambda: field.run(by, "stonith_admin", "--unfence", node, "--timeout=120", timeout=150))
    field.run(by, "stonith_admin", "--reboot", node, "--timeout=120", "--tag=pcmk-ha", timeout=150)
    field.await_writes(timeout_s=60)


SCENARIOS = (
    Scenario(
        "fence-standby", fence_standby, Expectation(SAME, (STANDBY,), 15),
        where=Where.ANYWHERE, consent=STANDBY_CONSENT,
    ),
    Scenario(
        "fence-primary", fence_primary, Expectation(OTHER, (PRIMARY,), 30),
        where=Where.ANYWHERE, consent=PRIMARY_CONSENT,
    ),
)  # fmt: skip
