"""Many runs side by side. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

from pcmk_ha.drill.evidence import Run
from pcmk_ha.drill.outage import merged_outage


@dataclass(frozen=True)
class Line:
    """All runs of one scenario; outages and redundancy in seconds."""

    scenario: str
    runs: int
    passed: int
    outage_median_s: float
    outage_p95_s: float
    outage_max_s: float
    redundancy_median_s: float | None  # of the runs that were redundant again; None: none was
    lost: int  # acknowledged rows that were missing, all clients of all runs


def compare(runs: Iterable[Run]) -> tuple[Line, ...]:
    """Return one line a scenario, in the order of names."""
    by_scenario: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_scenario[run.scenario].append(run)
    return tuple(_line(name, by_scenario[name]) for name in sorted(by_scenario))


def _line(scenario: str, runs: Sequence[Run]) -> Line:
    outages = [merged_outage(run) for run in runs]
    redundant = [run.redundant_after_s for run in runs if run.redundant_after_s is not None]
    return Line(
        scenario=scenario,
        runs=len(runs),
        passed=sum(run.passed for run in runs),
        outage_median_s=median(outages),
        outage_p95_s=percentile(outages, 95),
        outage_max_s=max(outages),
        redundancy_median_s=median(redundant) if redundant else None,
        lost=sum(len(ledger.lost) for run in runs for ledger in (*run.clients.values(), *run.direct.values())),
    )


def percentile(values: Sequence[float], share: int) -> float:
    """Return the smallest value that `share` percent of all do not exceed (nearest rank): one that was measured."""
    return sorted(values)[max(0, ceil(len(values) * share / 100) - 1)]


TITLES = ("drill", "runs", "passed", "outage median", "p95", "max", "redundant", "lost rows")


def compare_text(lines: Sequence[Line]) -> str:
    """Return the lines as a table of plain text."""
    rows = [TITLES, *(_cells(line) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(TITLES))]
    return "".join(_aligned(row, widths) for row in rows)


def _cells(line: Line) -> tuple[str, ...]:
    redundant = f"{line.redundancy_median_s:.1f} s" if line.redundancy_median_s is not None else "never"
    times = (line.outage_median_s, line.outage_p95_s, line.outage_max_s)
    numbers = (f"{line.runs}", f"{line.passed}", *(f"{time:.2f} s" for time in times), redundant, f"{line.lost}")
    return (line.scenario, *numbers)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    first = row[0].ljust(widths[0])
    rest = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
    return "   ".join((first, *rest)) + "\n"
