"""One look at a running cluster, and what it means. The summary is pure; gathering is one thread a node."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from pcmk_ha.errors import PcmkHaError
from pcmk_ha.facts import corosync, drbd, pacemaker
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.secrets import no_secrets
from pcmk_ha.operate.service import Service, parse_service
from pcmk_ha.operate.session import open_session
from pcmk_ha.remote.connect import AskHostKey, never
from pcmk_ha.remote.parallel import on_all
from pcmk_ha.remote.runner import Runner

AT_ONCE = 4  # questions to one node; its sshd allows 10 sessions a connection by default


class Health(Enum):
    """In one word; the values are the exit codes of `status`."""

    HEALTHY = 0
    DEGRADED = 10
    DOWN = 11


@dataclass(frozen=True)
class MemberFacts:
    """One member as it answered."""

    crm_mon: str = ""  # empty: Pacemaker does not run there
    constraints: str = ""
    links: tuple[corosync.LinkState, ...] = ()
    quorum: corosync.Quorum | None = None
    drbd: drbd.DrbdState | None = None  # None: arbiter
    answers: bool = False  # PostgreSQL accepts connections on this node


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be, and what a person should do."""

    what: str
    todo: str = ""


@dataclass(frozen=True)
class Status:
    """Everything on the one screen."""

    cluster: str
    health: Health
    findings: tuple[Finding, ...]
    service: Service
    nodes: Mapping[str, str]  # word by name
    members: Mapping[str, MemberFacts]
    unreachable: Mapping[str, str]
    failures: tuple[pacemaker.Failure, ...] = ()
    fencings: tuple[pacemaker.Fencing, ...] = ()
    leftovers: tuple[pacemaker.Leftover, ...] = ()
    vip: str = field(default="")

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        members = {
            name: {key: value for key, value in asdict(facts).items() if key not in ("crm_mon", "constraints")}
            for name, facts in self.members.items()
        }
        return {
            "cluster": self.cluster,
            "health": self.health.name.lower(),
            "findings": [asdict(finding) for finding in self.findings],
            "vip": self.vip,
            "service": asdict(self.service),
            "nodes": dict(self.nodes),
            "members": members,
            "unreachable": dict(self.unreachable),
            "failures": [asdict(failure) for failure in self.failures],
            "fencing_history": [asdict(event) for event in self.fencings],
            "leftover_constraints": [asdict(leftover) for leftover in self.leftovers],
        }


def look(path: Path, *, ask: AskHostKey = never) -> Status:
    """Look once at the cluster of a file; a member that does not answer within three seconds is said to."""
    with open_session(path, secrets=no_secrets, ask=ask, timeout_s=3) as session:
        return summarise(session.cluster, gather(session.cluster, session.nodes), session.down)


def gather(cluster: Cluster, nodes: Mapping[str, Runner]) -> dict[str, MemberFacts | PcmkHaError]:
    """Ask every member that can be reached."""
    return on_all(nodes, lambda runner: _ask(cluster, runner))


def _ask(cluster: Cluster, runner: Runner) -> MemberFacts:
    def text(argv: tuple[str, ...]) -> str:
        outcome = runner.run(argv, ok=None, timeout=10)
        return outcome.stdout if outcome.status == 0 else ""

    data_node = runner.node in (node.name for node in cluster.nodes)
    ready = ("sh", "-c", f"! command -v pg_isready >/dev/null || pg_isready -p {cluster.postgresql.port}")
    with ThreadPoolExecutor(AT_ONCE) as pool:  # the slowest first
        crm_mon = pool.submit(text, pacemaker.CRM_MON)
        answers = pool.submit(text, ready if data_node else ("true",))
        constraints = pool.submit(text, pacemaker.CONSTRAINTS)
        quorum = pool.submit(lambda: runner.run(corosync.QUORUM, ok=None, timeout=10).stdout)
        links = pool.submit(text, corosync.LINKS)
        found = pool.submit(_drbd, cluster, text) if data_node else None
        return MemberFacts(
            crm_mon=crm_mon.result(),
            constraints=constraints.result(),
            links=corosync.parse_links(links.result()),
            quorum=corosync.parse_quorum(quorum.result()),
            drbd=found.result() if found else None,
            answers=data_node and bool(answers.result()),
        )


def _drbd(cluster: Cluster, text: Callable[[tuple[str, ...]], str]) -> drbd.DrbdState:
    proc = text(drbd.PROC_DRBD)
    if "version: 9" in proc:
        return drbd.parse_status_9(text(drbd.STATUS_9), cluster.drbd.resource)
    return drbd.parse_proc_drbd(proc, cluster.drbd.minor)


def summarise(
    cluster: Cluster, found: Mapping[str, MemberFacts | PcmkHaError], unreachable: Mapping[str, str]
) -> Status:
    """Say what the answers mean."""
    members = {name: facts for name, facts in found.items() if isinstance(facts, MemberFacts)}
    silent = {**unreachable, **{name: str(e) for name, e in found.items() if isinstance(e, PcmkHaError)}}
    view = _best_view(members)
    service = parse_service(view.crm_mon, cluster) if view.crm_mon else Service()
    nodes = {state.name: state.word for state in pacemaker.parse_nodes(view.crm_mon)} if view.crm_mon else {}
    status = Status(
        cluster=cluster.name,
        health=Health.HEALTHY,
        findings=(),
        service=service,
        nodes={node.name: nodes.get(node.name, "unknown") for node in cluster.members},
        members=members,
        unreachable=silent,
        failures=pacemaker.parse_failures(view.crm_mon) if view.crm_mon else (),
        fencings=pacemaker.parse_fencings(view.crm_mon) if view.crm_mon else (),
        leftovers=pacemaker.parse_leftovers(view.constraints) if view.constraints else (),
        vip=f"{cluster.vip.address}:{cluster.postgresql.port}",
    )
    findings = tuple(_find(cluster, status, view))
    served = service.is_up and not _is_silent(status)
    health = Health.DOWN if not served else Health.DEGRADED if findings else Health.HEALTHY
    return Status(**{**vars(status), "findings": findings, "health": health})


def _best_view(members: Mapping[str, MemberFacts]) -> MemberFacts:
    """Return the view of a member with quorum, or of any that runs a cluster."""
    running = [facts for facts in members.values() if facts.crm_mon]
    quorate = [facts for facts in running if facts.quorum and facts.quorum.quorate]
    return next(iter([*quorate, *running]), MemberFacts())


def _find(cluster: Cluster, status: Status, view: MemberFacts) -> Iterator[Finding]:
    yield from _find_service(status, view)
    yield from _find_nodes(cluster, status)
    yield from _find_drbd(cluster, status)
    yield from _find_links(status)
    if view.crm_mon and pacemaker.is_in_maintenance(view.crm_mon):
        yield Finding("the cluster is in maintenance mode: nothing fails over", "crm_attribute -n maintenance-mode -D")
    for event in status.fencings:
        if event.status == "pending":
            hint = f"wait; one that never ends is forgotten by `stonith_admin --cleanup --history {event.target}`"
            yield Finding(f"{event.target} is being fenced", hint)
    for failure in status.failures:
        yield Finding(
            f"{failure.resource} on {failure.node}: {failure.detail}",
            "once the cause is gone: crm_resource --cleanup (it expires by itself after failure-timeout)",
        )
    for leftover in status.leftovers:
        yield Finding(f"constraint {leftover.id} is in force", leftover.hint)


def _is_silent(status: Status) -> bool:
    """PostgreSQL runs, as Pacemaker sees it, and does not take connections; False where nobody could be asked."""
    holder = status.members.get(status.service.database_on)
    return holder is not None and not holder.answers


def _find_service(status: Status, view: MemberFacts) -> Iterator[Finding]:
    service = status.service
    if not view.crm_mon:
        yield Finding("no member that answers runs Pacemaker", "systemctl start corosync pacemaker, on every node")
        return
    if not service.quorate:
        yield Finding("no quorum: Pacemaker runs nothing", "bring a missing node back; both must see each other first")
    if not service.is_up:
        for what, where in (
            ("DRBD", service.promoted_on),
            ("PostgreSQL", service.database_on),
            ("VIP", service.vip_on),
        ):
            if not where:
                yield Finding(f"{what} runs nowhere", "see the failed actions; journalctl -u pacemaker on each node")
    if service.database_on and _is_silent(status):
        yield Finding(
            f"PostgreSQL on {service.database_on} runs, but takes no connections",
            "it may be starting, hung or out of connections; Pacemaker's monitor restarts it when it goes on",
        )
    if service.devices < service.wanted_devices:
        yield Finding(
            f"{service.devices} of {service.wanted_devices} STONITH devices run",
            "without a device its node cannot be fenced and nothing takes over: `pcmk-ha check` asks each of them",
        )


def _find_nodes(cluster: Cluster, status: Status) -> Iterator[Finding]:
    for name, word in status.nodes.items():
        if word == "UNCLEAN":
            yield Finding(
                f"{name} is lost and not fenced yet: its resources stay where they are until it is",
                f"is its fence device reachable? If you made sure that {name} is off: stonith_admin --confirm {name}",
            )
        elif word == "offline" or (word == "unknown" and name not in status.unreachable):
            yield Finding(f"{name} is {word}", f"switch it on (`pcmk-ha unfence {name}`) and start its cluster")
        elif word == "unknown":
            continue  # said with the reason below
        elif word != "online":
            yield Finding(
                f"{name} is {word}", "crm_attribute or `crm node online` brings it back" * (word != "pending")
            )
    for name, reason in status.unreachable.items():
        if status.nodes.get(name) in ("online", "unknown"):
            yield Finding(f"{name} does not answer SSH: {reason}", "`pcmk-ha check`")


def _find_drbd(cluster: Cluster, status: Status) -> Iterator[Finding]:
    states = {name: facts.drbd for name, facts in status.members.items() if facts.drbd}
    for name, state in states.items():
        if not state.disk:
            yield Finding(f"{name}: DRBD is down", "it comes with Pacemaker there")
        elif state.connection == "StandAlone":
            yield Finding(
                f"{name}: DRBD has given up its connection (split brain?)",
                "the data of both sides differs: decide which to keep before you reconnect; never automatic",
            )
        elif state.connection.startswith("Sync") or state.connection.startswith("PausedSync"):
            done = f", {state.done_percent:.0f} % done" if state.done_percent is not None else ""
            yield Finding(f"{name}: {state.connection}{done}, {state.out_of_sync_kib} KiB to go", "wait")
        elif not state.is_redundant and all(n in status.members for n in states):
            words = f"{state.connection} {state.disk}/{state.peer_disk}"
            yield Finding(f"{name}: no second copy ({words})", "the other node, or the replication link, is down")


def _find_links(status: Status) -> Iterator[Finding]:
    for name, facts in status.members.items():
        for link in facts.links:
            if not link.connected:
                yield Finding(f"{name}: link {link.number} to {link.to} is down", "check that network")
