"""What happened on the nodes, read from their own logs, and the steps of a failover in it. Pure.

A reader takes the text of one node's log and how many seconds must be added to that node's clock to get the time of
the machine that ran the drill. Lines that are not worth knowing are left out, and broken ones with them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from pcmk_ha.drill.evidence import Event
from pcmk_ha.drill.patterns import FIRST_WRITE, JOURNAL, POSTGRESQL, STEPS, Pattern

# Seconds since 1970, the host where it was not left out, program and process, text.
JOURNAL_LINE = re.compile(r"(\d+\.\d+) (?:[^\s:\[]+ )?([^\s:\[]+)(?:\[\d+\])*: +(.*)")
# log_line_prefix begins with %m: time with milliseconds and zone.
POSTGRESQL_LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) (\S+) (?:\[\d+\] )?(.*)")
OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)?")
MAX_TEXT = 240


@dataclass(frozen=True)
class Phase:
    """One step of a failover, from the end of the step before until it was done; seconds after the fault struck."""

    name: str
    began_s: float
    ended_s: float
    node: str = ""  # whose log said so; empty for a client's write

    @property
    def took_s(self) -> float:
        """How long it took, in seconds."""
        return self.ended_s - self.began_s


def read_journal(
    text: str, node: str, *, shift_s: float = 0.0, patterns: tuple[Pattern, ...] = JOURNAL
) -> tuple[Event, ...]:
    """Return the events of a node's `journalctl -o short-unix`, with or without `--no-hostname`."""
    found = (JOURNAL_LINE.fullmatch(line) for line in text.splitlines())
    lines = ((float(m[1]), m[2], m[3]) for m in found if m)
    return tuple(_events(lines, patterns, node, shift_s))


def read_postgresql(text: str, node: str, *, shift_s: float = 0.0) -> tuple[Event, ...]:
    """Return the events of a PostgreSQL server's log whose lines begin with `%m`.

    The zone must be UTC, GMT or an offset such as +02: other abbreviations mean different times in different
    countries, so that those lines are left out.
    """
    found = (POSTGRESQL_LINE.fullmatch(line) for line in text.splitlines())
    lines = ((_seconds(m[1], m[2]), "postgres", m[3]) for m in found if m)
    return tuple(_events(((at, who, said) for at, who, said in lines if at is not None), POSTGRESQL, node, shift_s))


def phases(events: Iterable[Event], struck_at: float, first_write_at: float | None) -> tuple[Phase, ...]:
    """Return the steps that were seen since the fault struck, in the order in which they were done.

    What counts is the first time any node's log says that a step is done. A step begins where the one before it
    ended, the first with the fault; so one that ran beside another seems shorter than it was.
    """
    first: dict[str, tuple[float, str]] = {}
    for event in sorted(events, key=lambda event: event.at):
        if event.phase and event.at >= struck_at:
            first.setdefault(event.phase, (event.at, event.node))
    if first_write_at is not None and first_write_at >= struck_at:
        first[FIRST_WRITE] = (first_write_at, "")
    done = sorted((at - struck_at, STEPS.index(name), name, node) for name, (at, node) in first.items())
    begins = (0.0, *(at for at, *_rest in done))
    return tuple(Phase(name, began, at, node) for began, (at, _step, name, node) in zip(begins, done, strict=False))


def _events(
    lines: Iterable[tuple[float, str, str]], patterns: tuple[Pattern, ...], node: str, shift_s: float
) -> Iterator[Event]:
    for at, program, text in lines:
        known = next((pattern for pattern in patterns if pattern.fits(program, text)), None)
        if known:
            yield Event(at + shift_s, node, known.phase, f"{program}: {text.strip()}"[:MAX_TEXT])


def _seconds(text: str, zone: str) -> float | None:
    ahead = _ahead_of_utc(zone)
    if ahead is None:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=timezone(ahead)).timestamp()
    except ValueError:
        return None


def _ahead_of_utc(zone: str) -> timedelta | None:
    if zone in ("UTC", "GMT"):
        return timedelta()
    match = OFFSET.fullmatch(zone)
    if not match:
        return None
    ahead = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
    return ahead if match[1] == "+" else -ahead
