"""The primary loses its power with much to recover.

What breaks: 400 MiB of changes were written since the last checkpoint when the primary goes dark. It cannot be much
more: with `max_wal_size` 1 GB PostgreSQL itself begins a checkpoint at about 540 MB, and a lab's data disk has 2 GiB.
What must happen: a failover as ever, and its crash recovery replays all of that before the first client is served.
Nothing is impatient: the start may take 600 s.
Within: 120 s.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import OTHER, PRIMARY, Expectation, Field, Scenario
from pcmk_ha.drill.tricks import drop_table, sql

TABLE = "pcmk_ha_drill_recovery"
WANTED_MIB, MOST_UPDATES = 400, 12
CREATE = """CREATE TABLE pcmk_ha_drill_recovery AS
SELECT g, repeat('x', 200) AS fill, 0 AS n FROM generate_series(1, 150000) g"""
UPDATE = "UPDATE pcmk_ha_drill_recovery SET n = n + 1"
MIB_SINCE_CHECKPOINT = "SELECT ((pg_current_wal_lsn() - redo_lsn) / 1048576)::int FROM pg_control_checkpoint()"


def lose_power_after_changes(field: Field) -> None:
    """Write until there is that much to replay, then cut the power."""
    field.undo(lambda: drop_table(field, TABLE))
    for statement in (CREATE, "CHECKPOINT"):
        sql(field, field.primary, statement, timeout=180)
    for _ in range(MOST_UPDATES):
        sql(field, field.primary, UPDATE, timeout=180)
        sql(field, field.primary, f"VACUUM {TABLE}", timeout=180)  # rows go where dead ones were: the disk is small
        if _to_replay(field) >= WANTED_MIB:
            break
    field.note(f"{_to_replay(field)} MiB to replay.")
    field.strike()
    field.power(field.primary, "off")


def _to_replay(field: Field) -> int:
    return int(sql(field, field.primary, MIB_SINCE_CHECKPOINT))


SCENARIOS = (
    Scenario("long-crash-recovery", lose_power_after_changes, Expectation(OTHER, (PRIMARY,), 120), random=False),
)
