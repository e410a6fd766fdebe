#!/usr/bin/env python3
"""Plays every drill in a lab of its own and keeps what was measured, a line of JSON each; `make drills`.

A drill that fails is said, its evidence stays where `pcmk-ha drill` keeps it, and the rest goes on in a new lab.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from place import Place

from pcmk_ha.drill.report.campaign import run_figures
from pcmk_ha.drill.report.store import load_runs

RESULTS = Path(__file__).parent / "results/drills.jsonl"


def main() -> None:
    """Play what was asked for."""
    wanted = arguments()
    options = ("--suite", wanted.suite, *(("--arbiter",) if wanted.arbiter else ()))
    failed = []
    with tempfile.TemporaryDirectory(prefix="pd-", dir="/tmp") as folder:
        place = Place(wanted.name, Path(folder), options)
        try:
            place.build()
            for name in names(place, wanted) * wanted.times:
                if not play(place, name, wanted):
                    failed.append(name)
                if not place.is_healthy():
                    print("the cluster is not healthy again: a new one", flush=True)
                    place.build()
        finally:
            place.run("lab", "down", "--name", place.name)
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", help="default: all that can be played")
    parser.add_argument("--core", action="store_true", help="only the most important")
    parser.add_argument("--suite", default="trixie")
    parser.add_argument("--arbiter", action="store_true")
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--name", default="drills", help="of the lab")
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args()


def names(place: Place, wanted: argparse.Namespace) -> list[str]:
    """Return which scenarios to play, in order."""
    listed = json.loads(place.run("drill", "list", "--json").stdout)
    able = [
        s
        for s in listed
        if (wanted.arbiter or not s["needs_arbiter"]) and (s["core"] or not wanted.core) and s["agents"] in ("", "own")
    ]
    return wanted.scenarios or [s["name"] for s in able]


def play(place: Place, name: str, wanted: argparse.Namespace) -> bool:
    """Play one drill, keep its figures, and return whether it passed."""
    begin = time.monotonic()
    done = place.run("drill", "run", name, "--json", ok=(0, 1, 4))
    if done.returncode == 4:
        print(f"{name:36} refused", flush=True)
        return False
    (run,) = load_runs(done.stdout)
    figures = run_figures(run) | {"suite": wanted.suite, "arbiter": wanted.arbiter}
    wanted.results.parent.mkdir(exist_ok=True)
    with wanted.results.open("a") as file:
        file.write(json.dumps(figures) + "\n")
    said = "passed" if run.passed else f"FAILED: {'; '.join(run.problems)}"
    took = time.monotonic() - begin
    print(f"{name:36} outage {figures['outage_s']:6.2f} s  took {took:4.0f} s  {said}", flush=True)
    return run.passed


if __name__ == "__main__":
    main()
