"""One look at every member: the facts a plan is made from. Read-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pcmk_ha.desired.names import COROSYNC_CONF, PACEMAKER, PACEMAKERS_OWN, RUNNING_UNITS, VERIFY_TIMER
from pcmk_ha.desired.values import Desired
from pcmk_ha.errors import CommandFailed, NodeUnreachable
from pcmk_ha.facts import corosync, labels
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.change.applied import read_record
from pcmk_ha.operate.look.copy import look_at_copy
from pcmk_ha.operate.look.files import STATS, SUMS, file_facts, parse_file_facts
from pcmk_ha.operate.look.server import look_at_server
from pcmk_ha.operate.look.service import Service, look_at_service
from pcmk_ha.operate.parts.firewall import find_firewall, is_open
from pcmk_ha.plan.corosync import fixed_changes, parse_cmap, runs_otherwise
from pcmk_ha.plan.facts import (
    Facts,
    NodeFacts,
    ServiceFacts,
    UnitFact,
    has_service,
)
from pcmk_ha.plan.owned import stale_paths
from pcmk_ha.plan.record import Record
from pcmk_ha.remote.parallel import need_all
from pcmk_ha.remote.questions import ask_all
from pcmk_ha.remote.runner import Outcome, Runner

SAVED_CIB = "/var/lib/pacemaker/cib/cib.xml"
UNITS = (*RUNNING_UNITS, *PACEMAKERS_OWN, VERIFY_TIMER)


def observe(nodes: Mapping[str, Runner], desired: Desired) -> Facts:
    """Look at every member at once; raises NodeUnreachable or CommandFailed when one cannot be read."""
    pairs = need_all(nodes, lambda runner: observe_node(runner, desired))
    seen = {name: facts for name, (facts, _) in pairs.items()}
    records = {name: record for name, (_, record) in pairs.items()}
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
    data_node = any(node.name == name for node in desired.cluster.nodes)
    firewall = find_firewall(runner)
    wanted = next(file.content for file in desired.files[name] if file.path == COROSYNC_CONF)
    asked = _ask(runner, _questions(desired, name))
    cmap, addresses = asked["cmap"], frozenset(asked["addresses"].stdout.split())
    installed = {line.split()[0] for line in asked["packages"].stdout.splitlines() if line.endswith(" installed")}
    runs = cmap.status == 0
    return NodeFacts(
        name=name,
        missing_packages=tuple(package for package in desired.packages[name] if package not in installed),
        files=parse_file_facts(asked["sums"].stdout, asked["stats"].stdout),
        hosts=asked["hosts"].stdout,
        units=_units(asked["units"].stdout),
        firewall=firewall,
        firewall_open=not firewall or is_open(runner, firewall, desired.cluster),
        drbd=look_at_copy(runner, desired.cluster, installed="drbd-utils" in installed) if data_node else None,
        corosync_differs=runs and runs_otherwise(wanted, cmap.stdout),
        running_cluster=parse_cmap(cmap.stdout).get("totem.cluster_name", "") if runs else "",
        configured_cluster=corosync.parse_cluster_name(asked["conf"].stdout),
        corosync_fixed=fixed_changes(wanted, cmap.stdout) if runs else (),
        addresses=addresses if runs else frozenset(),
    )


def _questions(desired: Desired, name: str) -> dict[str, tuple[str, ...]]:
    paths = tuple(file.path for file in desired.files[name])
    return {
        "packages": ("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *desired.packages[name]),
        "sums": (*SUMS, *paths),
        "stats": (*STATS, *paths),
        "hosts": ("cat", "/etc/hosts"),
        "conf": ("cat", COROSYNC_CONF),
        "units": ("systemctl", "show", "-p", "Id,UnitFileState,ActiveState,NeedDaemonReload", *UNITS),
        "cmap": ("corosync-cmapctl",),
        "addresses": ("hostname", "-I"),
    }


# What a node that is empty answers; anything else is none to plan by.
FINE = {"packages": (0, 1), "sums": (0, 1), "stats": (0, 1), "units": (0,)}


def _ask(runner: Runner, questions: dict[str, tuple[str, ...]]) -> dict[str, Outcome]:
    answers = ask_all(runner, questions, timeout=60)
    for name, statuses in FINE.items():
        if answers[name].status not in statuses:
            said = f"{' '.join(answers[name].argv)[:200]} failed ({answers[name].status})"
            raise CommandFailed(f"{runner.node}: {said}")
    return answers


def _units(text: str) -> dict[str, UnitFact]:
    found = {}
    for block in text.strip().split("\n\n"):
        fields = dict(line.split("=", 1) for line in block.splitlines())
        enabled = fields["UnitFileState"] in ("enabled", "enabled-runtime")
        active = fields["ActiveState"] in ("active", "activating")
        found[fields["Id"]] = UnitFact(enabled, active, fields.get("NeedDaemonReload") == "yes")
    return found


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
    return look_at_server(holder, desired, found) if holder else found


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
    found = need_all({name: nodes[name] for name in holders}, lambda runner: runner.run(argv, ok=None).stdout)
    return {name: labels.parse_labels(text) for name, text in found.items()}


def _saved_cib(nodes: Mapping[str, Runner], desired: Desired) -> str:
    """A stopped cluster's configuration, so that a device Pacemaker manages is never touched by hand."""
    saved = [text for runner in nodes.values() if (text := runner.read(SAVED_CIB))]
    return next((text for text in saved if has_service(text, desired)), "")
