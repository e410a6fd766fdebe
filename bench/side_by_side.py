#!/usr/bin/env python3
"""Breaks contenders in the same way and keeps what their clients saw, a line of JSON a run; `make bench`.

Contenders take turns, a block of all faults each, with one lab up at a time. What is in the results counts: a bench
that was cut short goes on where it ended.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from platformdirs import user_state_path
from side.contender import Contender, Site
from side.load import SCALE, fill, has_pgbench
from side.measure import conditions, measure, restore
from side.nodes import Failed
from side.ours import Ours
from side.patroni import Patroni
from side.records import CONTENDERS, FAULTS, is_measured, missing, parse_records
from side.textbook import Textbook

from pcmk_ha.errors import PcmkHaError

BUILDS = 2  # attempts
RESULTS = Path(__file__).parent / "results/side_by_side.jsonl"


def main() -> None:
    """Make every run that is missing."""
    wanted = arguments()
    if not has_pgbench():
        sys.exit("pgbench is missing: apt-get install postgresql")
    kept = parse_records(wanted.results.read_text()) if wanted.results.exists() else ()
    blocks = missing(kept, wanted.contender or CONTENDERS, wanted.fault or FAULTS, wanted.runs)
    print(f"{sum(len(faults) for _contender, faults in blocks)} runs are missing", flush=True)
    if wanted.plan:
        for contender, faults in blocks:
            print(f"{contender:16} {' '.join(faults)}")
        return
    for name, faults in blocks:
        play(make(name, wanted), faults, wanted)


def make(name: str, wanted: argparse.Namespace) -> Contender:
    """Return a contender by its name; its lab is not there yet."""
    folder = user_state_path("pcmk-ha") / "bench" / wanted.name
    site = Site(wanted.name, folder, wanted.suite)
    match name:
        case "pcmk-ha" | "pcmk-ha-arbiter":
            return Ours(site, arbiter=name.endswith("arbiter"))
        case "textbook" | "textbook-stock":
            return Textbook(site, stock=name.endswith("stock"))
        case _:
            return Patroni(site, fast=name.endswith("fast"))


def play(contender: Contender, faults: tuple[str, ...], wanted: argparse.Namespace) -> None:
    """Make a lab, play a block of faults in it, take it down; a contender that is not whole again gets a new lab."""
    built: dict[str, object] = {}
    try:
        for fault in faults:
            built = built or build(contender)
            record = unbuilt(contender, fault, built) if "failed" in built else measure(contender, fault, built)
            keep(record, wanted.results)
            if not is_measured(record) and "failed" not in built and not whole_again(contender):
                built = {}
    finally:
        if not wanted.keep:
            contender.site.down()


def build(contender: Contender) -> dict[str, object]:
    """Make lab, cluster and load, at the second attempt if need be; return the conditions, or why it cannot be done."""
    for attempt in range(BUILDS):
        begin = time.monotonic()
        print(f"{contender.name}: building", flush=True)
        try:
            contender.build()
            fill(contender.site.cluster, contender.password(), SCALE)
            found = conditions(contender)
        except (Failed, PcmkHaError, subprocess.TimeoutExpired, OSError) as error:
            why = f"could not be built: {' '.join(str(error).split())}"[:500]
            print(f"{contender.name}: attempt {attempt + 1}: {why}", flush=True)
        else:
            print(f"{contender.name}: built in {time.monotonic() - begin:.0f} s", flush=True)
            return found
    return {"failed": why}


def unbuilt(contender: Contender, fault: str, built: dict[str, object]) -> dict[str, object]:
    """Return the record of a run whose contender could not be built."""
    date = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    return {"contender": contender.name, "fault": fault, "date": date, "suite": contender.site.suite, **built}


def whole_again(contender: Contender) -> bool:
    """Whether the same lab can go on after a run that failed."""
    try:
        restore(contender)
    except (Failed, PcmkHaError):
        return False
    return True


def keep(record: dict[str, object], results: Path) -> None:
    """Append a run and say what came of it."""
    results.parent.mkdir(parents=True, exist_ok=True)
    with results.open("a") as file:
        file.write(json.dumps(record) + "\n")
    said = f"outage {record['outage_s']:6.2f} s" if is_measured(record) else f"FAILED: {record['failed']}"
    doubt = ", TWO PRIMARIES" if record.get("double_primary") else ""
    lost = f", {record['lost_rows']} rows LOST" if record.get("lost_rows") else ""
    print(f"{record['contender']:16} {record['fault']:16} {said}{lost}{doubt}", flush=True)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contender", action="append", choices=CONTENDERS, help="default: all, in turn")
    parser.add_argument("--fault", action="append", choices=FAULTS, help="default: all")
    parser.add_argument(
        "--runs", type=int, default=10, help="of each fault and contender, those that are there included"
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--suite", default="trixie")
    parser.add_argument("--name", default="bench", help="of the lab")
    parser.add_argument("--plan", action="store_true", help="only say which runs are missing")
    parser.add_argument("--keep", action="store_true", help="leave the last lab up")
    return parser.parse_args()


if __name__ == "__main__":
    main()
