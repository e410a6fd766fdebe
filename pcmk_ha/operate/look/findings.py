"""What is not as it should be in a running cluster, and what a person should do about each. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pcmk_ha.facts import drbd, labels, pacemaker
from pcmk_ha.facts.aside import parse_aside
from pcmk_ha.model.cluster import Cluster

if TYPE_CHECKING:
    from pcmk_ha.operate.look.status import MemberFacts, Status

BACK = {  # what ends it, by a node's word
    "standby": "`pcmk-ha unstandby {name}` brings it back",
    "maintenance": "crm_attribute --node {name} --name maintenance --delete",
}
UPDATED = "if no `pcmk-ha update` runs: the next one goes on; or `pcmk-ha unstandby {name}` takes it back as it is"


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be, and what a person should do."""

    what: str
    todo: str = ""


def find_all(cluster: Cluster, status: Status, view: MemberFacts) -> Iterator[Finding]:
    """Yield everything that is not as it should be; `view` is the member whose Pacemaker is believed."""
    yield from _find_service(status, view)
    yield from _find_nodes(status, parse_aside(view.attributes))
    yield from _find_drbd(cluster, status)
    yield from _find_links(status)
    if view.crm_mon and pacemaker.is_in_maintenance(view.crm_mon):
        yield Finding(
            "the cluster is in MAINTENANCE MODE: nothing fails over, and nobody is fenced", "`pcmk-ha maintenance off`"
        )
    if view.crm_mon and pacemaker.is_told_to_stop(view.crm_mon):
        yield Finding("Pacemaker is told to run nothing (stop-all-resources)", "`pcmk-ha start` starts the service")
    for event in status.fencings:
        if event.status == "pending":
            hint = f"wait; one that never ends is forgotten by `stonith_admin --cleanup --history {event.target}`"
            yield Finding(f"{event.target} is being fenced", hint)
    for failure in status.failures:
        yield Finding(
            f"{failure.resource} on {failure.node}: {failure.detail}",
            "once the cause is gone: crm_resource --cleanup (it expires by itself after failure-timeout)",
        )
    for name, facts in status.members.items():
        for path in facts.labels:
            yield Finding(labels.describe(name, path), labels.ADVICE)
    for name in status.records.replacing:
        yield Finding(f"the machine of {name} is being replaced", f"`pcmk-ha replace {name}` goes on with it")
    for leftover in status.leftovers:
        yield Finding(f"constraint {leftover.id} is in force", leftover.hint)


def is_silent(status: Status) -> bool:
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
    if service.database_on and is_silent(status):
        yield Finding(
            f"PostgreSQL on {service.database_on} runs, but takes no connections",
            "it may be starting, hung or out of connections; Pacemaker's monitor restarts it when it goes on",
        )
    if service.devices < service.wanted_devices:
        yield Finding(
            f"{service.devices} of {service.wanted_devices} STONITH devices run",
            "without a device its node cannot be fenced and nothing takes over: `pcmk-ha check` asks each of them",
        )


def _find_nodes(status: Status, aside: frozenset[str]) -> Iterator[Finding]:
    for name, word in status.nodes.items():
        if name in aside and word != "UNCLEAN":
            yield Finding(f"{name} is being updated: it runs nothing, and cannot take over", UPDATED.format(name=name))
        elif word == "UNCLEAN":
            yield Finding(
                f"{name} is lost and not fenced yet: its resources stay where they are until it is",
                f"is its fence device reachable? If you made sure that {name} is off: stonith_admin --confirm {name}",
            )
        elif word == "offline" or (word == "unknown" and name not in status.unreachable):
            yield Finding(f"{name} is {word}", f"switch it on (`pcmk-ha unfence {name}`) and start its cluster")
        elif word == "unknown":
            continue  # said with the reason below
        elif word != "online":
            yield Finding(_said_of(name, word), BACK.get(word, "").format(name=name))
    for name, reason in status.unreachable.items():
        if status.nodes.get(name) in ("online", "unknown"):
            yield Finding(f"{name} does not answer SSH: {reason}", "`pcmk-ha check`")


def _said_of(name: str, word: str) -> str:
    return f"{name} is in standby: it runs nothing, and cannot take over" if word == "standby" else f"{name} is {word}"


def _find_drbd(cluster: Cluster, status: Status) -> Iterator[Finding]:
    states = {name: facts.drbd for name, facts in status.members.items() if facts.drbd}
    for name, state in states.items():
        if not state.disk:
            yield Finding(f"{name}: DRBD is down", "it comes with Pacemaker there")
        elif state.connection == "StandAlone":
            yield Finding(
                f"{name}: DRBD has given up its connection (split brain?)",
                "`pcmk-ha split-brain` shows what each side holds; whose data is given up is never decided by itself",
            )
        elif state.connection.startswith("Sync") or state.connection.startswith("PausedSync"):
            done = f", {state.done_percent:.0f} % done" if state.done_percent is not None else ""
            yield Finding(f"{name}: {state.connection}{done}, {state.out_of_sync_kib} KiB to go", "wait")
        elif not state.is_redundant and all(n in status.members for n in states):
            words = f"{state.connection} {state.disk}/{state.peer_disk}"
            yield Finding(f"{name}: no second copy ({words})", "the other node, or the replication link, is down")
    yield from _find_differences(status, states)


def _find_differences(status: Status, states: Mapping[str, drbd.DrbdState]) -> Iterator[Finding]:
    """What a comparison marked stays marked until it is copied; a record outlives marks that a crash has lost."""
    marked = max((state.out_of_sync_kib for state in states.values() if state.is_redundant), default=0)
    if differing := marked or status.records.differing_kib:
        yield Finding(
            f"both copies are not the same: {differing} KiB differ",
            "`pcmk-ha resync` copies them from the primary" if marked else "`pcmk-ha verify` finds them again",
        )


def _find_links(status: Status) -> Iterator[Finding]:
    for name, facts in status.members.items():
        for link in facts.links:
            if not link.connected:
                yield Finding(f"{name}: link {link.number} to {link.to} is down", "check that network")
