"""Somebody deletes the VIP by hand.

What breaks: `ip addr del` takes the service's address off the primary; PostgreSQL goes on without clients.
What must happen: Pacemaker's monitor (every 10 s) misses the address and puts it back on the same node. Nothing else
is touched. The failure stays on record for ten minutes, or until `crm_resource --cleanup`.
Within: 30 s.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import SAME, Expectation, Field, Scenario

DELETE = """set -- $(ip -o addr show to "$1" | head -n 1)
ip addr del "$4" dev "$2"
"""


def delete(field: Field) -> None:
    """Take the address away from whatever device has it."""
    field.run(field.primary, "sh", "-c", DELETE, "delete", str(field.cluster.vip.address))
    field.await_writes(timeout_s=60)


SCENARIOS = (Scenario("vip-deleted", delete, Expectation(SAME, (), 30, failures_stay=True)),)
