#!/usr/bin/env python3
"""Counts what should not happen: failovers and fencings while nothing is broken, only busy, slow or lossy.

cpu: every core of the primary is kept busy. pauses: the primary stands still for 0.2 to 2 s, every ten seconds.
loss: one packet in twenty that the primary sends on the cluster link is lost. --minutes each.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_state_path
from side.contender import Contender, Site
from side.load import WRITERS, Load
from side.measure import conditions, restore
from side.nodes import Failed
from side.records import CONTENDERS
from side_by_side import make

from pcmk_ha.client.process import WriterProcess
from pcmk_ha.errors import PcmkHaError
from pcmk_ha.lab import lab as the_lab
from pcmk_ha.lab.state import load_lab

RESULTS = Path(__file__).parent / "results/false_positives.jsonl"
PAUSES_S = (0.2, 0.5, 1.0, 1.5, 2.0)
PAUSE_EVERY_S = 10.0
LOSS = "loss 5%"
BUSY = 4  # loops of a shell: more than a lab node has cores
LOOK_S = 2.0
SEED = 1


@dataclass(frozen=True)
class Life:
    """Which life every node is in, and who serves: any change is a failover or a fencing."""

    boots: tuple[str, ...]
    primary: str


def main() -> None:
    """Disturb, and count."""
    wanted = arguments()
    site = Site(wanted.name, user_state_path("pcmk-ha") / "bench" / wanted.name, wanted.suite)
    kept = [json.loads(line) for line in wanted.results.read_text().splitlines()] if wanted.results.exists() else []
    for name in wanted.contender or ("pcmk-ha", "textbook", "patroni", "patroni-fast"):
        left = [d for d in DISTURBANCES if not any(_is(r, name, wanted.profile, d) for r in kept)]
        if not left:
            continue
        contender = make(name, argparse.Namespace(name=wanted.name, suite=wanted.suite))
        try:
            build(contender, wanted.profile)
            found = conditions(contender)
            for disturbance in left:
                keep(
                    {**run(contender, disturbance, wanted.minutes), "profile": wanted.profile or "default", **found},
                    wanted,
                )
        finally:
            site.down()


def _is(record: dict[str, object], name: str, profile: str, disturbance: str) -> bool:
    known = (record["contender"], record.get("profile"), record["disturbance"])
    return known == (name, profile or "default", disturbance)


def build(contender: Contender, profile: str) -> None:
    """Build a contender, ours by a profile where its cluster file knows any."""
    contender.build()
    if profile and contender.name.startswith("pcmk-ha"):
        file = contender.site.file
        file.write_text(f"{file.read_text()}profile: {profile}\n")
        contender.site.run("apply", "--yes")


def run(contender: Contender, disturbance: str, minutes: float) -> dict[str, object]:
    """Disturb a healthy contender under load and return what that set off."""
    record: dict[str, object] = {
        "contender": contender.name, "disturbance": disturbance, "minutes": minutes,
        "date": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
    }  # fmt: skip
    cluster, password = contender.site.cluster, contender.password()
    failovers = fencings = 0
    try:
        with Load(cluster, password), WriterProcess(cluster, password, kinds=WRITERS) as writer:
            writer.await_writes(20, timeout_s=60)
            before = life(contender)
            until = time.monotonic() + minutes * 60
            while (left := until - time.monotonic()) > 0:
                DISTURBANCES[disturbance](contender, before.primary, min(left, 60))
                after = life(contender)
                failovers += after.primary != before.primary
                fencings += sum(old != new for old, new in zip(before.boots, after.boots, strict=True))
                if after != before:
                    restore(contender)
                    after = life(contender)
                before = after
    except (Failed, PcmkHaError) as error:
        return {**record, "failed": str(error)[:500]}
    return {**record, "failovers": failovers, "fencings": fencings}


def life(contender: Contender) -> Life:
    """Look, until everybody answers: a node that was fenced is booting."""
    deadline = time.monotonic() + 180
    while True:
        nodes = [node.name for node in load_lab(contender.site.lab).spec.nodes]
        boots = tuple(contender.site.nodes.ask(node, "cat /proc/sys/kernel/random/boot_id").strip() for node in nodes)
        try:
            if all(boots):
                return Life(boots, contender.primary())
        except Failed:
            pass
        if time.monotonic() > deadline:
            raise Failed("nobody serves, or a node does not answer, three minutes after a disturbance")
        time.sleep(LOOK_S)


def saturate(contender: Contender, node: str, seconds: float) -> None:
    """Keep every core of a node busy; it ends by itself."""
    loops = f"for n in $(seq {BUSY}); do timeout {seconds:.0f} sh -c 'while :; do :; done' & done; wait"
    contender.site.nodes.ask(node, loops, timeout=seconds + 60)


def pause(contender: Contender, node: str, seconds: float) -> None:
    """Have a node stand still again and again."""
    chosen = random.Random(f"{SEED}{seconds:.3f}")
    lab = load_lab(contender.site.lab)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        the_lab.freeze(lab, node)
        time.sleep(chosen.choice(PAUSES_S))
        the_lab.thaw(lab, node)
        time.sleep(PAUSE_EVERY_S)


def lose(contender: Contender, node: str, seconds: float) -> None:
    """Lose packets that a node sends; heals by itself."""
    script = (
        f"modprobe sch_netem; tc qdisc replace dev vec0 root netem {LOSS}; sleep {seconds:.0f}; "
        "tc qdisc del dev vec0 root"
    )
    contender.site.nodes.ask(node, script, timeout=seconds + 60)


DISTURBANCES: dict[str, Callable[[Contender, str, float], None]] = {"cpu": saturate, "pauses": pause, "loss": lose}


def keep(record: dict[str, object], wanted: argparse.Namespace) -> None:
    """Append what was counted."""
    wanted.results.parent.mkdir(parents=True, exist_ok=True)
    with wanted.results.open("a") as file:
        file.write(json.dumps(record) + "\n")
    said = record.get("failed") or f"{record['failovers']} failovers, {record['fencings']} fencings"
    print(f"{record['contender']} {record['disturbance']} {wanted.minutes:g} min: {said}", flush=True)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contender", action="append", choices=CONTENDERS)
    parser.add_argument("--profile", default="", help="of our own cluster file, where it knows profiles")
    parser.add_argument("--minutes", type=float, default=10, help="for each disturbance")
    parser.add_argument("--suite", default="trixie")
    parser.add_argument("--name", default="bench-fp", help="of the lab")
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
