"""A node is lost while the second copy is not complete.

What breaks: the standby was down and is catching up, slowly on purpose, when it loses its power again
(standby-lost-during-resync), or when the primary does (primary-lost-during-resync).
What must happen: a standby lost again costs one more stall of writes, and the resync starts anew from what is missing.
Without the primary there is no good copy left: the standby fences it and must *not* be promoted, for its data is
neither old nor new. The service stays down until the fenced primary, the only one with all the data, has booted and
serves again with every acknowledged row. If it never came back, a person would have to decide, knowing the loss.
Within: 20 s for the standby; 180 s for the primary (fencing, boot, join, crash recovery).
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import PRIMARY, SAME, STANDBY, Expectation, Field, Scenario
from pcmk_ha.drill.tricks import DEVICES, await_served_by, connection_state, disk_state, drop_table, sql

TABLE = "pcmk_ha_drill_resync"
# About 60 MB with their log: half a minute at the rate below.
CREATE = """CREATE TABLE pcmk_ha_drill_resync AS
SELECT g, repeat('x', 200) AS fill FROM generate_series(1, 120000) g"""
# A short queue: DRBD's own pings must not wait behind the data for longer than their time-out of 1 s.
SLOW = "rate 16mbit limit 60"


def lose_standby(field: Field) -> None:
    """Cut the standby's power again while it catches up."""
    _begin_resync(field)
    field.strike()
    field.power(field.standby, "off")
    field.wait(8)
    field.await_writes(timeout_s=60)
    _heal(field)


def lose_primary(field: Field) -> None:
    """Cut the power of the only good copy."""
    _begin_resync(field)
    state = disk_state(field, field.standby)
    field.expect(state == "Inconsistent", f"the standby should still be catching up, but its disk is {state or '?'}")
    field.strike()
    field.power(field.primary, "off")
    field.wait(15)
    promoted = field.status().service.promoted_on
    field.expect(promoted != field.standby, f"{promoted} was promoted with inconsistent data")
    await_served_by(field, field.primary, timeout_s=240)
    field.await_writes(timeout_s=60)


def _begin_resync(field: Field) -> None:
    field.undo(lambda: drop_table(field, TABLE))
    field.undo(lambda: _heal(field))
    field.power(field.standby, "off")
    device = DEVICES["replication"]
    field.run(field.primary, "sh", "-c", f"modprobe sch_netem && tc qdisc replace dev {device} root netem {SLOW}")
    field.wait(6)
    field.await_writes(timeout_s=60)
    sql(field, field.primary, CREATE, timeout=180)
    # What is only in memory would be written, and replicated, after the resync: it has to be on disk before.
    sql(field, field.primary, "CHECKPOINT", timeout=120)
    field.wait_until(
        lambda: connection_state(field, field.primary) == "SyncSource", "a resync of the standby", timeout_s=120
    )


def _heal(field: Field) -> None:
    field.shell(field.primary, f"tc qdisc del dev {DEVICES['replication']} root 2>/dev/null")


SCENARIOS = (
    Scenario("standby-lost-during-resync", lose_standby, Expectation(SAME, (STANDBY,), 20), random=False),
    Scenario("primary-lost-during-resync", lose_primary, Expectation(SAME, (PRIMARY,), 180), random=False),
)
