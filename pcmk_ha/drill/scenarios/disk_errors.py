"""A data disk returns errors.

What breaks: every read and write of the replicated data fails on the primary's disk (disk-errors-on-primary) or the
standby's (disk-errors-on-standby); DRBD's own fault injection does that.
What must happen: DRBD lets the disk go (`on-io-error detach`). A primary without a disk still serves, through the
other node's; no write is lost or refused. Within its monitor's 10 s DRBD's agent rates that node far below the one
with a good disk, and Pacemaker moves the service there: a switchover without fencing. A standby without a disk changes
nothing but that there is no second copy. Once the disk is good, `drbdadm attach` brings it back and it catches up.
Within: 45 s for the primary (the switchover), 10 s for the standby.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import OTHER, SAME, Expectation, Field, Scenario
from pcmk_ha.drill.tricks import await_served_by, disk_state

WRITES, READS = 1 << 4, 1 << 5  # which of DRBD's faults: of data, not of its metadata or a resync
PARAMETERS = "/sys/module/drbd/parameters"


def fail_on_primary(field: Field) -> None:
    """Have the disk fail where the service runs; it must leave."""
    _fail(field, field.primary)
    await_served_by(field, field.standby, timeout_s=60)


def fail_on_standby(field: Field) -> None:
    """Have the disk of the second copy fail."""
    _fail(field, field.standby)
    field.await_writes(timeout_s=30)


def _fail(field: Field, node: str) -> None:
    drbd = field.cluster.drbd
    mend = f"echo 0 > {PARAMETERS}/enable_faults; drbdadm attach {drbd.resource}"
    field.undo(lambda: field.shell(node, mend))
    faults = (("fault_devs", 1 << drbd.minor), ("fault_rate", 100), ("enable_faults", WRITES | READS))
    field.strike()
    field.run(node, "sh", "-ec", "; ".join(f"echo {value} > {PARAMETERS}/{name}" for name, value in faults))
    field.wait_until(lambda: disk_state(field, node) == "Diskless", f"DRBD without a disk on {node}", timeout_s=30)


SCENARIOS = (
    Scenario(
        "disk-errors-on-primary",
        fail_on_primary,
        Expectation(OTHER, (), 45),
        human="replace the disk, then `drbdadm attach`",
    ),
    Scenario(
        "disk-errors-on-standby",
        fail_on_standby,
        Expectation(SAME, (), 10),
        human="replace the disk, then `drbdadm attach`",
    ),
)
