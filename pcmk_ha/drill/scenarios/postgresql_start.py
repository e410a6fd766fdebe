"""PostgreSQL has to be started again, and that does not go well.

With packaged agents only: ours do without pg_ctl.

What breaks: the postmaster is killed, and pg_ctl on that node fails once (postgresql-start-fails-once), always
(postgresql-start-keeps-failing), needs 40 s more (postgresql-start-slow), or hangs the first time until the start's
time-out of 600 s (postgresql-start-times-out).
What must happen: one failed start does not ban a node (`start-failure-is-fatal=false`): it is tried again where it
was. The third failure (`migration-threshold`; the killed postmaster is the first) moves the service to the other
node, cleanly, without fencing. A slow start is waited for; a hung one is ended by its time-out and tried again.
Within: 60 s, 120 s, 120 s and 720 s. Failures stay on record until `crm_resource --cleanup`.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import OTHER, SAME, Expectation, Field, Scenario
from pcmk_ha.drill.tricks import await_served_by, replace_pg_ctl, signal_postmaster

FAIL_ONCE = "if [ $verb = start ] && once; then exit 1; fi"
FAIL = "if [ $verb = start ]; then exit 1; fi"
SLOW = "if [ $verb = start ] && once; then sleep 40; fi"
HANG_ONCE = "if [ $verb = start ] && once; then exec sleep 3600; fi"


def fail_once(field: Field) -> None:
    """Have the first start fail."""
    _kill_with(field, FAIL_ONCE)
    field.await_writes(timeout_s=90)


def keep_failing(field: Field) -> None:
    """Have every start on that node fail."""
    _kill_with(field, FAIL)
    await_served_by(field, field.standby, timeout_s=150)


def be_slow(field: Field) -> None:
    """Have the start need long."""
    _kill_with(field, SLOW)
    field.await_writes(timeout_s=150)


def time_out(field: Field) -> None:
    """Have the first start hang."""
    _kill_with(field, HANG_ONCE)
    field.await_writes(timeout_s=field.cluster.timeouts.start_s + 150)


def _kill_with(field: Field, body: str) -> None:
    replace_pg_ctl(field, field.primary, body)
    field.strike()
    signal_postmaster(field, field.primary, "KILL")


OLD = "packaged"
SCENARIOS = (
    Scenario("postgresql-start-fails-once", fail_once, Expectation(SAME, (), 60, failures_stay=True), agents=OLD),
    Scenario(
        "postgresql-start-keeps-failing", keep_failing, Expectation(OTHER, (), 120, failures_stay=True), agents=OLD
    ),
    Scenario("postgresql-start-slow", be_slow, Expectation(SAME, (), 120, failures_stay=True), agents=OLD),
    Scenario(
        "postgresql-start-times-out", time_out, Expectation(SAME, (), 720, failures_stay=True), random=False, agents=OLD
    ),
)
