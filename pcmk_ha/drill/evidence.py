"""What one drill left behind, as values that can be kept, compared and judged. Pure.

Every time is in seconds since 1970 on one clock, that of the machine that ran the drill; what other machines
wrote was shifted by the measured difference of their clocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pcmk_ha.client.ledger import Ledger

# What a node may be or have, and never two nodes at once.
EXCLUSIVE = ("Primary", "mounted", "VIP", "PostgreSQL")


@dataclass(frozen=True)
class Sample:
    """One look of a node at itself; `boot` tells one life of it from the next."""

    node: str
    boot: str
    at: float
    has: frozenset[str]  # of EXCLUSIVE


@dataclass(frozen=True)
class Span:
    """For how long a node was seen to be or have something without a break; both ends were seen."""

    what: str
    node: str
    began: float
    ended: float


@dataclass(frozen=True)
class Event:
    """Something a node's log says happened; `phase` is empty where it is only good to know."""

    at: float
    node: str
    phase: str
    text: str


@dataclass(frozen=True)
class Run:
    """One drill: what was done, what was seen, and everything that was not as it should be."""

    scenario: str
    cluster: str
    date: str  # ISO 8601, UTC
    struck_at: float  # when the fault struck
    ended_at: float
    primary: str  # who served when it began
    clients: Mapping[str, Ledger]  # through the VIP, by name; `naive` is the one with no settings at all
    spans: tuple[Span, ...] = ()
    events: tuple[Event, ...] = ()
    redundant_after_s: float | None = None  # from the fault until both nodes held the data again
    problems: tuple[str, ...] = ()  # empty: passed
    conditions: Mapping[str, str] = field(default_factory=dict)  # suite, votes, versions
    note: str = ""  # what the scenario itself has to say
    direct: Mapping[str, Ledger] = field(default_factory=dict)  # past the VIP to one node, by name
    serves: str = ""  # who served in the end; empty: nobody
    fenced: tuple[str, ...] = ()  # nodes that were fenced since the fault
    roles: Mapping[str, str] = field(default_factory=dict)  # node by role: primary, standby, arbiter, as it began
    limit_s: float | None = None  # how long the scenario may keep clients waiting
    runbook: str = ""  # the scenario's text, kept so that a report can be read years later

    @property
    def passed(self) -> bool:
        """Whether everything was as it should be."""
        return not self.problems
