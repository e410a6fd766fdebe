"""Tables of phases, conditions, throughput, recovery and false positives from their raw data. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from side.picture import middle
from side.records import CONTENDERS, FAULTS, Record, is_measured

NOTHING = "(nothing measured yet)\n"


def markdown(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table."""
    if not rows:
        return NOTHING
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def phases_table(records: Sequence[Record]) -> str:
    """Return each contender's middle run, step by step: timers + work, and what a fork costs beside it."""
    rows: list[tuple[object, ...]] = []
    for fault in FAULTS:
        for contender in CONTENDERS:
            run = middle(r for r in records if (r["fault"], r["contender"]) == (fault, contender))
            if run is None:
                continue
            told = ", ".join(f"{p['name']} {p['timer_s']:.1f} + {p['work_s']:.1f}" for p in run["phases"])
            fork = run.get("fork_exec_ms", {})
            rows.append((fault, contender, told or "-", f"{fork.get('node', '?')} / {fork.get('host', '?')} ms"))
    return markdown(("fault", "contender", "steps: timers + work, s", "fork+exec: node / host"), rows)


def conditions_text(records: Sequence[Record]) -> str:
    """Return every set of conditions that runs were made under, with how many."""
    found: dict[str, int] = defaultdict(int)
    for record in records:
        if not is_measured(record):
            continue
        versions = ", ".join(f"{name} {version}" for name, version in sorted(record.get("versions", {}).items()))
        found[
            f"{record['contender']}: Debian {record['suite']}, node kernel {record.get('kernel')}, host kernel "
            f"{record.get('host_kernel')}, {record.get('cores')} cores, commit {record.get('commit')}; {versions}"
        ] += 1
    return "".join(f"* {text} ({count} run{'s' * (count != 1)})\n" for text, count in sorted(found.items())) or NOTHING


def throughput_table(records: Iterable[dict[str, Any]]) -> str:
    """Return transactions a second and p99 latencies, with their ratio to the local disk."""
    by_place: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        if is_measured(record):
            by_place[record["storage"], record["clients"]].append(record)
    rows = []
    for (storage, clients), runs in sorted(by_place.items(), key=lambda item: (item[0][1], item[0][0])):
        tps, p99 = (median(run[what] for run in runs) for what in ("tps", "p99_ms"))
        local = by_place.get(("local", clients), [])
        ratios = [
            f"{value / median(run[what] for run in local):.2f}" if local else "-"
            for value, what in ((tps, "tps"), (p99, "p99_ms"))
        ]
        rows.append((clients, storage, len(runs), f"{tps:.0f}", ratios[0], f"{p99:.1f} ms", ratios[1]))
    return markdown(("clients", "storage", "runs", "TPS", "ratio", "p99", "ratio"), rows)


def recovery_table(records: Iterable[dict[str, Any]]) -> str:
    """Return the failover's time against the log to replay."""
    by_size: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        if is_measured(record):
            by_size[record["contender"], record["wal_mib"]].append(record)
    rows = [
        (contender, size, f"{median(r['redo_mib'] for r in runs):.0f}", len(runs),
         f"{median(r['outage_s'] for r in runs):.1f} s", f"{min(r['outage_s'] for r in runs):.1f}-"
         f"{max(r['outage_s'] for r in runs):.1f} s")
        for (contender, size), runs in sorted(by_size.items())
    ]  # fmt: skip
    return markdown(("contender", "written, MiB", "to replay, MiB", "runs", "median outage", "spread"), rows)


def false_positives_table(records: Iterable[dict[str, Any]]) -> str:
    """Return what each disturbance set off, by profile."""
    rows = [
        (r["contender"], r.get("profile", "-"), r["disturbance"], f"{r['minutes']:g}", r["failovers"], r["fencings"])
        if is_measured(r) else (r["contender"], r.get("profile", "-"), r["disturbance"], "-", "failed", r["failed"])
        for r in records
    ]  # fmt: skip
    return markdown(("contender", "profile", "disturbance", "minutes", "failovers", "fencings"), rows)
