"""A data disk hangs: it answers neither with data nor with an error.

What breaks: requests to the data disk of the primary (disk-hangs-on-primary) or the standby (disk-hangs-on-standby)
wait for 20 s; a lab's data disk lies on device-mapper, which can be suspended.
What must happen: a hung disk on the primary hangs every write for as long, and nobody is fenced: PostgreSQL still
answers Pacemaker's monitor, and DRBD waits for its disk without a limit (`disk-timeout` would set one, and drbd.conf(5)
calls that dangerous). Honestly said: nothing is done about it but waiting. A hung disk on the standby
is the peer's failure: after `ko-count` times `timeout`, 10.8 s, DRBD drops the connection and writes go on without a
second copy. When the disk answers again, it reconnects and catches up.
Within: 40 s for the primary, 20 s of it on purpose; 25 s for the standby.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import SAME, Expectation, Field, Scenario

HANGING_S = 20
DISK = "data"  # in /dev/mapper


def hang_on_primary(field: Field) -> None:
    """Hang the disk where the service runs."""
    _suspend(field, field.primary)
    field.wait(HANGING_S)
    _resume(field, field.primary)


def hang_on_standby(field: Field) -> None:
    """Hang the disk of the second copy; writes must go on before it answers again."""
    _suspend(field, field.standby)
    field.wait(HANGING_S)
    field.await_writes(timeout_s=15)
    _resume(field, field.standby)


def _suspend(field: Field, node: str) -> None:
    field.undo(lambda: field.shell(node, f"dmsetup resume {DISK}"))
    field.strike()
    field.run(node, "dmsetup", "suspend", DISK)


def _resume(field: Field, node: str) -> None:
    field.run(node, "dmsetup", "resume", DISK)


SCENARIOS = (
    Scenario(
        "disk-hangs-on-primary",
        hang_on_primary,
        Expectation(SAME, (), 40),
        human="nothing notices a disk that hangs: watch its latency",
    ),
    Scenario("disk-hangs-on-standby", hang_on_standby, Expectation(SAME, (), 25), human="look at the disk"),
)
