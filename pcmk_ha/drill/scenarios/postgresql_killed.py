"""PostgreSQL dies, its node does not.

What breaks: postgresql-killed: the postmaster is killed (SIGKILL); postgresql-backend-killed: one of the processes
that serve a client is, and PostgreSQL itself then ends all of them and recovers.
What must happen: Pacemaker's monitor (every 10 s) finds PostgreSQL gone and starts it again on the same node: crash
recovery in place, nothing moves, nobody is fenced. After a killed backend PostgreSQL is mostly back before the
monitor looks. The failure stays on record for ten minutes, or until `crm_resource --cleanup`.
Within: 45 s after a killed postmaster, 30 s after a killed backend.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import SAME, Expectation, Field, Scenario, Where
from pcmk_ha.drill.tricks import signal_postmaster, sql

CONSENT = (
    "PostgreSQL on the node that serves is killed. Clients lose their connections and are without the service for "
    "about 20 seconds, until Pacemaker has started it again on the same node."
)
# The one that has been there longest: another may end before it is killed.
A_CLIENTS_BACKEND = (
    "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    " ORDER BY backend_type = 'client backend' DESC, backend_start LIMIT 1"
)


def kill_postmaster(field: Field) -> None:
    """Kill the postmaster of the node that serves."""
    signal_postmaster(field, field.primary, "KILL")
    field.await_writes(timeout_s=75)


def kill_backend(field: Field) -> None:
    """Kill one process that serves a client."""
    pid = int(sql(field, field.primary, A_CLIENTS_BACKEND))
    field.strike()
    field.run(field.primary, "kill", "-KILL", str(pid))
    field.wait(12)  # Pacemaker's next look must find nothing wrong, or mend it


SCENARIOS = (
    Scenario(
        "postgresql-killed", kill_postmaster, Expectation(SAME, (), 45, failures_stay=True),
        where=Where.ANYWHERE, consent=CONSENT, core=True,
    ),
    Scenario("postgresql-backend-killed", kill_backend, Expectation(SAME, (), 30, failures_stay=True)),
)  # fmt: skip
