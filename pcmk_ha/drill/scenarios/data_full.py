"""The file system under the data is full.

What breaks: something fills the replicated file system, for 20 s, under writing clients.
What must happen: clients get errors for what needs room. Nothing moves and nobody is fenced: the other node has the
same full file system. PostgreSQL stays up, for the fault begins with room left in its log of changes (were that
full too, PostgreSQL would stop and could not start again until somebody makes room). When there is room again,
writes go on by themselves.
Within: 60 s, of which 20 s are full on purpose.
"""

from __future__ import annotations

from shlex import quote

from pcmk_ha.drill.scenario import SAME, Expectation, Field, Scenario
from pcmk_ha.drill.tricks import sql

FULL_S = 20
# Allocated first, which is quick; what an allocation in one piece cannot reach is then written.
# As postgres, for root may use the blocks that the file system holds back.
FILL = """file=$1
touch "$file" && chown postgres "$file"
runuser -u postgres -- fallocate -l "$(df --output=avail -B1 "$file" | tail -n 1)" "$file"
runuser -u postgres -- dd if=/dev/zero bs=4096 status=none >> "$file"
true"""


def fill(field: Field) -> None:
    """Fill the file system, and make room again."""
    ballast = f"{field.cluster.filesystem.mount_point}/pcmk-ha-drill-ballast"
    empty = f"rm -f {quote(ballast)}"
    sql(field, field.primary, "SELECT pg_switch_wal()")
    sql(field, field.primary, "CHECKPOINT")
    field.undo(lambda: field.shell(field.primary, empty))
    field.strike()
    field.run(field.primary, "sh", "-c", FILL, "fill", ballast, timeout=120)
    field.wait(FULL_S)
    field.run(field.primary, "sh", "-c", empty)


SCENARIOS = (Scenario("data-directory-full", fill, Expectation(SAME, (), 60, failures_stay=True)),)
