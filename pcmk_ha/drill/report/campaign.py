"""What a campaign comes to, as plain values that can be printed as JSON and kept."""

from __future__ import annotations

from collections.abc import Sequence

from pcmk_ha.drill.evidence import Run
from pcmk_ha.drill.outage import merged_outage


def campaign_figures(seed: int, count: int, runs: Sequence[Run], differing_kib: int | None) -> dict[str, object]:
    """Return a campaign's figures; `differing_kib` is None where the copies were not compared."""
    return {
        "seed": seed,
        "count": count,
        "differing_kib": differing_kib,
        "drills": [{"number": number, **run_figures(run)} for number, run in enumerate(runs, 1)],
    }


def run_figures(run: Run) -> dict[str, object]:
    """Return one drill's figures; rows and problems are those of all clients together."""
    ledgers = (*run.clients.values(), *run.direct.values())
    return {
        "scenario": run.scenario,
        "date": run.date,
        "passed": run.passed,
        "outage_s": round(merged_outage(run), 2),
        "redundant_after_s": run.redundant_after_s,
        "acknowledged_rows": sum(len(ledger.acknowledged) for ledger in ledgers),
        "lost_rows": sum(len(ledger.lost) for ledger in ledgers),
        "fenced": list(run.fenced),
        "moved": run.serves != run.primary,
        "problems": list(run.problems),
    }
