"""The service is moved while somebody opens connections and says nothing.

What breaks: a program connects to PostgreSQL twice a second and never sends a byte, as a broken client does, a port
scanner, or one whose packets are lost; then the service is moved to the other node.
What must happen: the stop ends although PostgreSQL waits, for `authentication_timeout`, for everybody who connected and
did not say who he is. The service moves as in any switchover.
Within: 60 s (10 s of it that waiting; with the 60 s that PostgreSQL itself has, 75 s and more).
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import OTHER, Expectation, Field, Scenario
from pcmk_ha.drill.tricks import await_served_by, clear, move

# Each connection is held for a minute by a process of its own; systemd ends them all with the unit.
CONNECT = 'for i in $(seq 240); do (exec 3<>"/dev/tcp/$0/$1" && sleep 60) 2>/dev/null & sleep 0.5; done; wait'
UNIT = "drill-silent-clients"


def switch_over(field: Field) -> None:
    """Connect from the standby's side again and again, in silence, and move the service."""
    target = (str(field.cluster.vip.address), str(field.cluster.postgresql.port))
    start = ("systemd-run", "--quiet", "--collect", "--property=RuntimeMaxSec=180", f"--unit={UNIT}")
    field.run(field.standby, *start, "bash", "-c", CONNECT, *target)
    field.undo(lambda: field.shell(field.standby, f"systemctl stop {UNIT}"))
    field.wait(3)
    field.strike()
    move(field)
    await_served_by(field, field.standby, timeout_s=120)
    field.await_writes(timeout_s=60)
    clear(field)


SCENARIOS = (Scenario("switchover-with-silent-clients", switch_over, Expectation(OTHER, (), 60)),)
