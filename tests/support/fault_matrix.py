"""Every fault and every pair of faults on a started cluster, each carried out to where nothing more happens."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from lxml import etree
from support.matrix_faults import Facts, Fault, Roles
from support.matrix_scheduler import FENCE, ROUTINE, Op, Placed, Scheduler, Step
from support.simulated import Simulated

from pcmk_ha.model.cluster import Cluster

# Checking the CIB against its schema is half of crm_simulate's time; other tests check it. Pacemaker 3 insists.
UNCHECKED = re.compile('validate-with="[^"]*"')
ROUNDS = 12  # a resource that cannot start is tried migration-threshold times before it moves
WORKERS = (os.cpu_count() or 2) + 1


@dataclass(frozen=True)
class Started:
    """A cluster in which everything runs where it should."""

    name: str
    roles: Roles
    cib: str


@dataclass(frozen=True)
class Round:
    """One transition as far as it got."""

    step: Step
    arguments: tuple[str, ...]
    happened: tuple[Op, ...]  # without what failed, and without what waits for a fencing that is not confirmed
    failed: frozenset[str]
    stuck: bool

    @property
    def is_idle(self) -> bool:
        """Nothing was tried but what is tried forever."""
        moved = any(op.task not in ROUTINE for op in self.happened)
        return not moved and not self.failed and (self.stuck or not self.step.fenced)


@dataclass(frozen=True)
class Case:
    """A cluster, its faults and what it made of them."""

    started: Started
    faults: tuple[Fault, ...]
    rounds: tuple[Round, ...]
    settled: bool

    @property
    def name(self) -> str:
        return f"{self.started.name}: {' + '.join(fault.name for fault in self.faults)}"

    @property
    def facts(self) -> Facts:
        return merged(self.faults)

    @property
    def final(self) -> frozenset[Placed]:
        last = self.rounds[-1]
        return last.step.before if last.stuck else last.step.after


def start(name: str, cib: str, cluster: Cluster, scheduler: Scheduler) -> Started:
    """Start a cluster in the scheduler and see who is who."""
    simulated = Simulated.started(cib, cluster, scheduler.folder / "started.xml")
    primary = simulated.service.promoted_on
    (standby,) = {node.name for node in cluster.nodes} - {primary}
    text = simulated.path.read_text()
    fast = UNCHECKED.sub('validate-with="none"', text, count=1)
    return Started(name, Roles(cluster, primary, standby), fast if scheduler.takes(fast) else text)


def merged(faults: Iterable[Fault]) -> Facts:
    found = Facts()
    for fault in faults:
        found |= fault.facts
    return found


def singles_and_pairs(faults: Sequence[Fault]) -> Iterator[tuple[Fault, ...]]:
    yield from ((fault,) for fault in faults)
    yield from itertools.combinations(faults, 2)


def has_quorum(roles: Roles, facts: Facts) -> bool:
    """Corosync's rule: two votes go on with one, three with two."""
    left = len(set(roles.names.values()) - facts.lost)
    return not facts.no_quorum and left >= (2 if roles.arbiter else 1)


def run_cases(scheduler: Scheduler, started: Started, wanted: Iterable[tuple[Fault, ...]]) -> list[Case]:
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(lambda faults: run_case(scheduler, started, faults), wanted))


def run_case(scheduler: Scheduler, started: Started, faults: tuple[Fault, ...]) -> Case:
    """Let faults happen and the cluster answer, until it has nothing more to do."""
    cib = _changed(started, faults)
    happens = dict.fromkeys(pair for fault in faults for pair in fault.happens)
    words = tuple(word for pair in happens for word in pair)
    rounds: list[Round] = []
    while len(rounds) < ROUNDS:
        done = _round(scheduler, cib, words, faults)
        rounds.append(done)
        if done.is_idle and not (done.stuck and words):
            return Case(started, faults, tuple(rounds), settled=True)
        cib, words = _next(scheduler, done), ()
    return Case(started, faults, tuple(rounds), settled=False)


def _round(scheduler: Scheduler, cib: str, words: tuple[str, ...], faults: tuple[Fault, ...]) -> Round:
    """Let one transition happen.

    A failure that leaves no trace before it is tried is added only where it is: so most faults share their answers.
    """
    failing = [spec for fault in faults for spec in fault.fails if fault.changes]
    arguments = words + _op_fail(failing)
    step = scheduler.step(cib, arguments)
    more = [spec for spec in sorted(_fails(faults)) if spec in _tried(step) and spec not in failing]
    if more:
        arguments = words + _op_fail([*failing, *more])
        step = scheduler.step(cib, arguments)
    failed = _fails(faults) & _tried(step)
    unconfirmed = step.fenced & merged(faults).unfenceable
    assert not unconfirmed or unconfirmed == step.fenced, "the simulation fences all or none"
    late = {op for node in unconfirmed for op in (Op(FENCE, node), *step.waiting[node])}
    happened = tuple(op for op in step.ops if op.spec not in failed and op not in late)
    return Round(step, arguments, happened, frozenset(failed), stuck=bool(unconfirmed))


def _next(scheduler: Scheduler, done: Round) -> str:
    """Return the CIB as it is now; where a fencing was not confirmed, with the results of the rest."""
    if not done.stuck:
        return done.step.result
    moved = [op for op in done.happened if op.task not in ROUTINE]
    results = tuple(word for op in moved for word in ("--op-inject", f"{op.spec}=0"))
    return scheduler.step(done.step.given, results).given


def _fails(faults: Iterable[Fault]) -> set[str]:
    return {spec for fault in faults for spec in fault.fails}


def _tried(step: Step) -> set[str]:
    return {op.spec for op in step.ops}


def _op_fail(specs: Iterable[str]) -> tuple[str, ...]:
    return tuple(word for spec in dict.fromkeys(specs) for word in ("--op-fail", f"{spec}=1"))


def _changed(started: Started, faults: Iterable[Fault]) -> str:
    root = etree.fromstring(started.cib)
    for fault in faults:
        for change in fault.changes:
            change(root)
    root.set("have-quorum", "1" if has_quorum(started.roles, merged(faults)) else "0")
    return etree.tostring(root, encoding="unicode")
