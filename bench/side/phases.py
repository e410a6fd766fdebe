"""The steps of an outage, told from the nodes' journals, and how much of each is waiting by a timer. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from pcmk_ha.drill.evidence import Event
from pcmk_ha.drill.patterns import (
    ASKED,
    DETECTED,
    FENCED,
    FIRST_WRITE,
    JOURNAL,
    MOUNTED,
    PROMOTED,
    STARTED,
    VIP_UP,
    Pattern,
)

STOPPED, DEMOTED, ROUTED = "PostgreSQL stopped", "demoted", "proxy switched"
ORDER = (DETECTED, ASKED, FENCED, STOPPED, DEMOTED, PROMOTED, MOUNTED, STARTED, VIP_UP, ROUTED, FIRST_WRITE)


def _pattern(program: str, text: str, phase: str) -> Pattern:
    return Pattern(re.compile(program), re.compile(text), phase)


# Steps that a drill's timeline has no need of.
PACEMAKER = (
    _pattern("pacemaker-controld", r"Result of monitor operation for pg_server on \S+: (?i:not running)", DETECTED),
    _pattern("pacemaker-controld", r"Result of stop operation for pg_server on \S+: (?i:ok)", STOPPED),
    _pattern("pacemaker-controld", r"Result of demote operation for drbd_\S+ on \S+: (?i:ok)", DEMOTED),
    *JOURNAL,
)
# "acquired session lock" is the moment in which somebody else than the lost node leads.
PATRONI = (
    _pattern("patroni", r"promoted self to leader by acquiring session lock", DETECTED),
    _pattern("patroni", r"(?:manual failover|switchover): demoting myself|Demoting self", ASKED),
    _pattern("patroni", r"database system is shut down", STOPPED),
    _pattern("patroni", r"postgres is not running|starting primary after failure|crash recovery in a single", DETECTED),
    _pattern("patroni", r"received promote request|server promoting", PROMOTED),
    _pattern("patroni", r"database system is ready to accept connections", STARTED),
    _pattern("(?i:keepalived_vrrp)", r"Entering MASTER STATE", VIP_UP),
    _pattern("haproxy", r"Server primary/\S+ is UP", ROUTED),
)


@dataclass(frozen=True)
class Phase:
    """One step: it begins where the one before it ended; seconds after the fault. timer_s + work_s is all of it."""

    name: str
    began_s: float
    ended_s: float
    timer_s: float = 0.0
    work_s: float = 0.0


def steps(
    events: Iterable[Event], struck_at: float, served_at: float | None, timers: Mapping[str, float]
) -> tuple[Phase, ...]:
    """Return the steps until clients were served again, in the order in which they were done.

    `timers` says how long the configured time-outs, delays and intervals of a step can last at most. The split is an
    upper bound of waiting: a step's work is what its timers cannot explain.
    """
    first: dict[str, float] = {}
    for event in sorted(events, key=lambda event: event.at):
        late = served_at is not None and event.at > served_at
        if event.phase and event.at >= struck_at and not late:
            first.setdefault(event.phase, event.at)
    if served_at is not None and served_at >= struck_at:
        first[FIRST_WRITE] = served_at
    done = sorted((at - struck_at, ORDER.index(name), name) for name, at in first.items())
    begins = (0.0, *(at for at, *_rest in done))
    return tuple(_phase(name, began, at, timers) for began, (at, _n, name) in zip(begins, done, strict=False))


def _phase(name: str, began: float, ended: float, timers: Mapping[str, float]) -> Phase:
    timer = min(ended - began, timers.get(name, 0.0))
    return Phase(name, round(began, 3), round(ended, 3), round(timer, 3), round(ended - began - timer, 3))


def as_records(found: Iterable[Phase]) -> list[dict[str, object]]:
    """Return them as they are kept."""
    return [asdict(phase) for phase in found]
