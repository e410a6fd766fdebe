"""How long clients had to wait because of the fault. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from pcmk_ha.client.ledger import Ledger
from pcmk_ha.drill.evidence import Run

NAIVE = "naive"  # no settings at all: it may hang for minutes, and is shown but never judged for it
Window = tuple[float, float]  # when it began and ended, seconds since 1970


def well_configured(run: Run) -> Mapping[str, Ledger]:
    """Return the clients that go through the VIP as the manual says, by name."""
    return {name: ledger for name, ledger in run.clients.items() if name != NAIVE}


def outage_window(ledger: Ledger, struck_at: float) -> Window:
    """Return the longest time without an acknowledged write that ended after the fault struck; empty if none did.

    A gap the fault fell into counts from its beginning: the last write before it may have been the last one
    that was possible. A gap that was over when the fault struck is not the fault's.
    """
    edges = (ledger.began, *sorted(at for _seq, at in ledger.acknowledged), ledger.ended)
    gaps = [gap for gap in pairwise(edges) if gap[1] > struck_at]
    return max(gaps, key=_length, default=(struck_at, struck_at))


def client_outage(ledger: Ledger, struck_at: float) -> float:
    """Return how long that was, in seconds."""
    return _length(outage_window(ledger, struck_at))


def merged_outage(run: Run) -> float:
    """Return the drill's outage in seconds: that of the worst-off of its well-configured clients.

    Each client's longest gap that touches or follows the fault is taken, and of these the longest. This is never
    less than the time in which nobody could write, and what a user of the unluckiest client would say.
    """
    return max((client_outage(ledger, run.struck_at) for ledger in well_configured(run).values()), default=0.0)


def first_write_at(run: Run) -> float | None:
    """Return when the first well-configured client was answered again after its outage; None if none was."""
    ends = [_resumed(ledger, run.struck_at) for ledger in well_configured(run).values()]
    return min((end for end in ends if end is not None), default=None)


def _resumed(ledger: Ledger, struck_at: float) -> float | None:
    _began, ended = outage_window(ledger, struck_at)
    answered = any(at == ended for _seq, at in ledger.acknowledged)
    return ended if answered else None


def _length(window: Window) -> float:
    return window[1] - window[0]
