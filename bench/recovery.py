#!/usr/bin/env python3
"""Measures the power loss of the primary against the log that the survivor must replay: 0, 128 MiB, 1 GiB.

What can be asked for is bounded by max_wal_size: PostgreSQL makes a checkpoint before that much is written.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import psycopg
from platformdirs import user_state_path
from side.contender import Contender, Site
from side.load import target
from side.measure import conditions, measure
from side.nodes import Failed
from side.records import is_measured
from side_by_side import make

from pcmk_ha.errors import PcmkHaError
from pcmk_ha.lab.network import enter
from pcmk_ha.lab.state import load_lab

RESULTS = Path(__file__).parent / "results/recovery.jsonl"
SIZES_MIB = (0, 128, 1024)
MARGIN = 0.8  # of max_wal_size: a checkpoint begins before all of it is written
ROW = 8000  # bytes
REDO = "SELECT (pg_current_wal_lsn() - redo_lsn) / 1048576 FROM pg_control_checkpoint()"
MIB = 1024 * 1024
UNITS = {"kB": 1 / 1024, "MB": 1, "GB": 1024, "TB": 1024 * 1024}


def main() -> None:
    """Measure what is missing, sizes in turn."""
    wanted = arguments()
    kept = [json.loads(line) for line in wanted.results.read_text().splitlines()] if wanted.results.exists() else []
    site = Site(wanted.name, user_state_path("pcmk-ha") / "bench" / wanted.name, wanted.suite)
    contender = make(wanted.contender, argparse.Namespace(name=wanted.name, suite=wanted.suite))
    plan = [
        size
        for turn in range(wanted.runs)
        for size in SIZES_MIB
        if sum((r["contender"], r["wal_mib"]) == (wanted.contender, size) for r in kept) <= turn
    ]
    if not plan:
        return
    try:
        contender.build()
        found = conditions(contender)
        for size in plan:
            keep(run(contender, size, found), wanted.results)
    finally:
        site.down()


def run(contender: Contender, size: int, found: dict[str, object]) -> dict[str, object]:
    """Write that much log after a checkpoint, and cut the power under the usual load."""
    try:
        redo = in_lab(contender, size)
    except (Failed, PcmkHaError, psycopg.Error) as error:
        return {"contender": contender.name, "wal_mib": size, "failed": str(error)[:500], **found}
    return {"wal_mib": size, "redo_mib": redo, **measure(contender, "power-loss", found)}


def in_lab(contender: Contender, size: int) -> float:
    """Write from inside the lab's network, in a child: there is no way back from a namespace."""
    import multiprocessing

    queue: multiprocessing.Queue[float | str] = multiprocessing.Queue()
    child = multiprocessing.Process(target=_write, args=(contender, size, queue))
    child.start()
    answer = queue.get(timeout=900)
    child.join(10)
    if isinstance(answer, str):
        raise Failed(answer)
    return answer


def _write(contender: Contender, size: int, queue: object) -> None:
    try:
        enter(load_lab(contender.site.lab).netns)
        with psycopg.connect(
            target(contender.site.cluster), password=contender.password(), autocommit=True
        ) as connection:
            queue.put(write(connection, size))  # type: ignore[attr-defined]
    except Exception as error:
        queue.put(f"{type(error).__name__}: {error}")  # type: ignore[attr-defined]


def write(connection: psycopg.Connection, size: int) -> float:
    """Return how many MiB a crash would now replay."""
    connection.execute("CREATE TABLE IF NOT EXISTS bench_recovery (filler text STORAGE PLAIN)")
    connection.execute("TRUNCATE bench_recovery")
    connection.execute("CHECKPOINT")
    row = connection.execute("SHOW max_wal_size").fetchone()
    goal = min(float(size), mib(row[0]) * MARGIN) if row else 0.0
    while goal > (redo := redo_mib(connection)):
        rows = max(1, int(min(goal - redo, 16) * MIB / ROW))
        connection.execute("INSERT INTO bench_recovery SELECT repeat('x', 7900) FROM generate_series(1, %s)", (rows,))
    return redo_mib(connection)


def redo_mib(connection: psycopg.Connection) -> float:
    """Return how much was written since the last checkpoint's beginning."""
    row = connection.execute(REDO).fetchone()
    return round(float(row[0]), 1) if row else 0.0


def mib(text: str) -> float:
    """Return MiB of a size as PostgreSQL shows it."""
    return float(text[:-2]) * UNITS[text[-2:]]


def keep(record: dict[str, object], results: Path) -> None:
    """Append a run."""
    results.parent.mkdir(parents=True, exist_ok=True)
    record.setdefault("date", time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()))
    with results.open("a") as file:
        file.write(json.dumps(record) + "\n")
    said = f"outage {record['outage_s']} s" if is_measured(record) else f"FAILED: {record['failed']}"
    print(f"{record['contender']} {record['wal_mib']} MiB, {record.get('redo_mib')} to replay: {said}", flush=True)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contender", choices=("pcmk-ha", "pcmk-ha-arbiter", "textbook"), default="pcmk-ha")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--suite", default="trixie")
    parser.add_argument("--name", default="bench-rec", help="of the lab")
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
