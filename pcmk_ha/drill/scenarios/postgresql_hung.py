"""PostgreSQL hangs: its processes are there, and it takes no connections.

What breaks: the postmaster is stopped (SIGSTOP). Connections that exist go on; new ones are accepted by the kernel
and never answered.
What must happen: `status` says that PostgreSQL takes no connections. With packaged agents (postgresql-hung) the monitor
cannot connect either and runs into its time-out of 30 s; the stop that follows cannot end a stopped process and runs
into its own of 120 s. A stop that fails means that nobody knows what the node still does: it is fenced, and the
survivor takes over. Our own agent (postgresql-frozen) asks every ten seconds, sees that the process was stopped, kills
the server's processes, and starts it again where it was.

Within: 240 s (10 s until the monitor begins, 30 s, 120 s, and a failover); 60 s with our own agent.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import OTHER, PRIMARY, SAME, Expectation, Field, Scenario
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


def freeze_postmaster(field: Field) -> None:
    """Have the postmaster hang until the agent ends it."""
    field.undo(lambda: field.shell(field.primary, f'kill -CONT "$(head -n 1 {pid_file(field)})" 2>/dev/null; true'))
    field.strike()
    signal_postmaster(field, field.primary, "STOP")
    field.await_writes(timeout_s=90)


SCENARIOS = (
    Scenario("postgresql-hung", stop_postmaster, Expectation(OTHER, (PRIMARY,), 240), random=False, agents="packaged"),
    Scenario("postgresql-frozen", freeze_postmaster, Expectation(SAME, (), 60, failures_stay=True), agents="own"),
)
