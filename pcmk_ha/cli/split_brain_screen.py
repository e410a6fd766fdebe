"""What both sides of a split brain hold, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import typer

from pcmk_ha.cli.out import console
from pcmk_ha.facts.generations import Relation, word
from pcmk_ha.facts.records import format_time
from pcmk_ha.operate.split_brain.evidence import Evidence, Side
from pcmk_ha.operate.split_brain.propose import Proposal

LAST = 5  # events of each kind


def print_evidence(evidence: Evidence, proposal: Proposal) -> None:
    """Print all that is known, and what it speaks for."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), show_header=True)
    table.add_column("")
    for name in evidence.sides:
        table.add_column(name, overflow="fold")
    for title, value in ROWS.items():
        table.add_row(title, *(Text(value(side)) for side in evidence.sides.values()))
    console().print(table)
    for line in (*_events(evidence), "", *_verdict(evidence, proposal)):
        typer.echo(line)


def _events(evidence: Evidence) -> Iterator[str]:
    for event in evidence.fencings[:LAST]:
        yield f"fenced: {event.target}, {event.action}, {event.status}, {event.when or 'under way'}"
    for name, side in evidence.sides.items():
        for title, lines in (("DRBD", side.kernel), ("Pacemaker", side.history)):
            if lines:
                yield f"\n{name}, {title}:"
                yield from (f"  {line}" for line in lines[-LAST:])
    for name, why in evidence.unreachable.items():
        yield f"\n{name} does not answer: {why}"


def _verdict(evidence: Evidence, proposal: Proposal) -> Iterator[str]:
    if not evidence.is_split:
        yield _no_split_brain(evidence)
        return
    yield "SPLIT BRAIN: both sides have written since they parted. One side's changes must be given up."
    for reason in proposal.reasons:
        yield f"  {reason.node}: {reason.why}"
    for what in proposal.unknown:
        yield f"  not known: {what}"
    if proposal.give_up:
        yield f"Proposal: give up {proposal.give_up}'s (pcmk-ha split-brain --discard {proposal.give_up})."
    else:
        yield "No proposal: this does not all say the same. Look at the data, and name the side yourself (--discard)."


def _no_split_brain(evidence: Evidence) -> str:
    if evidence.unreachable:
        return "Whether this is a split brain is not known: one side alone cannot tell."
    if evidence.is_syncing:
        ours = evidence.unsettled()
        return f"No split brain any more: {ours.node} is given the other side's data." if ours else (
            "No split brain: a resync runs."
        )  # fmt: skip
    if evidence.is_connected:
        return "No split brain: both sides are connected."
    if evidence.relation is Relation.UNKNOWN:
        return "Whether this is a split brain is not known: DRBD's generations could not be read."
    return f"No split brain: {evidence.relation.value}. `pcmk-ha status` says what is missing."


def _drbd(side: Side) -> str:
    state = side.drbd
    return f"{state.role}, {state.disk}, {state.connection}" if state.disk else "down"


def _changed(side: Side) -> str:
    return f"{side.drbd.out_of_sync_kib} KiB"


def _generation(side: Side) -> str:
    found = side.generations
    return f"{word(found.current)}, from {word(found.bitmap)}" if found else "not known"


def _use(side: Side) -> str:
    mounted = f"mounted at {side.mounted}" if side.mounted else "not mounted"
    return f"{mounted}, PostgreSQL {'answers' if side.answers else 'does not answer'}"


def _database(side: Side) -> str:
    return side.database.state if side.database else f"not read: {side.unread}"


def _checkpoint(side: Side) -> str:
    found = side.database
    return f"{found.checkpoint}, timeline {found.timeline}, {_time(found.checkpoint_at)}" if found else ""


def _commit(side: Side) -> str:
    found = side.database
    return _time(found.last_commit) if found else ""


def _wal(side: Side) -> str:
    found = side.database
    return _time(found.wal_written_at) if found else ""


def _time(at: datetime | None) -> str:
    return format_time(at) if at else "not known"


ROWS: dict[str, Callable[[Side], str]] = {
    "DRBD": _drbd,
    "changed since": _changed,
    "generation": _generation,
    "use": _use,
    "database": _database,
    "last checkpoint": _checkpoint,
    "last commit": _commit,
    "newest WAL": _wal,
}
