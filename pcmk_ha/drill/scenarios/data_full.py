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
# Allocated in ever smaller pieces, which is quick. As postgres, for root may use blocks that are held back.
FILL = """touch "$1" && chown postgres "$1" || exit 1
at=0 size=1073741824
while [ $size -ge 4096 ]; do
  if runuser -u postgres -- fallocate -o $at -l $size "$1" 2>/dev/null; then
    at=$((at + size))
  else
    size=$((size / 2))
  fi
done"""


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


SCENARIOS = (Scenario("data-directory-full", fill, Expectation(SAME, (), 60, failures_stay=True), human="make room"),)
