"""One look at every member: the facts a plan is made from. Read-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pcmk_ha.desired.names import COROSYNC_CONF, PACEMAKER, PACEMAKERS_OWN, RUNNING_UNITS, VERIFY_TIMER
from pcmk_ha.desired.values import Desired
from pcmk_ha.errors import NodeUnreachable
from pcmk_ha.facts import corosync, labels
from pcmk_ha.facts.versions import parse_wipefs
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.change.applied import read_record
from pcmk_ha.operate.look.service import Service, look_at_service
from pcmk_ha.operate.parts.firewall import find_firewall, is_open
from pcmk_ha.operate.parts.server import has_read_its_files, parameters_path, read_settings, running_port
from pcmk_ha.plan.corosync import fixed_changes, parse_cmap, runs_otherwise
from pcmk_ha.plan.facts import (
    DrbdFact,
    Facts,
    FileFact,
    Metadata,
    NodeFacts,
    ServiceFacts,
    UnitFact,
    has_service,
)
from pcmk_ha.plan.owned import stale_paths
from pcmk_ha.plan.record import Record
from pcmk_ha.remote.parallel import on_all
from pcmk_ha.remote.runner import Outcome, Runner

SAVED_CIB = "/var/lib/pacemaker/cib/cib.xml"
JUST_CREATED = "0000000000000004"  # UUID_JUST_CREATED in DRBD's drbd.h, all versions


def observe(nodes: Mapping[str, Runner], desired: Desired) -> Facts:
    """Look at every member at once; raises NodeUnreachable or CommandFailed when one cannot be read."""
    found = on_all(nodes, lambda runner: observe_node(runner, desired))
    for result in found.values():
        if isinstance(result, Exception):
            raise result
    seen = {name: pair[0] for name, pair in found.items() if isinstance(pair, tuple)}
    records = {name: pair[1] for name, pair in found.items() if isinstance(pair, tuple)}
    if len(seen) != len(desired.cluster.members):
        raise NodeUnreachable("not every member answered")
    running = [name for name, facts in seen.items() if facts.units[PACEMAKER].active]
    ours = [name for name in running if not seen[name].runs_packaged_cluster]
    service = _observe_service(nodes, ours, desired)
    alone = {name: nodes[name].run(("cibadmin", "--query"), ok=None).stdout for name in set(running) - set(ours)}
    return Facts(nodes=seen, service=replace(service, packaged_cibs=alone), records=records)


def observe_node(runner: Runner, desired: Desired) -> tuple[NodeFacts, Record | None]:
    """Look at one member; raises NodeUnreachable or CommandFailed."""
    record = read_record(runner)
    stale = stale_paths(desired, runner.node, record)
    facts = _observe_running(runner, desired)
    left = {path: str(fact) for path, fact in file_facts(runner, stale).items()} if stale else {}
    return replace(facts, stale_files=left), record


def _observe_running(runner: Runner, desired: Desired) -> NodeFacts:
    name = runner.node
    files = desired.files[name]
    data_node = any(node.name == name for node in desired.cluster.nodes)
    missing = _missing_packages(runner, desired.packages[name])
    firewall = find_firewall(runner)
    wanted = next(file.content for file in files if file.path == COROSYNC_CONF)
    running = runner.run(("corosync-cmapctl",), ok=None) if "corosync" not in missing else Outcome((), 1, "", "")
    return NodeFacts(
        name=name,
        missing_packages=missing,
        files=file_facts(runner, tuple(file.path for file in files)),
        hosts=runner.read("/etc/hosts") or "",
        units=_units(runner),
        firewall=firewall,
        firewall_open=not firewall or is_open(runner, firewall, desired.cluster),
        drbd=_drbd(runner, desired.cluster, installed="drbd-utils" not in missing) if data_node else None,
        corosync_differs=running.status == 0 and runs_otherwise(wanted, running.stdout),
        running_cluster=parse_cmap(running.stdout).get("totem.cluster_name", "") if running.status == 0 else "",
        configured_cluster=corosync.parse_cluster_name(runner.read(COROSYNC_CONF) or ""),
        corosync_fixed=fixed_changes(wanted, running.stdout) if running.status == 0 else (),
        addresses=frozenset(runner.run(("hostname", "-I"), ok=None).stdout.split())
        if running.status == 0
        else frozenset(),
    )


def _missing_packages(runner: Runner, wanted: tuple[str, ...]) -> tuple[str, ...]:
    outcome = runner.run(("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *wanted), ok=(0, 1))
    installed = {line.split()[0] for line in outcome.stdout.splitlines() if line.endswith(" installed")}
    return tuple(package for package in wanted if package not in installed)


def file_facts(runner: Runner, paths: tuple[str, ...]) -> dict[str, FileFact]:
    """Return the files that exist, by path."""
    sums = runner.run(("sha256sum", *paths), ok=(0, 1)).stdout.splitlines()
    stats = runner.run(("stat", "-c", "%a %U:%G %n", *paths), ok=(0, 1)).stdout.splitlines()
    digests = {path: digest for digest, path in (line.split(maxsplit=1) for line in sums)}
    found = (line.split(maxsplit=2) for line in stats)
    return {path: FileFact(digests[path], int(mode, 8), owner) for mode, owner, path in found if path in digests}


def _units(runner: Runner) -> dict[str, UnitFact]:
    units = (*RUNNING_UNITS, *PACEMAKERS_OWN, VERIFY_TIMER)
    outcome = runner.run(("systemctl", "show", "-p", "Id,UnitFileState,ActiveState,NeedDaemonReload", *units))
    found = {}
    for block in outcome.stdout.strip().split("\n\n"):
        fields = dict(line.split("=", 1) for line in block.splitlines())
        enabled = fields["UnitFileState"] in ("enabled", "enabled-runtime")
        active = fields["ActiveState"] in ("active", "activating")
        found[fields["Id"]] = UnitFact(enabled, active, fields.get("NeedDaemonReload") == "yes")
    return found


def _drbd(runner: Runner, cluster: Cluster, *, installed: bool) -> DrbdFact:
    disk = next(node.disk for node in cluster.nodes if node.name == runner.node) or ""
    resource = cluster.drbd.resource
    seen = runner.run(("wipefs", "--no-act", "--json", disk), ok=None)
    if seen.status:
        return DrbdFact(Metadata.UNKNOWN)  # a disk that cannot be read is not an empty one
    signatures, has_metadata = _signatures(seen.stdout)
    if not has_metadata:
        return DrbdFact(Metadata.ABSENT, signatures)
    has_file = installed and runner.run(("drbdadm", "sh-resources"), ok=None).stdout.split().count(resource)
    if not has_file:
        # Not readable before packages and file are there. "Used" is the safe word: nothing is created over it,
        # no sync is skipped, and DRBD itself knows the side with the newer data.
        return DrbdFact(Metadata.USED, signatures)
    role = runner.run(("drbdadm", "role", resource), ok=None)
    up = role.status == 0 and "Unconfigured" not in role.stdout
    state = DrbdFact(_metadata(runner, resource), signatures)
    return _running(runner, resource, role.stdout, state) if up else state


def _running(runner: Runner, resource: str, role: str, state: DrbdFact) -> DrbdFact:
    connection = runner.run(("drbdadm", "cstate", resource), ok=None).stdout.strip()
    disk, _, peer_disk = runner.run(("drbdadm", "dstate", resource), ok=None).stdout.strip().partition("/")
    pending = runner.run(("drbdadm", "--dry-run", "adjust", resource), ok=None).stdout.strip()
    return DrbdFact(
        metadata=state.metadata,
        signatures=state.signatures,
        up=True,
        role=role.strip().partition("/")[0],
        disk=disk,
        connection=connection,
        peer_disk=peer_disk,
        config_differs=bool(pending),
    )


def _signatures(text: str) -> tuple[tuple[str, ...], bool]:
    """What the disk holds besides DRBD's metadata, and whether it holds that."""
    types = parse_wipefs(text)
    return tuple(kind for kind in types if kind != "drbd"), "drbd" in types


def _metadata(runner: Runner, resource: str) -> Metadata:
    """Read the generation identifiers; the first is the current one."""
    outcome = runner.run(("drbdadm", "get-gi", resource), ok=None)
    current = outcome.stdout.strip().partition(":")[0].upper()
    if outcome.status != 0 or not current:
        return Metadata.UNKNOWN
    return Metadata.JUST_CREATED if current == JUST_CREATED else Metadata.USED


def _observe_service(nodes: Mapping[str, Runner], running: list[str], desired: Desired) -> ServiceFacts:
    if not running:
        return ServiceFacts(cib=_saved_cib(nodes, desired))
    runner, service = _ask_service([nodes[name] for name in running], desired.cluster)
    live = runner.run(("cibadmin", "--query"), ok=None)
    found = ServiceFacts(
        dc=service.dc,
        quorate=service.quorate,
        cib=live.stdout if live.status == 0 else _saved_cib(nodes, desired),
        promoted_on=service.promoted_on,
        serving=service.is_serving,
        labels=_labels(nodes, running, desired.cluster),
    )
    holder = nodes.get(service.database_on)
    return _observe_server(holder, desired, found) if holder else found


def _ask_service(runners: list[Runner], cluster: Cluster) -> tuple[Runner, Service]:
    """Return the first member with quorum, and what it says; one that is just joining knows nothing of the others."""
    seen: list[tuple[Runner, Service]] = []
    for runner in runners:
        seen.append((runner, look_at_service(runner, cluster)))
        if seen[-1][1].quorate:
            return seen[-1]
    return seen[0]


def _labels(nodes: Mapping[str, Runner], running: list[str], cluster: Cluster) -> dict[str, tuple[str, ...]]:
    """What forbids a start of PostgreSQL, on every member that could have the volume mounted."""
    argv = labels.ask_labels(cluster)
    holders = [node.name for node in cluster.nodes if node.name in running]
    return {name: labels.parse_labels(nodes[name].run(argv, ok=None).stdout) for name in holders}


def _observe_server(holder: Runner, desired: Desired, found: ServiceFacts) -> ServiceFacts:
    port = running_port(holder, desired)
    return replace(
        found,
        volume_files=file_facts(holder, tuple(file.path for file in desired.volume_files)),
        settings_loaded=has_read_its_files(holder, desired, port=port),
        settings=read_settings(holder, desired, port=port),
        parameters_found=holder.read(parameters_path(desired)) or "",
    )


def _saved_cib(nodes: Mapping[str, Runner], desired: Desired) -> str:
    """A stopped cluster's configuration, so that a device Pacemaker manages is never touched by hand."""
    saved = [text for runner in nodes.values() if (text := runner.read(SAVED_CIB))]
    return next((text for text in saved if has_service(text, desired)), "")
