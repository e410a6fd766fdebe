"""The numbers of a run that every form of its report shows. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pcmk_ha.client.ledger import Ledger
from pcmk_ha.drill.evidence import Run
from pcmk_ha.drill.outage import NAIVE, first_write_at, merged_outage, outage_window
from pcmk_ha.drill.scenario import STANDBY
from pcmk_ha.drill.timeline import Phase, phases


@dataclass(frozen=True)
class ClientFigures:
    """What became of one client's writes; times in seconds after the fault."""

    name: str
    acknowledged: int
    missing: int
    twice: int
    stray: int  # there and never sent
    in_doubt: int  # sent and never answered: may be there or not
    arrived: int  # of those in doubt, how many are there
    outage_s: float
    began_s: float
    ended_s: float
    note: str  # why it is not held to the limit; empty: it is
    through_vip: bool = True  # one that goes past it is without an answer whenever its node does not serve


@dataclass(frozen=True)
class Figures:
    """A run in numbers."""

    outage_s: float
    clients: tuple[ClientFigures, ...]
    phases: tuple[Phase, ...]

    def total(self, what: str) -> int:
        """Return the sum of one number over all clients, by the name of the field."""
        return sum(int(getattr(client, what)) for client in self.clients)


def figures(run: Run) -> Figures:
    """Count and measure what a report says of a run."""
    through = (_client(name, ledger, run, _note(name)) for name, ledger in run.clients.items())
    past = (_client(name, ledger, run, "past the VIP to one node") for name, ledger in run.direct.items())
    steps = phases(run.events, run.struck_at, first_write_at(run))
    return Figures(merged_outage(run), (*through, *(replace(one, through_vip=False) for one in past)), steps)


def _note(name: str) -> str:
    return "no connection settings at all" if name == NAIVE else ""


def _client(name: str, ledger: Ledger, run: Run, note: str) -> ClientFigures:
    began, ended = outage_window(ledger, run.struck_at)
    return ClientFigures(
        name=name,
        acknowledged=len(ledger.acknowledged),
        missing=len(ledger.lost),
        twice=len(ledger.repeated),
        stray=len(ledger.unexpected),
        in_doubt=len(ledger.doubtful),
        arrived=len(set(ledger.doubtful) & set(ledger.found)),
        outage_s=ended - began,
        began_s=began - run.struck_at,
        ended_s=ended - run.struck_at,
        note=note,
    )


def data_nodes(run: Run) -> tuple[str, ...]:
    """Return the nodes that may hold something, the one that served first."""
    others = {span.node for span in run.spans} | {run.roles.get(STANDBY, "")} - {""}
    return (run.primary, *sorted(others - {run.primary}))


def when(run: Run) -> str:
    """Return a run's date as people write it."""
    return run.date.replace("T", " ").replace("+00:00", " UTC").replace("Z", " UTC")


def count(number: int, thing: str) -> str:
    """Return `1 row`, `2 rows`, `no rows`."""
    return f"{thousands(number) if number else 'no'} {thing}{'s' * (number != 1)}"


def thousands(number: int) -> str:
    """Return a number with its thousands set apart by a thin space, so that no language reads it as a fraction."""
    return f"{number:,}".replace(",", chr(0x202F))
