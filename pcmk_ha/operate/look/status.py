"""One look at a running cluster, and what it means. The summary is pure; gathering is one thread a node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from pcmk_ha.errors import PcmkHaError
from pcmk_ha.facts import corosync, drbd, labels, pacemaker, records
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.look.findings import Finding, find_all, is_silent
from pcmk_ha.operate.look.service import Service, parse_service
from pcmk_ha.operate.parts.ready import ask_ready
from pcmk_ha.operate.secrets import no_secrets
from pcmk_ha.operate.session import open_session
from pcmk_ha.remote.connect import AskHostKey, never
from pcmk_ha.remote.parallel import on_all
from pcmk_ha.remote.questions import ask_all
from pcmk_ha.remote.runner import Runner

RAW = ("crm_mon", "constraints", "attributes")


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
    attributes: str = ""  # the CIB's nodes section
    links: tuple[corosync.LinkState, ...] = ()
    quorum: corosync.Quorum | None = None
    drbd: drbd.DrbdState | None = None  # None: arbiter
    answers: bool = False  # PostgreSQL accepts connections on this node
    labels: tuple[str, ...] = ()  # files with which the cluster must not start PostgreSQL


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
    records: records.Records = field(default_factory=records.Records)
    vip: str = field(default="")

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        members = {
            name: {key: value for key, value in asdict(facts).items() if key not in RAW}
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
            "proofs": self._proofs(),
        }

    def _proofs(self) -> dict[str, Any]:
        """When something was last proven, None where it never was."""
        found = self.records
        fenced = {name: found.fenced.get(name) for name in self.nodes}
        return {
            "fenced": {name: records.format_time(at) if at else None for name, at in fenced.items()},
            "verified": records.format_time(found.verified.at) if found.verified else None,
            "differing_kib": found.differing_kib if found.verified else None,
            "backed_up": records.format_time(found.backed_up.at) if found.backed_up else None,
            "resynced": records.format_time(found.resynced) if found.resynced else None,
        }


def look(path: Path, *, ask: AskHostKey = never) -> Status:
    """Look once at the cluster of a file; a member that does not answer within three seconds is said to."""
    with open_session(path, secrets=no_secrets, ask=ask, timeout_s=3) as session:
        return summarise(session.cluster, gather(session.cluster, session.nodes), session.down)


def gather(cluster: Cluster, nodes: Mapping[str, Runner]) -> dict[str, MemberFacts | PcmkHaError]:
    """Ask every member that can be reached."""
    return on_all(nodes, lambda runner: _ask(cluster, runner))


def _ask(cluster: Cluster, runner: Runner) -> MemberFacts:
    data_node = runner.node in (node.name for node in cluster.nodes)
    answers = ask_all(runner, _questions(cluster, data_node=data_node), timeout=20)
    said = {name: answer.stdout if answer.status == 0 else "" for name, answer in answers.items()}
    return MemberFacts(
        crm_mon=said["crm_mon"],
        constraints=said["constraints"],
        attributes=said["attributes"],
        links=corosync.parse_links(said["links"]),
        quorum=corosync.parse_quorum(answers["quorum"].stdout),  # its status says whether there is quorum
        drbd=_drbd(cluster, said["drbd"], said["drbd_9"]) if data_node else None,
        answers=data_node and answers["ready"].status == 0,
        labels=labels.parse_labels(said["labels"]) if data_node else (),
    )


def _questions(cluster: Cluster, *, data_node: bool) -> dict[str, tuple[str, ...]]:
    every = {
        "crm_mon": pacemaker.CRM_MON,
        "constraints": pacemaker.CONSTRAINTS,
        "attributes": records.NODES,
        "quorum": corosync.QUORUM,
        "links": corosync.LINKS,
    }
    if not data_node:
        return every
    return every | {
        "ready": ask_ready(cluster),
        "labels": labels.ask_labels(cluster),
        "drbd": drbd.PROC_DRBD,
        "drbd_9": drbd.STATUS_9,
    }


def _drbd(cluster: Cluster, proc: str, status_9: str) -> drbd.DrbdState:
    if "version: 9" in proc:
        return drbd.parse_status_9(status_9, cluster.drbd.resource)
    return drbd.parse_proc_drbd(proc, cluster.drbd.minor)


def summarise(
    cluster: Cluster, found: Mapping[str, MemberFacts | PcmkHaError], unreachable: Mapping[str, str]
) -> Status:
    """Say what the answers mean."""
    members = {name: facts for name, facts in found.items() if isinstance(facts, MemberFacts)}
    silent = {**unreachable, **{name: str(e) for name, e in found.items() if isinstance(e, PcmkHaError)}}
    view = best_view(members)
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
        records=records.parse_records(view.attributes),
        vip=f"{cluster.vip.address}:{cluster.postgresql.port}",
    )
    findings = tuple(find_all(cluster, status, view))
    served = service.is_up and not is_silent(status)
    health = Health.DOWN if not served else Health.DEGRADED if findings else Health.HEALTHY
    return Status(**{**vars(status), "findings": findings, "health": health})


def best_view(members: Mapping[str, MemberFacts]) -> MemberFacts:
    """Return the view of a member with quorum, or of any that runs a cluster.

    Both Corosync and Pacemaker must say so: for some seconds after a member has joined only the first does, and what
    runs elsewhere is not known there yet.
    """

    def lacks(facts: MemberFacts) -> tuple[bool, bool]:
        return not (facts.quorum and facts.quorum.quorate), 'with_quorum="true"' not in facts.crm_mon

    return min((facts for facts in members.values() if facts.crm_mon), key=lacks, default=MemberFacts())
