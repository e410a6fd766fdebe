#!/usr/bin/env python3
"""Measures what a commit costs: pgbench on the local disk, on DRBD protocol C, on Patroni with synchronous replication.

The data are larger than shared_buffers, the server's own settings the same for all three: those of PostgreSQL itself
but for what Patroni must set. Clients go past the VIP to the primary, so that no proxy is measured. On the local
disk it is Patroni's primary, whose standby has no power.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from pathlib import Path

from platformdirs import user_state_path
from side.contender import DATA_NODES, Contender, Site
from side.load import fill, pgbench
from side.measure import conditions
from side.nodes import Failed, Nodes, await_true
from side.numbers import percentile
from side.patroni import CTL, Patroni
from side.textbook import Textbook

from pcmk_ha.errors import PcmkHaError
from pcmk_ha.lab import lab as the_lab
from pcmk_ha.lab.state import load_lab

RESULTS = Path(__file__).parent / "results/throughput.jsonl"
SCALE = 30  # about 450 MiB; shared_buffers are 128 MiB, as PostgreSQL itself has them
CLIENTS = (1, 8, 32)
STORAGES = ("local", "drbd-c", "patroni-sync")
TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


def main() -> None:
    """Measure what is missing, storages in turn."""
    wanted = arguments()
    kept = [json.loads(line) for line in wanted.results.read_text().splitlines()] if wanted.results.exists() else []
    for turn in range(wanted.runs):
        for storage in wanted.storage or STORAGES:
            have = [sum((r["storage"], r["clients"]) == (storage, n) for r in kept) for n in CLIENTS]
            left = [n for n, number in zip(CLIENTS, have, strict=True) if number <= turn]
            if left:
                play(storage, left, wanted)


def play(storage: str, clients: list[int], wanted: argparse.Namespace) -> None:
    """Build a contender, measure, take it down."""
    site = Site(wanted.name, user_state_path("pcmk-ha") / "bench" / wanted.name, wanted.suite)
    contender: Contender = Textbook(site) if storage == "drbd-c" else Patroni(site)
    try:
        contender.build()
        prepare(contender, storage)
        found = conditions(contender)
        for number in clients:
            keep(
                {"storage": storage, "clients": number, **bench(contender, number, wanted.seconds), **found},
                wanted.results,
            )
    except (Failed, PcmkHaError) as error:
        for number in clients:
            keep({"storage": storage, "clients": number, "failed": str(error)[:500]}, wanted.results)
    finally:
        site.down()


def prepare(contender: Contender, storage: str) -> None:
    """Have the same settings everywhere, and the tables."""
    nodes = contender.site.nodes
    if storage == "local":
        nodes.run("node1", f"{CTL} edit-config --force -s synchronous_mode=false")
        primary = contender.primary()
        await_true(lambda: not waits_for_standby(nodes, primary), "commits that wait for nobody", timeout_s=60)
        standby = next(node for node in DATA_NODES if node != primary)
        the_lab.power(load_lab(contender.site.lab), standby, "off")
    fill(contender.site.cluster, contender.password(), SCALE, host=address(contender))


def address(contender: Contender) -> str:
    """Return the primary's own address."""
    primary = contender.primary()
    return next(str(node.address) for node in contender.site.cluster.nodes if node.name == primary)


def waits_for_standby(nodes: Nodes, primary: str) -> bool:
    """Whether a commit is answered only when a standby has it."""
    ask = "cd / && runuser -u postgres -- psql -qAtX -c 'SHOW synchronous_standby_names'"
    return bool(nodes.run(primary, ask).strip())


def bench(contender: Contender, clients: int, seconds: int) -> dict[str, object]:
    """Return TPS and the 99th percentile of latencies."""
    cluster = contender.site.cluster
    with tempfile.TemporaryDirectory(prefix="pt-", dir="/tmp") as folder:
        options = ("-n", "-c", str(clients), "-j", "2", "-T", str(seconds), "-l", f"--log-prefix={folder}/log")
        said = pgbench(cluster, contender.password(), *options, host=address(contender), timeout=seconds + 120)
        latencies = [
            int(line.split()[2]) / 1000
            for log in Path(folder).iterdir()
            for line in log.read_text().splitlines()
            if line
        ]
    match = TPS.search(said)
    if not match or not latencies:
        raise Failed(f"pgbench said no figure: {said[-200:]}")
    return {"tps": float(match[1]), "p99_ms": round(percentile(latencies, 99), 2), "seconds": seconds, "scale": SCALE}


def keep(record: dict[str, object], results: Path) -> None:
    """Append a measurement."""
    results.parent.mkdir(parents=True, exist_ok=True)
    record = {**record, "date": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())}
    with results.open("a") as file:
        file.write(json.dumps(record) + "\n")
    print({key: record[key] for key in ("storage", "clients", "tps", "p99_ms", "failed") if key in record}, flush=True)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--storage", action="append", choices=STORAGES, help="default: all, in turn")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--suite", default="trixie")
    parser.add_argument("--name", default="bench-tp", help="of the lab")
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
