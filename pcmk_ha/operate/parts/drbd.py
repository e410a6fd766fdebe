"""DRBD by drbdadm: metadata, connection, the first promotion."""

from __future__ import annotations

from pcmk_ha.operate.wait import wait_until
from pcmk_ha.remote.runner import Runner

SYNC_SOURCE = ("Connected", "SyncSource")


def create_metadata(runner: Runner, resource: str) -> None:
    """Write metadata; the plan asks for this only on a disk that holds nothing."""
    runner.run(("drbdadm", "create-md", "--force", resource), timeout=120)


def bring_up(runner: Runner, resource: str) -> None:
    """Attach and connect what is not, and bring what runs in line with its file."""
    runner.run(("drbdadm", "adjust", resource), timeout=60)


def skip_initial_sync(runner: Runner, resource: str, *, module: int) -> None:
    """Declare both sides equal once they see each other; DRBD itself refuses if one was ever used."""
    _wait(runner, resource, "both sides connect", lambda line: line.startswith("Connected"), 60)
    if "Inconsistent/Inconsistent" in _state(runner, resource):
        target = resource if module == 8 else f"{resource}/0"
        runner.run(("drbdadm", "new-current-uuid", "--clear-bitmap", target))


def wait_for_good_data(runner: Runner, resource: str) -> None:
    """Wait until this side is UpToDate and its peer is there to follow."""

    def good(line: str) -> bool:
        connection, _, disks = line.partition(" ")
        return connection in SYNC_SOURCE and disks.startswith("UpToDate/")

    _wait(runner, resource, "good data with a connected peer", good, 60)


def promote(runner: Runner, resource: str) -> None:
    """Make this side Primary; DRBD refuses while the other one is, or while the connection is broken."""
    wait_until(
        lambda: runner.run(("drbdadm", "primary", resource), ok=None, timeout=120),
        lambda outcome: outcome.status == 0,
        what=f"{runner.node}: drbdadm primary {resource}",
        timeout_s=30,
        every_s=1,
        hint="look at `drbdadm status` and the kernel's log on both nodes",
        describe=lambda outcome: outcome.stderr.strip() or f"exit status {outcome.status}",
    )


def demote(runner: Runner, resource: str) -> None:
    """Make this side Secondary."""
    runner.run(("drbdadm", "secondary", resource))


def is_paired(runner: Runner, resource: str) -> bool:
    """Whether one side sees both connected with good data."""
    connection, _, disks = _state(runner, resource).partition(" ")
    return connection in ("Connected", "Established") and disks == "UpToDate/UpToDate"


def _state(runner: Runner, resource: str) -> str:
    """`Connected UpToDate/UpToDate`: connection, then own and peer disk."""
    connection = runner.run(("drbdadm", "cstate", resource), ok=None).stdout.strip()
    return f"{connection} {runner.run(('drbdadm', 'dstate', resource), ok=None).stdout.strip()}"


def _wait(runner: Runner, resource: str, what: str, ready, timeout_s: float) -> None:  # type: ignore[no-untyped-def]
    wait_until(
        lambda: _state(runner, resource),
        ready,
        what=f"{runner.node}: {what}",
        timeout_s=timeout_s,
        every_s=0.3,
        hint="look at `drbdadm status` and the kernel's log on both nodes; is the replication port open?",
    )
