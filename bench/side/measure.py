"""One run: clients write, it breaks, it is put back to whole, and what the clients saw is counted."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from platformdirs import user_state_path

from pcmk_ha.client.clock import now
from pcmk_ha.client.ledger import Ledger
from pcmk_ha.client.process import WriterProcess
from pcmk_ha.drill.collect import Collected, collect
from pcmk_ha.drill.evidence import Event, Run
from pcmk_ha.drill.outage import client_outage, first_write_at, merged_outage
from pcmk_ha.drill.spans import CLOCK_SLACK_S, find_overlaps, find_spans
from pcmk_ha.drill.timeline import read_journal, read_postgresql
from pcmk_ha.drill.watch import Watchers
from pcmk_ha.drill.writers import double_writers
from pcmk_ha.errors import PcmkHaError
from pcmk_ha.lab import lab as the_lab
from pcmk_ha.lab.network import set_link
from pcmk_ha.lab.state import Lab, load_lab
from pcmk_ha.operate.secrets import no_secrets
from pcmk_ha.operate.session import open_session
from pcmk_ha.scrub.patterns import mask_patterns
from side.contender import DATA_NODES, Contender
from side.load import CLIENTS, RATE, SCALE, WRITERS, Load, direct, write_out
from side.nodes import Failed, await_true
from side.phases import as_records, steps

FROZEN_S, CUT_S = 20, 30
LOADED_S = 10  # since a checkpoint; how long a failover takes with more to replay: see recovery.py
OUTAGE_S = 240.0  # longer is a run that failed
WHOLE_S = 420.0
FORKS = 100
FORK_SCRIPT = f"i=0; while [ $i -lt {FORKS} ]; do /bin/true; i=$((i+1)); done"


@dataclass(frozen=True)
class Scene:
    """Who is who when a fault strikes."""

    contender: Contender
    primary: str
    standby: str

    @property
    def lab(self) -> Lab:
        """The lab it strikes."""
        return load_lab(self.contender.site.lab)


def power_loss(scene: Scene) -> None:
    """Cut the primary's power."""
    the_lab.power(scene.lab, scene.primary, "off")


def standby_loss(scene: Scene) -> None:
    """Cut the standby's power."""
    the_lab.power(scene.lab, scene.standby, "off")


def switchover(scene: Scene) -> None:
    """Move the service on purpose."""
    scene.contender.switch_over(scene.standby)


def postmaster_kill(scene: Scene) -> None:
    """Kill PostgreSQL's first process without a chance to clean up."""
    script = f'kill -9 "$(head -n 1 {scene.contender.pid_file()})"'
    scene.contender.site.nodes.run(scene.primary, script)


def freeze(scene: Scene) -> None:
    """Have the primary hang for a while, its power on."""
    the_lab.freeze(scene.lab, scene.primary)
    time.sleep(FROZEN_S)
    with contextlib.suppress(PcmkHaError):  # fenced meanwhile
        the_lab.thaw(scene.lab, scene.primary)


def link_cut(scene: Scene) -> None:
    """Pull the cable out of the primary that clients, fencing and (but for a second link) the cluster use."""
    set_link(scene.lab.spec, scene.primary, "cluster", up=False)
    try:
        time.sleep(CUT_S)
    finally:
        set_link(scene.lab.spec, scene.primary, "cluster", up=True)


ACTS: Mapping[str, Callable[[Scene], None]] = {
    "power-loss": power_loss, "switchover": switchover, "standby-loss": standby_loss,
    "postmaster-kill": postmaster_kill, "freeze": freeze, "link-cut": link_cut,
}  # fmt: skip


def measure(contender: Contender, fault: str, conditions: Mapping[str, Any]) -> dict[str, Any]:
    """Make one run and return its record; one that could not be made has `failed` with the reason."""
    begun = datetime.now(UTC).isoformat(timespec="seconds")
    record = {"contender": contender.name, "fault": fault, "date": begun, "load_average": round(os.getloadavg()[0], 1)}
    try:
        return {**record, **_measure(contender, fault, begun), **conditions}
    except (Failed, PcmkHaError, subprocess.TimeoutExpired, OSError) as error:
        return {**record, "failed": " ".join(str(error).split())[:500], **conditions}


def _measure(contender: Contender, fault: str, begun: str) -> dict[str, Any]:
    site, cluster = contender.site, contender.site.cluster
    primary = contender.primary()
    scene = Scene(contender, primary, next(node for node in DATA_NODES if node != primary))
    names = tuple(kind.name for kind in WRITERS)
    kinds = (*WRITERS, *direct(cluster))
    password = contender.password()
    with (
        Watchers(cluster) as watchers,
        Load(cluster, password),
        WriterProcess(cluster, password, kinds=kinds) as writer,
    ):
        writer.await_writes(20, timeout_s=60, clients=names)
        await_true(watchers.all_watched, "a watcher on every node", timeout_s=30, every_s=0.2)
        write_out(cluster, password)
        time.sleep(LOADED_S)
        struck_at = now()
        ACTS[fault](scene)
        writer.await_writes(5, timeout_s=OUTAGE_S, clients=names)
        whole_at = restore(contender)
        writer.await_writes(5, timeout_s=60, clients=names)
        ledgers = writer.finish_all()
    through = {name: ledger for name, ledger in ledgers.items() if name in names}
    run = Run(
        scenario=fault, cluster=site.lab, date="", struck_at=struck_at, ended_at=now(), primary=primary, clients=through
    )
    with open_session(site.file, secrets=no_secrets) as session:
        found = collect(session, watchers.boots(), struck_at)
    keep_journals(f"{begun[:19].replace(':', '')}-{contender.name}-{fault}", found)
    events: list[Event] = []
    for node, logs in found.items():
        events += read_journal("\n".join(logs.journal), node, patterns=contender.patterns)
        events += read_postgresql(logs.server_log, node, shift_s=-logs.server_clock_ahead_s)
    spans = [span for span in find_spans(watchers.samples()) if span.what in contender.exclusive]
    twice = (*double_writers(ledgers), *find_overlaps(spans, slack_s=CLOCK_SLACK_S))
    served_at = first_write_at(run)
    return {
        "outage_s": round(merged_outage(run), 2),
        "lost_rows": sum(len(ledger.lost) for ledger in ledgers.values()),
        "double_primary": bool(twice),
        "phases": as_records(steps(events, struck_at, served_at, contender.timers(fault))),
        "whole_after_s": round(whole_at - struck_at, 1),
        "acknowledged_rows": sum(len(ledger.acknowledged) for ledger in ledgers.values()),
        "in_doubt_rows": sum(len(ledger.doubtful) for ledger in through.values()),
        "outage_by_client": {name: round(_outage(ledger, struck_at), 2) for name, ledger in through.items()},
        "vip_on_primary": _had_vip(watchers, primary, struck_at),
        "primary": primary,
        "twice": list(twice),
    }


def keep_journals(name: str, found: Mapping[str, Collected]) -> None:
    """Keep what the phases were read from, so that anybody can read it differently."""
    folder = user_state_path("pcmk-ha") / "bench-journals" / name
    folder.mkdir(parents=True, exist_ok=True)
    for node, logs in found.items():
        (folder / f"{node}.journal").write_text(mask_patterns("\n".join(logs.journal) + "\n"))
        (folder / f"{node}.postgresql.log").write_text(mask_patterns(logs.server_log))


def _outage(ledger: Ledger, struck_at: float) -> float:
    return client_outage(ledger, struck_at)


def _had_vip(watchers: Watchers, primary: str, struck_at: float) -> bool:
    before = [sample for sample in watchers.samples() if sample.at < struck_at and sample.node == primary]
    return bool(before) and "VIP" in before[-1].has


def restore(contender: Contender) -> float:
    """Put a contender's lab back to whole and return when it was; raises Failed."""
    site = contender.site
    lab = load_lab(site.lab)
    for node in lab.spec.nodes:
        with contextlib.suppress(PcmkHaError):
            the_lab.thaw(lab, node.name)
        set_link(lab.spec, node.name, "all", up=True)
        the_lab.power(lab, node.name, "on")
    contender.tidy()
    tidied = time.monotonic()

    def whole() -> bool:
        nonlocal tidied
        if contender.is_whole():
            return True
        if time.monotonic() - tidied > 30:
            contender.tidy()
            tidied = time.monotonic()
        return False

    await_true(whole, f"a whole {contender.name}", timeout_s=WHOLE_S)
    return now()


def conditions(contender: Contender) -> dict[str, Any]:
    """Return what a figure is worth nothing without."""
    nodes = contender.site.nodes
    shown = nodes.ask("node1", "dpkg-query -W -f '${Package} ${Version}\\n' " + " ".join(contender.packages))
    commit = subprocess.run(("git", "describe", "--always", "--dirty"), capture_output=True, text=True, check=False)
    return {
        "kernel": nodes.ask("node1", "uname -r").strip(),
        "host_kernel": platform.release(),
        "suite": contender.site.suite,
        "cores": os.cpu_count(),
        "versions": dict(line.split() for line in shown.splitlines() if len(line.split()) == 2),
        "fork_exec_ms": {"node": node_fork_ms(contender), "host": host_fork_ms()},
        "load": f"{len(WRITERS)} writers, pgbench scale {SCALE} with {CLIENTS} clients at {RATE}/s",
        "commit": commit.stdout.strip(),
    }


def node_fork_ms(contender: Contender) -> float:
    """Return how long a lab node needs to fork and exec a small program, in ms."""
    script = f"s=$(date +%s%N); {FORK_SCRIPT}; e=$(date +%s%N); echo $(((e - s) / {FORKS}))"
    return round(int(contender.site.nodes.ask("node1", script, timeout=60) or 0) / 1e6, 1)


def host_fork_ms() -> float:
    """Return the same of this machine."""
    begin = time.monotonic()
    subprocess.run(("sh", "-c", FORK_SCRIPT), check=True, timeout=60)
    return round((time.monotonic() - begin) / FORKS * 1000, 1)
