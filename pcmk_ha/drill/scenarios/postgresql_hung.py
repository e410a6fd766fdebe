"""PostgreSQL hangs: its processes are there, and it takes no connections.

What breaks: the postmaster is stopped (SIGSTOP). Connections that exist go on; new ones are accepted by the kernel
and never answered.
What must happen: `status` says that PostgreSQL takes no connections. Pacemaker's monitor cannot connect either and
runs into its time-out of 30 s; the stop that follows cannot end a stopped process and runs into its own of 120 s.
A stop that fails means that nobody knows what the node still does: it is fenced, and the survivor takes over.
Within: 240 s (10 s until the monitor begins, 30 s, 120 s, and a failover).
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import OTHER, PRIMARY, Expectation, Field, Scenario
from pcmk_ha.drill.tricks import await_new_life, await_said, boot_id, pid_file, signal_postmaster


def stop_postmaster(field: Field) -> None:
    """Have the postmaster hang until its node is fenced."""
    life = boot_id(field, field.primary)
    go_on = f'[ "$(cat /proc/sys/kernel/random/boot_id)" = {life} ] && kill -CONT "$(head -n 1 {pid_file(field)})"'
    field.undo(lambda: field.shell(field.primary, go_on))
    field.strike()
    signal_postmaster(field, field.primary, "STOP")
    await_said(field, "takes no connections", timeout_s=60)
    await_new_life(field, field.primary, life, timeout_s=260)


SCENARIOS = (Scenario("postgresql-hung", stop_postmaster, Expectation(OTHER, (PRIMARY,), 240), random=False),)
