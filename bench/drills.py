#!/usr/bin/env python3
"""Plays every drill in a lab of its own and keeps what was measured, a line of JSON each; `make drills`.

A drill that fails is said, its evidence stays where `pcmk-ha drill` keeps it, and the rest goes on in a new lab.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pcmk_ha.drill.evidence import Run
from pcmk_ha.drill.outage import merged_outage
from pcmk_ha.drill.report.store import load_runs

PROGRAM = str(Path(sys.executable).with_name("pcmk-ha"))
RESULTS = Path(__file__).parent / "results/drills.jsonl"


@dataclass(frozen=True)
class Place:
    """A lab and the folder of its cluster file."""

    name: str
    folder: Path
    options: tuple[str, ...]

    def run(self, *argv: str, ok: Sequence[int] = (0,)) -> subprocess.CompletedProcess[str]:
        """Run pcmk-ha; what it printed is shown when it fails."""
        done = subprocess.run((PROGRAM, *argv), cwd=self.folder, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode not in ok:
            sys.exit(f"{argv} ended with {done.returncode}\n{done.stdout}")
        return done

    def build(self) -> None:
        """Make lab and cluster anew, whatever was there."""
        self.run("lab", "down", "--name", self.name)
        self.run("lab", "up", "--name", self.name, "--hours", "8", *self.options)
        for old in self.folder.iterdir():
            old.unlink()
        self.run("init", "--lab", self.name)
        self.run("bootstrap", "--yes")

    def is_healthy(self) -> bool:
        """Whether the next drill may begin."""
        for _look in range(30):
            if self.run("status", ok=(0, 1, 10, 11)).returncode == 0:
                return True
            time.sleep(2)
        return False


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
    able = [s for s in listed if (wanted.arbiter or not s["needs_arbiter"]) and (s["core"] or not wanted.core)]
    return wanted.scenarios or [s["name"] for s in able]


def play(place: Place, name: str, wanted: argparse.Namespace) -> bool:
    """Play one drill, keep its figures, and return whether it passed."""
    begin = time.monotonic()
    done = place.run("drill", "run", name, "--json", ok=(0, 1, 4))
    if done.returncode == 4:
        print(f"{name:36} refused", flush=True)
        return False
    (run,) = load_runs(done.stdout)
    figures = measured(run) | {"suite": wanted.suite, "arbiter": wanted.arbiter}
    wanted.results.parent.mkdir(exist_ok=True)
    with wanted.results.open("a") as file:
        file.write(json.dumps(figures) + "\n")
    said = "passed" if run.passed else f"FAILED: {'; '.join(run.problems)}"
    took = time.monotonic() - begin
    print(f"{name:36} outage {figures['outage_s']:6.2f} s  took {took:4.0f} s  {said}", flush=True)
    return run.passed


def measured(run: Run) -> dict[str, Any]:
    """Return the figures of one run."""
    return {
        "scenario": run.scenario, "date": run.date, "passed": run.passed, "outage_s": round(merged_outage(run), 2),
        "redundant_after_s": run.redundant_after_s,
        "lost_rows": sum(len(ledger.lost) for ledger in run.clients.values()),
        "fenced": list(run.fenced), "moved": run.serves != run.primary,
    }  # fmt: skip


if __name__ == "__main__":
    main()
