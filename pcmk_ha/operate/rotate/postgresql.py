"""PostgreSQL's passwords: compared with what the server stores, and set without ever being sent to it."""

from __future__ import annotations

import os
import re
from base64 import b64decode
from collections.abc import Mapping

from pcmk_ha.desired.values import Desired
from pcmk_ha.errors import CommandFailed
from pcmk_ha.operate.parts.scram import scram_verifier
from pcmk_ha.operate.parts.server import ask_server
from pcmk_ha.plan.rotation import Which
from pcmk_ha.remote.runner import Runner

STORED = re.compile(r"SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$")
# Whatever the server logs, it is not the verifier: who has that can pose as the server.
QUIET = "SET log_statement = 'none';\nSET log_min_duration_statement = -1;\nSET log_min_error_statement = 'panic';\n"


def role_of(desired: Desired, name: str) -> str:
    """Return the role a secret is the password of."""
    return "postgres" if name == "superuser" else desired.cluster.postgresql.user


def which_password(runner: Runner, desired: Desired, name: str, values: Mapping[Which, str]) -> Which:
    """Say which of two passwords a role has now."""
    role = role_of(desired, name)
    # The model lets no quote into a role's name.
    stored = ask_server(runner, desired, f"SELECT rolpassword FROM pg_authid WHERE rolname = '{role}'")  # noqa: S608
    match = STORED.match(stored)
    if match is None:
        return Which.OTHER
    salt, iterations = b64decode(match[2]), int(match[1])
    return next((w for w, value in values.items() if scram_verifier(value, salt, iterations) == stored), Which.OTHER)


def set_password(runner: Runner, desired: Desired, name: str, value: str) -> None:
    """Store a role's password; sessions that are open go on. Raises CommandFailed."""
    verifier = scram_verifier(value, os.urandom(16))
    role = role_of(desired, name)
    port = str(desired.cluster.postgresql.port)
    psql = ("env", "-C", "/", "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "/run/postgresql", "-p", port)
    script = f"{QUIET}ALTER ROLE \"{role}\" PASSWORD '{verifier}';\n"
    done = runner.run(("runuser", "-u", "postgres", "--", *psql), stdin=script, ok=None)
    if done.status:
        raise CommandFailed(f"{runner.node}: PostgreSQL did not take the new password of {role} ({done.status})")
