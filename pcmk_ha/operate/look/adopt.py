"""Read a cluster that runs, from one address on: nothing is written on any node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from pcmk_ha.desired.names import CLUSTER_UNITS, COROSYNC_CONF, VERIFY_TIMER
from pcmk_ha.errors import PcmkHaError
from pcmk_ha.operate.session import find_platform
from pcmk_ha.plan.adopt.cluster import adopt
from pcmk_ha.plan.adopt.found import Adopted, Found, pairs, parse_cib, primitives
from pcmk_ha.remote.runner import Runner

JOIN_LATE = "/etc/systemd/system/corosync.service.d/pcmk-ha.conf"
Connect = Callable[[str, str], AbstractContextManager[Runner]]  # to a member, by its name and address


def read_cluster(first: Runner, connect: Connect) -> Adopted:
    """Return the file of the cluster that `first` is a member of, and what it cannot say.

    The volume's files are read where it is mounted: `connect` reaches the other members. Raises PcmkHaError where
    this is no cluster that can be adopted.
    """
    found = _read_member(first)
    holder, notes = _with_volume(first, found, connect)
    adopted = adopt(holder)
    adopted.notes += notes
    return adopted


def _read_member(runner: Runner) -> Found:
    conf = runner.read(COROSYNC_CONF)
    if conf is None:
        raise PcmkHaError(f"{runner.node} has no {COROSYNC_CONF}", hint="adopt starts from a member of a cluster")
    live = runner.run(("cibadmin", "--query"), ok=None)
    if live.status:
        raise PcmkHaError(f"{runner.node} does not run Pacemaker", hint="adopt reads a cluster that runs")
    enabled = runner.run(("systemctl", "is-enabled", *CLUSTER_UNITS), ok=None).stdout.split()
    return Found(
        corosync=conf,
        drbd=runner.run(("drbdadm", "dump-xml"), ok=None).stdout,
        cib=live.stdout,
        platform=find_platform({runner.node: runner}),
        join_late=runner.read(JOIN_LATE) or "",
        start_on_boot=enabled == ["enabled", "enabled"],
    )


def _with_volume(first: Runner, found: Found, connect: Connect) -> tuple[Found, list[str]]:
    """Add what the mounted volume, and DRBD on a data node, say; the node that serves is asked after the first."""
    data = next((pairs(p).get("pgdata", "") for p in primitives(parse_cib(found.cib), "ocf:heartbeat:pgsql")), "")
    if mounted := _volume_of(first, found, data):
        return mounted, []
    reasons = []
    for name, links in found.members():
        try:
            with connect(name, links[0]) as other:
                if mounted := _volume_of(other, found, data):
                    return mounted, []
                if not found.drbd.strip():
                    found = _replaced(found, drbd=other.run(("drbdadm", "dump-xml"), ok=None).stdout)
        except PcmkHaError as error:
            reasons.append(f"{name}: {error}")
    missing = "parameters and login rules of PostgreSQL were not read: no member has them mounted"
    return found, [missing, *reasons]


def _volume_of(runner: Runner, found: Found, data: str) -> Found | None:
    hba = runner.read(f"{data}/pg_hba.conf") if data else None
    if hba is None:
        return None
    drbd = found.drbd if found.drbd.strip() else runner.run(("drbdadm", "dump-xml"), ok=None).stdout
    timer = runner.run(("systemctl", "is-enabled", VERIFY_TIMER), ok=None).stdout.strip()
    return _replaced(
        found,
        drbd=drbd,
        hba=hba,
        parameters=runner.read(f"{data}/conf.d/pcmk-ha.conf") or "",
        verify=runner.read(f"/etc/systemd/system/{VERIFY_TIMER}") or "",
        verify_enabled=timer == "enabled",
    )


def _replaced(found: Found, **changes: object) -> Found:
    values: Mapping[str, object] = {**vars(found), **changes}
    return Found(**values)  # type: ignore[arg-type]
