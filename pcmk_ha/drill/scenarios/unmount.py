"""Something else holds the data when the service is to move.

What breaks: during a switchover a foreign process sits in the data directory (unmount-blocked: a shell, a backup), or
a process in a mount namespace of its own holds the file system (device-held-open: a container started meanwhile).
What must happen: the file system's agent ends every process that it finds in there (SIGTERM, then SIGKILL), and the
switchover goes on. It cannot see into another namespace: the unmount succeeds, but DRBD cannot be demoted while
somebody has its device open. Demote and stop run into their time-outs of 90 s and 100 s; a stop that fails has the
node fenced, and the other one takes over.
Within: 60 s, and 300 s where the node must be fenced. The constraint of the switchover is cleared.
"""

from __future__ import annotations

from shlex import quote

from pcmk_ha.drill.scenario import OTHER, PRIMARY, Expectation, Field, Scenario
from pcmk_ha.drill.tricks import await_new_life, await_served_by, boot_id, clear, move

UNIT = "pcmk-ha-drill-holder"
UNBOUND_S = 600  # the holder ends by itself after that


def block_unmount(field: Field) -> None:
    """Switch over with a process in the data directory."""
    inside = f"cd {quote(field.cluster.filesystem.mount_point)} && exec sleep {UNBOUND_S}"
    _hold(field, ("sh", "-c", inside))
    field.strike()
    move(field)
    await_served_by(field, field.standby, timeout_s=90)
    clear(field)


def hold_device(field: Field) -> None:
    """Switch over with the file system mounted in another namespace."""
    life = boot_id(field, field.primary)
    _hold(field, ("unshare", "--mount", "--propagation", "private", "sleep", str(UNBOUND_S)))
    field.strike()
    move(field)
    await_new_life(field, field.primary, life, timeout_s=300)
    field.await_writes(timeout_s=60)
    clear(field)


def _hold(field: Field, argv: tuple[str, ...]) -> None:
    field.undo(lambda: field.shell(field.primary, f"systemctl stop {UNIT} 2>/dev/null"))
    unit = ("systemd-run", "--quiet", "--collect", f"--unit={UNIT}", f"--property=RuntimeMaxSec={UNBOUND_S}")
    field.run(field.primary, *unit, *argv)
    field.wait(1)


SCENARIOS = (
    Scenario("unmount-blocked", block_unmount, Expectation(OTHER, (), 60)),
    Scenario("device-held-open", hold_device, Expectation(OTHER, (PRIMARY,), 300), random=False),
)
