"""A second fault while the first is being dealt with.

What breaks: the primary loses its power, and on the survivor the new postmaster is killed as soon as it runs
(postgresql-killed-during-takeover), or the survivor itself is reset once it is promoted
(survivor-reset-during-takeover).
What must happen: a postmaster killed while the agent waits for it is not started again by that start: the stock agent
waits until the start's time-out of 600 s, and then it is tried again on the same node. That is long, and true. A
survivor that is reset boots; the other node was fenced and boots as well. Both meet, DRBD settles whose data is
newer, and the service starts with every acknowledged row, on whichever has it.
Within: 720 s and 300 s.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import EITHER, OTHER, PRIMARY, Expectation, Field, Scenario

TAKEOVER_S = 60


def kill_postgresql(field: Field) -> None:
    """Kill the survivor's postmaster while it starts."""
    field.power(field.primary, "off")
    # Not by postmaster.pid: on the replicated volume lies the old primary's.
    _when(field, "pid=$(pgrep -o -x postgres)", 'kill -KILL "$pid"')
    field.await_writes(timeout_s=field.cluster.timeouts.start_s + 150)


def reset_survivor(field: Field) -> None:
    """Reset the survivor once DRBD is promoted there."""
    field.power(field.primary, "off")
    promoted = f"case $(drbdadm role {field.cluster.drbd.resource}) in Primary*) true ;; *) false ;; esac"
    _when(field, promoted, "true")
    field.power(field.standby, "reset")
    field.await_writes(timeout_s=300)


def _when(field: Field, condition: str, act: str) -> None:
    """Have the survivor itself wait for a moment that passes quickly, and act in it."""
    tries = TAKEOVER_S * 10
    script = f"n=0; until {condition}; do n=$((n + 1)); [ $n -lt {tries} ] || exit 1; sleep 0.1; done; {act}"
    field.run(field.standby, "sh", "-c", script, timeout=TAKEOVER_S * 3)


SCENARIOS = (
    Scenario(
        "postgresql-killed-during-takeover", kill_postgresql,
        Expectation(OTHER, (PRIMARY,), 720, failures_stay=True), random=False,
    ),
    Scenario("survivor-reset-during-takeover", reset_survivor, Expectation(EITHER, None, 300), random=False),
)  # fmt: skip
