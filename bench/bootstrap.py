#!/usr/bin/env python3
"""Times empty lab nodes to a verified serving cluster, with two and with three votes, in turn.

Prints medians, spread and ratio with the conditions; `make bench-bootstrap`.
"""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 3
PROGRAM = str(Path(sys.executable).with_name("pcmk-ha"))


def run(folder: Path, *argv: str) -> None:
    """Run pcmk-ha; what it printed is shown when it fails."""
    done = subprocess.run((PROGRAM, *argv), cwd=folder, capture_output=True, text=True, timeout=900, check=False)
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)


def measure(name: str, *options: str) -> tuple[float, float]:
    """Make a lab, time `lab up` and `bootstrap`, take the lab down."""
    with tempfile.TemporaryDirectory(prefix="pb-", dir="/tmp") as root:
        folder = Path(root)
        try:
            begin = time.monotonic()
            run(folder, "lab", "up", "--name", name, "--hours", "1", *options)
            up = time.monotonic() - begin
            run(folder, "init", "--lab", name)
            begin = time.monotonic()
            run(folder, "bootstrap", "--yes")
            return up, time.monotonic() - begin
        finally:
            run(folder, "lab", "down", "--name", name)


def help_seconds() -> float:
    """Best of five: how long `pcmk-ha --help` takes."""
    times = []
    for _run in range(5):
        begin = time.monotonic()
        subprocess.run((PROGRAM, "--help"), capture_output=True, timeout=30, check=True)
        times.append(time.monotonic() - begin)
    return min(times)


def main() -> None:
    """Measure in turn, so that a noisy machine is noisy for both."""
    measure("bench")  # makes the image, if it must be made
    found: dict[str, list[tuple[float, float]]] = {"two votes": [], "three votes": []}
    for _run in range(RUNS):
        found["two votes"].append(measure("bench"))
        found["three votes"].append(measure("bench", "--arbiter"))
    print(f"{os.cpu_count()} cores, {platform.platform()}, Debian 13 nodes, {RUNS} runs each, in turn")
    medians = {}
    for name, pairs in found.items():
        up, bootstrap = zip(*pairs, strict=True)
        medians[name] = statistics.median(bootstrap)
        print(
            f"{name:12} lab up {statistics.median(up):5.1f} s   empty nodes to verified serving cluster: "
            f"median {medians[name]:5.1f} s, {min(bootstrap):.1f}-{max(bootstrap):.1f} s"
        )
    print(f"third node: {100 * (medians['three votes'] / medians['two votes'] - 1):+.0f} %")
    print(f"pcmk-ha --help: {help_seconds():.2f} s")


if __name__ == "__main__":
    if not shutil.which(PROGRAM):
        sys.exit("run it through `make bench-bootstrap`")
    main()
