"""What is ours on the nodes and in the CIB, by their records; and the steps that keep the records true."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pcmk_ha.cib.items import items
from pcmk_ha.desired.values import Desired
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import change_actions as change
from pcmk_ha.plan.facts import Facts
from pcmk_ha.plan.record import Record, is_remembered, make_record, next_generation
from pcmk_ha.plan.values import Plan, Step

WRITING = (act.WriteFiles, change.RemoveFiles, act.PushFencing, act.PushCib, act.WriteVolumeFiles)


def newest(facts: Facts) -> Record | None:
    """Return the latest record of all members."""
    known = [record for record in (facts.records or {}).values() if record]
    return max(known, key=lambda record: record.generation, default=None)


def applied(record: Record | None, kind: str) -> dict[str, str]:
    """Return what a record says was left behind of one kind: "file", "volume", "cib" or "parameter"."""
    return _of_kind(record.values, kind) if record else {}


def ours(facts: Facts, kind: str) -> frozenset[str]:
    """Return what any member's record says that we may have written."""
    names = frozenset().union(*(r.ours for r in (facts.records or {}).values() if r))
    return frozenset(name.partition(" ")[2] for name in names if name.startswith(f"{kind} "))


def gone_from_cib(desired: Desired, facts: Facts) -> tuple[str, ...]:
    """Return what of the live CIB was ours and is not wanted any more."""
    if not facts.service.cib or not (candidates := ours(facts, "cib")):
        return ()
    live = items(facts.service.cib)
    return tuple(sorted((candidates & set(live)) - set(items(desired.cib))))


def stale_paths(desired: Desired, node: str, record: Record | None) -> tuple[str, ...]:
    """Return the files of a node that were ours and are not wanted any more; they may be gone already."""
    names = record.ours if record else frozenset()
    known = {name.partition(" ")[2] for name in names if name.startswith("file ")}
    return tuple(sorted(known - {file.path for file in desired.files[node]}))


def with_records(plan: Plan, desired: Desired, facts: Facts) -> Plan:
    """Put before a plan that something begins, and after it what was applied; nothing where both are known."""
    if facts.records is None:
        return plan
    wanted = {name: make_record(desired, name) for name in facts.nodes}
    kept = all((found := facts.records.get(name)) and found.follows(wanted[name]) for name in wanted)
    writes = any(isinstance(step.action, WRITING) for step in plan)
    if kept and not writes:
        return plan
    first: tuple[act.Action, ...] = tuple(
        change.Remember(name)
        for name in (wanted if writes else ())
        if not is_remembered(facts.records.get(name), wanted[name])
    )
    number = next_generation(facts.records.values(), next(iter(wanted.values())).whole)
    return _around(plan, first, tuple(change.KeepRecord(name, number) for name in wanted))


def _around(plan: Plan, first: tuple[act.Action, ...], last: tuple[act.Action, ...]) -> Plan:
    """Have every step wait for the first actions, and the last actions for every step."""
    begun = frozenset(range(len(first)))
    steps = [Step(action) for action in first]
    steps += [Step(step.action, begun | {p + len(first) for p in step.after}) for step in plan]
    everything = frozenset(range(len(steps)))
    return Plan((*steps, *(Step(action, everything) for action in last)))


def _of_kind(values: Mapping[str, str], kind: str) -> dict[str, str]:
    return dict(_split(values, kind))


def _split(values: Mapping[str, str], kind: str) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if name.startswith(f"{kind} "):
            yield name.partition(" ")[2], value
