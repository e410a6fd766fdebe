"""Where the service must end, and what must never happen on the way: known without asking the scheduler."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from support.fault_matrix import Case, Round, has_quorum
from support.matrix_faults import NOBODY, SERVICE, Facts, Names, Roles
from support.matrix_replay import replay
from support.matrix_scheduler import ROUTINE, promoted_in

MAINTENANCE = "nobody repairs what is in maintenance"
NO_QUORUM = "too few members are left"
UNFENCED = "it may still run where no fencing is confirmed"
NOWHERE = "no node is left that could"
REASONS = {MAINTENANCE, NO_QUORUM, UNFENCED, NOWHERE}


@dataclass(frozen=True)
class Verdict:
    """Where the service may end: on one of these nodes, or for a reason on none."""

    nodes: Names
    reason: str = ""


def expected(roles: Roles, facts: Facts) -> Verdict:
    """Say where the service must be once the cluster has done all it can."""
    here = roles.primary
    if here in facts.unmanaged - facts.lost:
        return Verdict(NOBODY, MAINTENANCE) if here in facts.dead else Verdict(frozenset({here}))
    if not has_quorum(roles, facts):
        return Verdict(NOBODY, NO_QUORUM)
    able = _able(roles, facts)
    if here in able:
        return Verdict(able if here in facts.shaken else frozenset({here}))
    if here in (facts.lost | facts.hung) & facts.unfenceable:
        return Verdict(NOBODY, UNFENCED)
    return Verdict(able, "" if able else NOWHERE)


def _able(roles: Roles, facts: Facts) -> Names:
    """Return the nodes that can take the service; one that is fenced comes back only after the case has ended."""
    data = frozenset({roles.primary, roles.standby})
    return data - facts.lost - facts.hung - facts.idle - facts.unmanaged - facts.stale - {n for n, _r in facts.barred}


def violations(case: Case) -> list[str]:
    """Return everything that is wrong with how a cluster answered its faults, and how to see it again."""
    found = [*_at_the_end(case), *_on_the_way(case)]
    return [f"{case.name}: {text}\n{_story(case)}" for text in dict.fromkeys(found)]


def _story(case: Case) -> str:
    lines = []
    for number, done in enumerate(case.rounds, 1):
        tried = [op.spec + ("" if op in done.happened else " (NOT DONE)") for op in done.step.ops]
        lines.append(f"    {number}: crm_simulate {' '.join(done.arguments)}\n       {' '.join(tried)}")
    final = sorted(f"{p.resource}@{p.node}={p.role}{'/failed' if p.failed else ''}" for p in case.final)
    return "\n".join((*lines, f"    end: {' '.join(final)}"))


def _at_the_end(case: Case) -> Iterator[str]:
    if not case.settled:
        yield "does not settle"
    verdict, serving = expected(case.started.roles, case.facts), serving_nodes(case)
    if not verdict.nodes and serving:
        yield f"serves on {sorted(serving)}, but {verdict.reason}"
    if verdict.nodes and not (len(serving) == 1 and serving <= verdict.nodes):
        yield f"serves on {sorted(serving)}, not on {' or '.join(sorted(verdict.nodes))}"
    yield from _without_quorum(case)
    yield from _together(case)


def serving_nodes(case: Case) -> Names:
    """Return the nodes that serve clients, as far as the cluster can see."""
    well = frozenset(p for p in case.final if not p.failed)
    running = {(p.resource, p.node) for p in well}
    promoted = promoted_in(well, case.started.roles.cluster) - case.facts.lost
    return frozenset(node for node in promoted if all((part, node) in running for part in SERVICE))


def _without_quorum(case: Case) -> Iterator[str]:
    """Whatever can still be stopped is stopped: the others may have started it."""
    facts, roles = case.facts, case.started.roles
    if not has_quorum(roles, facts):
        spared = facts.lost | facts.unmanaged | facts.hung
        running = {p.resource for p in case.final if p.resource in SERVICE and p.node not in spared}
        if running or promoted_in(case.final, roles.cluster) - spared:
            yield f"goes on without quorum: {sorted(running)}"


def _together(case: Case) -> Iterator[str]:
    """One promoted side and everything on it; of what is dead in maintenance and of lost nodes less is known."""
    facts = case.facts
    promoted = promoted_in(case.final, case.started.roles.cluster)
    if len(promoted) > 1:
        yield f"promoted on {sorted(promoted)}"
    for resource in SERVICE:
        where = {placed.node for placed in case.final if placed.resource == resource}
        if len(where) > 1:
            yield f"{resource} runs on {sorted(where)}"
        if not where <= promoted | facts.lost | (facts.dead & facts.unmanaged):
            yield f"{resource} runs on {sorted(where)}, promoted is {sorted(promoted)}"


def _on_the_way(case: Case) -> Iterator[str]:
    for done in case.rounds:
        if not (done.step.complete or case.facts.unmanaged):  # the dead in maintenance are waited for in vain
            yield "something waits for what is never done"
        yield from _fencing_comes_first(case, done)
        yield from replay(case.started.roles, case.facts, done.step.before, done.happened)
        if _is_undisturbed(case):
            yield from _interruptions(case, done)
    yield from _fencing(case)


def _fencing_comes_first(case: Case, done: Round) -> Iterator[str]:
    """Not by luck of the order in which it was printed: by the graph's own dependencies."""
    cluster = case.started.roles.cluster
    holders = {p.node for p in done.step.before if p.resource in SERVICE} | promoted_in(done.step.before, cluster)
    takes = {(cluster.drbd_id, "promote"), *((part, "start") for part in SERVICE)}
    for node in done.step.fenced & holders:
        for op in done.step.ops:
            if (op.resource, op.task) in takes and op not in done.step.waiting[node]:
                yield f"{op.spec} does not wait for the fencing of {node}"


def _fencing(case: Case) -> Iterator[str]:
    """Who must be fenced is, and nobody else."""
    facts, roles = case.facts, case.started.roles
    fenced = {node for done in case.rounds for node in done.step.fenced}
    if fenced - facts.lost - facts.hung:
        yield f"fences {sorted(fenced - facts.lost - facts.hung)} for no reason"
    if has_quorum(roles, facts) and facts.lost - fenced - facts.unmanaged:
        yield f"does not fence {sorted(facts.lost - fenced)}"


def _is_undisturbed(case: Case) -> bool:
    facts, roles = case.facts, case.started.roles
    touched = facts.lost | facts.hung | facts.idle | facts.stale | facts.dead | {node for node, _r in facts.barred}
    return has_quorum(roles, facts) and roles.primary not in touched


def _interruptions(case: Case, done: Round) -> Iterator[str]:
    """What happens to others must not be felt by clients."""
    roles = case.started.roles
    for op in done.step.ops:
        if op.node == roles.primary and op.resource in (*SERVICE, roles.cluster.drbd_id) and op.task not in ROUTINE:
            yield f"{op.spec} interrupts a service that nothing has happened to"
