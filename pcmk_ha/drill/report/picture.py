"""A run drawn against time: what is where, in the units of an SVG's view box. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import floor

from pcmk_ha.drill.evidence import EXCLUSIVE, Run, Span
from pcmk_ha.drill.report.figures import Figures, data_nodes
from pcmk_ha.drill.report.scale import Scale, steps
from pcmk_ha.drill.spans import CLOCK_SLACK_S, are_at_once

WIDTH, LEFT, RIGHT = 1000, 165, 14
AXIS, ROW, HEAD = 26, 19, 25  # heights
HOLDERS = {"Primary": "DRBD Primary", "mounted": "File system mounted", "PostgreSQL": "PostgreSQL", "VIP": "VIP"}
SHORTEST_GAP_S = 0.3  # a shorter one is the client's own rhythm
CLOSE_UP_AFTER_S = 3.0


@dataclass(frozen=True)
class Bar:
    """Something that lasted; `text` stands in the bar, or beside it where that is too narrow."""

    x: float
    width: float
    kind: str
    title: str
    text: str = ""
    text_x: float = 0.0
    anchor: str = "middle"
    beside: bool = False


@dataclass(frozen=True)
class Row:
    """One line of the picture; a heading has neither bars nor ticks."""

    y: float
    label: str
    heading: bool = False
    bars: tuple[Bar, ...] = ()
    ticks: str = ""  # an SVG path


@dataclass(frozen=True)
class Picture:
    """A whole picture; `marks` are the axis's (x, label)."""

    caption: str
    height: float
    rows: tuple[Row, ...]
    marks: tuple[tuple[float, str], ...]
    strike_x: float
    width: int = WIDTH
    left: int = LEFT
    right: int = WIDTH - RIGHT
    axis: int = AXIS


def pictures(run: Run, found: Figures) -> tuple[Picture, ...]:
    """Return the outage from close by, and then the whole drill; only that when it is hardly longer."""
    whole = Scale(_begin(run), run.ended_at - run.struck_at, LEFT, WIDTH - RIGHT)
    last = max([found.outage_s, *(phase.ended_s for phase in found.phases)], default=0.0)
    judged = [client.ended_s for client in found.clients if not client.note and client.outage_s > SHORTEST_GAP_S]
    end = max([last, *judged, 1.0]) * 1.05 + CLOSE_UP_AFTER_S
    close = Scale(max(whole.begin, -max(2.0, end * 0.1)), min(end, whole.end), LEFT, WIDTH - RIGHT)
    drawn = (_draw("The outage, from close by", run, found, close), _draw("The whole drill", run, found, whole))
    return drawn if whole.length > close.length * 1.5 else drawn[1:]


def _begin(run: Run) -> float:
    begins = [ledger.began - run.struck_at for ledger in run.clients.values()]
    return min([*(begin for begin in begins if begin > -600), -1.0])


def _draw(caption: str, run: Run, found: Figures, scale: Scale) -> Picture:
    placed: list[Row] = []
    y = float(AXIS)
    for row in (*_phases(found, scale), *_clients(run, found, scale), *_holders(run, scale)):
        y += HEAD - ROW if row.heading else 0
        placed.append(Row(y, row.label, row.heading, row.bars, row.ticks))
        y += ROW
    marks = tuple((scale.x(at), f"{at:g} s") for at in steps(scale.begin, scale.end))
    return Picture(caption, y + 8, tuple(placed), marks, scale.x(0))


def _heading(label: str) -> Row:
    return Row(0, label, heading=True)


def _phases(found: Figures, scale: Scale) -> Iterator[Row]:
    if found.phases:
        yield _heading("Steps")
    for phase in found.phases:
        title = f"{phase.name}: done {phase.ended_s:.2f} s after the fault, took {phase.took_s:.2f} s"
        bar = _bar(scale, phase.began_s, phase.ended_s, "step", title, text=f"{phase.took_s:.2f} s")
        yield Row(0, phase.name, bars=bar)


def _clients(run: Run, found: Figures, scale: Scale) -> Iterator[Row]:
    yield _heading("Writes answered")
    ledgers = {**run.clients, **run.direct}
    for client in found.clients:
        times = (at - run.struck_at for _seq, at in ledgers[client.name].acknowledged)
        gap: tuple[Bar, ...] = ()
        if client.through_vip and client.outage_s > SHORTEST_GAP_S:
            title = f"{client.name}: no answer from {client.began_s:.2f} to {client.ended_s:.2f} s after the fault"
            gap = _bar(scale, client.began_s, client.ended_s, "gap", title, text=f"{client.outage_s:.2f} s")
        yield Row(0, client.name, bars=gap, ticks=_ticks(scale, times))


def _ticks(scale: Scale, times: Iterator[float]) -> str:
    """Return a path with a stroke for each answer; those that fall on one place are one stroke."""
    places = sorted({floor(scale.x(at) * 2) / 2 for at in times if scale.begin <= at <= scale.end})
    return "".join(f"M{x:g} 0v11" for x in places)


def _holders(run: Run, scale: Scale) -> Iterator[Row]:
    nodes = data_nodes(run)
    for what in EXCLUSIVE:
        yield _heading(HOLDERS[what])
        for index, node in enumerate(nodes):
            spans = [span for span in run.spans if (span.what, span.node) == (what, node)]
            bars = [bar for span in spans for bar in _held(scale, span, f"node{min(index, 1)}", run.struck_at)]
            bars += [bar for clash in _clashes(run.spans, what) for bar in _held(scale, clash, "clash", run.struck_at)]
            yield Row(0, node, bars=tuple(bars))


def _held(scale: Scale, span: Span, kind: str, struck_at: float) -> tuple[Bar, ...]:
    begin, end = span.began - struck_at, span.ended - struck_at
    return _bar(scale, begin, end, kind, f"{span.node}: {begin:.2f} to {end:.2f} s after the fault")


def _clashes(spans: Sequence[Span], what: str) -> Iterator[Span]:
    """Yield when two nodes held the same thing, where it is more than the error of clocks."""
    for a, b in combinations([span for span in spans if span.what == what], 2):
        if are_at_once(a, b, CLOCK_SLACK_S):
            yield Span(what, "both at once", max(a.began, b.began), min(a.ended, b.ended))


def _bar(scale: Scale, begin: float, end: float, kind: str, title: str, *, text: str = "") -> tuple[Bar, ...]:
    """Return a bar and its text; none where nothing of it is in the picture."""
    if end < scale.begin or begin > scale.end:
        return ()
    x, until = scale.x(begin), scale.x(end)
    width = max(until - x, 2.0)
    if width > 9 * len(text):
        return (Bar(x, width, kind, title, text, x + width / 2),)
    right = x + width + 5
    if right + 8 * len(text) < scale.right:
        return (Bar(x, width, kind, title, text, right, "start", beside=True),)
    return (Bar(x, width, kind, title, text, x - 5, "end", beside=True),)
