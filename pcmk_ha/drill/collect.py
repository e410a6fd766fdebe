"""What the nodes wrote down about a drill, brought to one clock."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pcmk_ha.errors import PcmkHaError
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.session import Session
from pcmk_ha.remote.parallel import on_all
from pcmk_ha.remote.runner import Runner

MONOTONIC = re.compile(r"^\[\s*(\d+\.\d+)\] (.*)$")
JOURNAL = ("journalctl", "--no-pager", "--no-hostname", "-o", "short-monotonic", "-n", "6000")
CLOCKS = "cat /proc/sys/kernel/random/boot_id; cut -d' ' -f1 /proc/uptime; date +%s.%N"
CORES = "find /var/lib/pacemaker/cores /var/lib/corosync -name 'core*' -type f 2>/dev/null"
BOOTS = "journalctl --list-boots --no-pager"
SERVER_LOG = ("tail", "-n", "400", "/var/log/postgresql/pcmk-ha.log")
EARLIER_S = 3.0  # before the fault: what a log says then may explain it


@dataclass(frozen=True)
class Collected:
    """Of one node: its journals with every line's time in seconds since 1970 before it, and more."""

    journal: tuple[str, ...] = ()
    server_log: str = ""
    server_clock_ahead_s: float = 0.0
    cores: tuple[str, ...] = ()


def collect(session: Session, boots: Mapping[str, float], since: float) -> dict[str, Collected]:
    """Ask every member that answers; `boots` says when each boot of a watched node began."""
    answers = on_all(session.nodes, lambda runner: _collect(session.cluster, runner, boots, since))
    return {name: answer for name, answer in answers.items() if isinstance(answer, Collected)}


def _collect(cluster: Cluster, runner: Runner, boots: Mapping[str, float], since: float) -> Collected:
    boot, uptime, wall = runner.run(("sh", "-c", CLOCKS)).stdout.split()
    began = dict(boots)
    began.setdefault(boot, float(wall) - float(uptime))  # a member that was not watched: its own clock is all there is
    ids = {ident.replace("-", ""): at for ident, at in began.items()}
    known = [word for word in runner.run(("sh", "-c", BOOTS), ok=None).stdout.split() if word in ids]
    lines = [line for ident in known for line in _journal(runner, ident, ids[ident], since)]
    data_node = runner.node in (node.name for node in cluster.nodes)
    return Collected(
        journal=tuple(sorted(lines)),
        server_log=runner.run(SERVER_LOG, ok=None).stdout if data_node else "",
        server_clock_ahead_s=float(wall) - (began[boot] + float(uptime)),
        cores=tuple(runner.run(("sh", "-c", CORES), ok=None).stdout.split()),
    )


def _journal(runner: Runner, boot: str, began: float, since: float) -> Iterator[str]:
    try:
        text = runner.run((*JOURNAL, "-b", boot), timeout=60).stdout
    except PcmkHaError:
        return  # of a boot that left none
    for line in text.splitlines():
        match = MONOTONIC.match(line)
        if match and (at := began + float(match[1])) >= since - EARLIER_S:
            yield f"{at:.6f} {match[2]}"
