"""Which value of each secret is in force where; read-only, and compared by digests alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pcmk_ha.desired.build import build_desired
from pcmk_ha.desired.names import AUTHKEY, COROSYNC_CONF, PGPASS
from pcmk_ha.desired.values import Desired, File
from pcmk_ha.model.secret import Secrets
from pcmk_ha.operate.look.files import file_facts
from pcmk_ha.operate.look.service import look_at_service
from pcmk_ha.operate.parts.drbd import is_paired
from pcmk_ha.operate.rotate.fencing import find_devices
from pcmk_ha.operate.rotate.postgresql import which_password
from pcmk_ha.plan.corosync import runs_otherwise
from pcmk_ha.plan.rotation import RotationFacts, Which
from pcmk_ha.remote.runner import Runner

ROLES = ("superuser", "application")


@dataclass(frozen=True)
class Wanted:
    """What the nodes should hold with the old secrets, and with the new ones."""

    secrets: Secrets
    old: Desired
    new: Desired

    def file(self, which: Which, node: str, path: str) -> File:
        """Return a file as it is with the old or the new secrets."""
        desired = self.new if which is Which.NEW else self.old
        return next(file for file in desired.files[node] if file.path == path)

    def once(self, *names: str) -> Desired:
        """Return what the nodes should hold once these secrets, and no others, are the new ones."""
        return build_desired(self.old.cluster, self.secrets.with_next(*names), self.old.platform)

    def passwords(self, name: str) -> dict[Which, str]:
        """Return a role's passwords: the old one, and the new one where it was chosen."""
        later = {Which.NEW: self.secrets.next[name]} if name in self.secrets.next else {}
        return {**later, Which.OLD: getattr(self.secrets, name)}


def observe_secrets(
    nodes: Mapping[str, Runner], wanted: Wanted, chosen: Collection[str], *, fencing: bool, typed: Collection[str] = ()
) -> RotationFacts:
    """Look at what a rotation of these secrets has to do with; raises NodeUnreachable or CommandFailed."""
    cluster = wanted.old.cluster
    first = next(iter(nodes.values()))
    service = look_at_service(first, cluster)
    data = {node.name: nodes[node.name] for node in cluster.nodes}
    resource = f"/etc/drbd.d/{cluster.drbd.resource}.res"
    holder = nodes.get(service.database_on)
    live = first.run(("cibadmin", "--query")).stdout if fencing else ""
    return RotationFacts(
        chosen=frozenset(chosen),
        pending=frozenset(wanted.secrets.next),
        keys=_which(nodes, wanted, "authkey", AUTHKEY) if "authkey" in chosen else {},
        together=service.quorate and set(service.online) == set(nodes),
        versions=frozenset(_version(runner) for runner in nodes.values()) if "authkey" in chosen else frozenset(),
        conf_differs=tuple(n for n, r in nodes.items() if _runs_otherwise(r)) if "authkey" in chosen else (),
        resource=resource,
        sides=_which(data, wanted, "drbd", resource) if "drbd" in chosen else {},
        runs_file={n: runs_its_file(r, cluster.drbd.resource) for n, r in data.items()} if "drbd" in chosen else {},
        paired=all(is_paired(r, cluster.drbd.resource) for r in data.values()) if "drbd" in chosen else True,
        database_on=service.database_on,
        pgpass=_which(data, wanted, "superuser", PGPASS) if "superuser" in chosen else {},
        roles={
            name: which_password(holder, wanted.old, name, wanted.passwords(name))
            for name in ROLES
            if name in chosen and holder
        },
        devices=find_devices(cluster, live, wanted.old.cib) if fencing else (),
        typed=tuple(typed),
    )


def _which(nodes: Mapping[str, Runner], wanted: Wanted, name: str, path: str) -> dict[str, Which]:
    order = (Which.NEW, Which.OLD) if name in wanted.secrets.next else (Which.OLD,)
    found = {}
    for node, runner in nodes.items():
        fact = file_facts(runner, (path,)).get(path)
        known = (which for which in order if fact and fact.digest == wanted.file(which, node, path).digest)
        found[node] = next(known, Which.OTHER)
    return found


def _version(runner: Runner) -> str:
    return runner.run(("dpkg-query", "-W", "-f", "${Version}", "corosync")).stdout.strip()


def _runs_otherwise(runner: Runner) -> bool:
    running = runner.run(("corosync-cmapctl",), ok=None)
    return running.status == 0 and runs_otherwise(runner.read(COROSYNC_CONF) or "", running.stdout)


def runs_its_file(runner: Runner, resource: str) -> bool:
    """Whether DRBD in the kernel runs what its file says, the shared secret included."""
    pending = runner.run(("drbdadm", "--dry-run", "adjust", resource), ok=None)
    return pending.status == 0 and not pending.stdout.strip()
