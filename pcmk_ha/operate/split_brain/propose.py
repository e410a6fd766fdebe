"""Which side to give up, where all that is known says the same. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pcmk_ha.facts.records import format_time
from pcmk_ha.operate.split_brain.evidence import Evidence, Side


@dataclass(frozen=True)
class Reason:
    """One thing that speaks for giving up a side's data."""

    node: str
    why: str


@dataclass(frozen=True)
class Proposal:
    """The side to give up, empty where the reasons do not agree or there are none."""

    give_up: str
    reasons: tuple[Reason, ...]
    unknown: tuple[str, ...] = ()  # what could not be compared


def propose(evidence: Evidence) -> Proposal:
    """Weigh nothing against each other: as soon as two reasons differ, it is for a person to decide."""
    if len(evidence.sides) != 2:
        return Proposal("", ())
    first, second = evidence.sides.values()
    reasons = tuple(reason for reason in _reasons(evidence, first, second) if reason.node)
    unknown = tuple(_unknown(first, second))
    named = {reason.node for reason in reasons}
    return Proposal(named.pop() if len(named) == 1 else "", reasons, unknown)


def _reasons(evidence: Evidence, first: Side, second: Side) -> Iterator[Reason]:
    if first.is_used != second.is_used:
        idle, used = (second, first) if first.is_used else (first, second)
        yield Reason(idle.node, f"nothing uses its copy; the one on {used.node} is in use")
    serving = evidence.service.promoted_on if evidence.service.is_up else ""
    if serving in evidence.sides:
        yield Reason(evidence.other(serving), f"Pacemaker has the service and the VIP on {serving}")
    yield from _older_commit(first, second)
    yield from _fewer_blocks(first, second)


def _older_commit(first: Side, second: Side) -> Iterator[Reason]:
    one, two = _commit(first), _commit(second)
    if one and two and one != two:
        older, newer = (first, second) if one < two else (second, first)
        yield Reason(older.node, f"its last commit is older: {min(one, two)}, {newer.node}'s is of {max(one, two)}")


def _fewer_blocks(first: Side, second: Side) -> Iterator[Reason]:
    one, two = first.drbd.out_of_sync_kib, second.drbd.out_of_sync_kib
    if one != two:
        fewer, more = (first, second) if one < two else (second, first)
        yield Reason(fewer.node, f"it changed less: {min(one, two)} KiB, {more.node} changed {max(one, two)} KiB")


def _commit(side: Side) -> str:
    found = side.database.last_commit if side.database else None
    return format_time(found) if found else ""


def _unknown(first: Side, second: Side) -> Iterator[str]:
    for side in (first, second):
        if not _commit(side):
            yield f"the last commit on {side.node}: {side.unread or 'its WAL shows none'}"
