"""Medians, 95th percentiles, spreads and ratios of what was measured. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

from side.records import CONTENDERS, FAULTS, Record, is_measured


@dataclass(frozen=True)
class Line:
    """All runs of one contender under one fault; seconds."""

    contender: str
    fault: str
    runs: int
    failed: int
    median_s: float | None  # None: no run came to figures
    p95_s: float | None
    least_s: float | None
    most_s: float | None
    lost: int
    double: int  # runs in which two servers took writes, or two nodes held what one may hold
    ratio: float | None = None  # to the contender everything is compared with


def percentile(values: Sequence[float], share: int) -> float:
    """Return the smallest value that `share` percent of all do not exceed (nearest rank): one that was measured."""
    return sorted(values)[max(0, ceil(len(values) * share / 100) - 1)]


def lines(records: Iterable[Record], *, base: str = CONTENDERS[0]) -> tuple[Line, ...]:
    """Return a line for each contender and fault that was played, fault by fault."""
    kept = tuple(records)
    found = []
    for fault in FAULTS:
        of_fault = [record for record in kept if record["fault"] == fault]
        reference = _outages(record for record in of_fault if record["contender"] == base)
        for contender in CONTENDERS:
            own = [record for record in of_fault if record["contender"] == contender]
            if own:
                found.append(_line(contender, fault, own, median(reference) if reference else None))
    return tuple(found)


def _outages(records: Iterable[Record]) -> list[float]:
    return [float(record["outage_s"]) for record in records if is_measured(record)]


def _line(contender: str, fault: str, records: Sequence[Record], reference: float | None) -> Line:
    outages = _outages(records)
    measured = [record for record in records if is_measured(record)]
    middle = median(outages) if outages else None
    return Line(
        contender=contender,
        fault=fault,
        runs=len(records),
        failed=len(records) - len(measured),
        median_s=middle,
        p95_s=percentile(outages, 95) if outages else None,
        least_s=min(outages, default=None),
        most_s=max(outages, default=None),
        lost=sum(int(record["lost_rows"]) for record in measured),
        double=sum(bool(record["double_primary"]) for record in measured),
        ratio=middle / reference if middle is not None and reference else None,
    )


TITLES = ("fault", "contender", "runs", "failed", "median", "p95", "spread", "ratio", "lost rows", "two primaries")


def table(found: Sequence[Line]) -> str:
    """Return the lines as a table of Markdown."""
    rows = [TITLES, ("---",) * len(TITLES), *(_cells(line) for line in found)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cells(line: Line) -> tuple[str, ...]:
    spread = f"{line.least_s:.1f}-{line.most_s:.1f} s" if line.least_s is not None else "-"
    return (
        line.fault, line.contender, str(line.runs), str(line.failed), _s(line.median_s), _s(line.p95_s), spread,
        f"{line.ratio:.2f}" if line.ratio is not None else "-", str(line.lost), str(line.double),
    )  # fmt: skip


def _s(value: float | None) -> str:
    return f"{value:.1f} s" if value is not None else "-"
