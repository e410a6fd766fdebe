"""PostgreSQL does not stop when it should.

With packaged agents only: ours do without pg_ctl.

What breaks: during a switchover pg_ctl on the old node says that it stopped PostgreSQL and does nothing.
What must happen: the agent waits, tries the harder way, and runs into the stop's time-out of 120 s. A stop that
fails means that the data may still be in use: the node is fenced, and only then does the other one take over. The VIP
went at the beginning of the switchover, so clients wait all that time.
Within: 240 s (120 s and a failover). The constraint of the switchover is cleared.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import OTHER, PRIMARY, Expectation, Field, Scenario
from pcmk_ha.drill.tricks import await_new_life, boot_id, clear, move, replace_pg_ctl

DO_NOTHING = "if [ $verb = stop ]; then exit 0; fi"


def hang_stop(field: Field) -> None:
    """Switch over with a PostgreSQL that does not stop."""
    life = boot_id(field, field.primary)
    replace_pg_ctl(field, field.primary, DO_NOTHING)
    field.strike()
    move(field)
    await_new_life(field, field.primary, life, timeout_s=field.cluster.timeouts.stop_s + 90)
    field.await_writes(timeout_s=60)
    clear(field)


SCENARIOS = (
    Scenario("postgresql-stop-hangs", hang_stop, Expectation(OTHER, (PRIMARY,), 240), random=False, agents="packaged"),
)
