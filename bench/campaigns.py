#!/usr/bin/env python3
"""Plays a campaign in a lab of its own and keeps its drills, a line of JSON each; `make campaigns`.

The first violation ends it and leaves the lab as it is. Run again, a campaign that was cut short goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from place import PROGRAM, Place
from platformdirs import user_state_path

RESULTS = Path(__file__).parent / "results/campaigns.jsonl"


def main() -> None:
    """Play, keep, and take the lab down."""
    wanted = arguments()
    name = wanted.name or f"campaign-{wanted.seed}"
    place = Place(name, wanted.folder or user_state_path("pcmk-ha") / "bench" / name, options(wanted))
    place.folder.mkdir(parents=True, exist_ok=True)
    if not place.is_up():
        place.build()
    command = (PROGRAM, "drill", "campaign", "--json", "--seed", str(wanted.seed), "--count", str(wanted.count))
    done = subprocess.run(command, cwd=place.folder, stdout=subprocess.PIPE, text=True, check=False)
    if done.stdout:
        keep(json.loads(done.stdout), wanted)
    if done.returncode:
        sys.exit(f"the campaign ended with {done.returncode}; the lab {place.name} stays")
    place.run("lab", "down", "--name", place.name)


def keep(campaign: dict[str, object], wanted: argparse.Namespace) -> None:
    """Write a line for each drill, in place of what an earlier part of the same campaign left."""
    drills = campaign.pop("drills")
    assert isinstance(drills, list)
    conditions = campaign | {"suite": wanted.suite, "arbiter": wanted.arbiter, "side_by_side": wanted.side_by_side}
    old = RESULTS.read_text().splitlines() if RESULTS.exists() else []
    others = [line for line in old if json.loads(line)["seed"] != wanted.seed]
    RESULTS.write_text("\n".join([*others, *(json.dumps(conditions | drill) for drill in drills)]) + "\n")


def options(wanted: argparse.Namespace) -> tuple[str, ...]:
    """Return what `lab up` needs."""
    return ("--suite", wanted.suite, *(("--arbiter",) if wanted.arbiter else ()))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=70)
    parser.add_argument("--suite", default="trixie")
    parser.add_argument("--arbiter", action="store_true")
    parser.add_argument("--name", help="of the lab")
    parser.add_argument("--folder", type=Path, help="of the lab's cluster file")
    parser.add_argument("--side-by-side", type=int, default=1, help="labs that ran at once, for the record")
    return parser.parse_args()


if __name__ == "__main__":
    main()
