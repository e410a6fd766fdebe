"""Who held what and when, from many looks; and whether two nodes ever held it at once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import combinations, groupby

from pcmk_ha.drill.evidence import EXCLUSIVE, Sample, Span

CLOCK_SLACK_S = 0.25  # what two nodes' clocks may differ by after correction
BOTH = {
    "Primary": "were both Primary",
    "mounted": "both had the file system mounted",
    "VIP": "both had the VIP",
    "PostgreSQL": "both ran PostgreSQL",
}


def find_spans(samples: Iterable[Sample]) -> tuple[Span, ...]:
    """Return for how long each node was seen to hold each thing of EXCLUSIVE, in the order they began.

    Silence between two looks of one life of a node ends nothing, however long: a node that hangs still holds what
    it held. Another boot id ends everything: what was held died with the node.
    """
    lives = groupby(sorted(samples, key=lambda s: (s.node, s.at)), key=lambda s: (s.node, s.boot))
    spans = [span for _life, looks in lives for span in _spans_of_one_life(tuple(looks))]
    return tuple(sorted(spans, key=lambda span: (span.began, EXCLUSIVE.index(span.what), span.node)))


def _spans_of_one_life(looks: Sequence[Sample]) -> Iterator[Span]:
    for what in EXCLUSIVE:
        for held, run in groupby(looks, key=lambda look: what in look.has):
            times = [look.at for look in run]
            if held:
                yield Span(what, looks[0].node, times[0], times[-1])


def find_overlaps(spans: Iterable[Span], *, slack_s: float) -> tuple[str, ...]:
    """Say in words where two nodes held at once what only one may hold.

    `slack_s` is the most by which the clocks of two nodes may differ after correction. An overlap counts when no
    such difference explains it, so a single look inside another node's span counts, however short it is.
    """
    pairs = combinations(sorted(spans, key=lambda span: (span.began, span.node)), 2)
    return tuple(_words(a, b) for a, b in pairs if are_at_once(a, b, slack_s))


def are_at_once(a: Span, b: Span, slack_s: float) -> bool:
    """Return whether two nodes held one thing at once, by more than the error of their clocks."""
    rivals = a.what == b.what and a.what in EXCLUSIVE and a.node != b.node
    return rivals and min(a.ended - b.began, b.ended - a.began) > slack_s


def _words(a: Span, b: Span) -> str:
    began, ended = max(a.began, b.began), min(a.ended, b.ended)
    first, second = sorted((a.node, b.node))
    since = datetime.fromtimestamp(began, UTC).strftime("%H:%M:%S.%f")[:-3]
    return f"{first} and {second} {BOTH[a.what]} for {ended - began:.2f} s from {since} UTC"
