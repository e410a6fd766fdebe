"""One drill from beginning to end: look, write, watch, break, wait, mend, wait, count, judge."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pcmk_ha.client.clock import now
from pcmk_ha.client.process import ClientKind, WriterProcess
from pcmk_ha.drill.collect import Collected, collect
from pcmk_ha.drill.evidence import Event, Run
from pcmk_ha.drill.field import LiveField
from pcmk_ha.drill.gate import check_able
from pcmk_ha.drill.judge import judge
from pcmk_ha.drill.keep import drills_dir, keep_evidence, keep_run
from pcmk_ha.drill.outage import NAIVE
from pcmk_ha.drill.scenario import ARBITER, PRIMARY, STANDBY, Expectation, Scenario
from pcmk_ha.drill.spans import find_spans
from pcmk_ha.drill.timeline import read_journal, read_postgresql
from pcmk_ha.drill.watch import Watchers
from pcmk_ha.errors import PcmkHaError, Refused, TimedOut
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.load import load_cluster
from pcmk_ha.operate.known import known_secrets
from pcmk_ha.operate.look.status import Health, Status, look
from pcmk_ha.operate.look.whole import is_whole, require_whole
from pcmk_ha.operate.session import Session, open_session
from pcmk_ha.operate.tell import Say
from pcmk_ha.operate.wait import wait_until

DIRECT = "direct-"
# As applications are: one that keeps its connection, another, and one that makes a new one for each write.
WELL_CONFIGURED = (
    ClientKind("steady"), ClientKind("second", every_s=0.1), ClientKind("fresh", fresh=True, every_s=0.25),
)  # fmt: skip
WRITES_BEFORE = 20
SETTLE_S = 10.0  # links and membership, after whatever was done before
PATIENCE_S = 30.0  # beyond the outage that is allowed, to learn how long it really is


def kinds(cluster: Cluster) -> tuple[ClientKind, ...]:
    """Return every client of a drill: the well-configured, a naive one, and one to each data node directly."""
    naive = ClientKind(NAIVE, timeouts=False, deadline_s=0, every_s=0.25)
    direct = tuple(
        ClientKind(f"{DIRECT}{node.name}", host=str(node.address), deadline_s=3, every_s=0.25) for node in cluster.nodes
    )
    return (*WELL_CONFIGURED, naive, *direct)


def play(path: Path, scenario: Scenario, password: str, say: Say, *, folder: Path | None = None) -> tuple[Run, Path]:
    """Play one scenario and return everything it left behind, judged, and the folder where it is kept.

    Raises Refused when it must not be played; what was broken is mended before anything is raised, a Ctrl-C included.
    """
    cluster = load_cluster(path)
    check_able(scenario, cluster)
    before = _look_before(path)
    primary = before.service.promoted_on
    say(f"{primary} serves; clients begin to write")
    with Watchers(cluster) as watchers, WriterProcess(cluster, password, kinds=kinds(cluster)) as writer:
        names = tuple(kind.name for kind in WELL_CONFIGURED)
        _await_clients(writer, names)
        with LiveField(path, cluster, primary, writer, say) as field:
            field.clients = names
            wait_until(watchers.all_watched, bool, what="a watcher on every data node", timeout_s=30)
            _act(scenario, field, say)
            field.mend()
            after = _await_whole(path, scenario.expect, field, say)
            redundant_at = now() if after else None
            if scenario.expect.failures_stay:
                _clean_up(path, field)
            field.await_writes(timeout_s=60)
            ledgers = writer.finish_all()
    last = after or look(path)
    run = Run(
        scenario=scenario.name,
        cluster=cluster.name,
        date=datetime.fromtimestamp(field.struck_at, UTC).isoformat(timespec="seconds"),
        struck_at=field.struck_at,
        ended_at=now(),
        primary=primary,
        clients={name: ledger for name, ledger in ledgers.items() if not name.startswith(DIRECT)},
        direct={name: ledger for name, ledger in ledgers.items() if name.startswith(DIRECT)},
        spans=find_spans(watchers.samples()),
        redundant_after_s=round(redundant_at - field.struck_at, 1) if redundant_at else None,
        serves=last.service.database_on if last.service.is_up else "",
        fenced=fenced_since(before, last, field.struck_at),
        roles={PRIMARY: primary, STANDBY: field.standby, ARBITER: field.arbiter},
        limit_s=scenario.expect.outage_s,
        note=" ".join(field.notes),
        problems=tuple(field.problems),
        runbook=scenario.runbook,
    )
    home = folder or drills_dir(cluster.name) / _name(run)
    return finish(path, run, scenario, watchers, home), home


def _look_before(path: Path) -> Status:
    """Look at a cluster that is to be broken; a link that blinked a moment ago is no reason to refuse."""
    with contextlib.suppress(TimedOut):
        return wait_until(lambda: look(path), is_whole, what="a healthy cluster", timeout_s=SETTLE_S)
    status = look(path)
    require_whole(status)
    return status


def finish(path: Path, run: Run, scenario: Scenario, watchers: Watchers, folder: Path) -> Run:
    """Add what the nodes wrote to a run, judge it, and keep it."""
    with open_session(path, secrets=known_secrets) as session:
        collected = collect(session, watchers.boots(), run.struck_at)
        run = replace(run, events=_events(collected), conditions=_conditions(session))
        cores = tuple(f"{node}: core file {core}" for node, found in collected.items() for core in found.cores)
        objectives = session.cluster.objectives
        run = replace(run, problems=(*run.problems, *judge(run, scenario.expect, objectives), *cores))
        keep_run(run, folder, collected)
        if not run.passed:
            keep_evidence(session, folder)
    return run


def _name(run: Run) -> str:
    return f"{run.date[:19].replace(':', '').replace('-', '')}-{run.scenario}"


def fenced_since(before: Status, after: Status, since: float) -> tuple[str, ...]:
    """Return which nodes the fencer says it fenced since the fault: what was fenced to prepare it does not count."""
    old = {(event.target, event.when) for event in before.fencings}
    done = [e for e in after.fencings if e.status == "success" and e.action in ("reboot", "off")]
    return tuple(sorted({e.target for e in done if (e.target, e.when) not in old and _seconds(e.when) >= since}))


def _seconds(when: str) -> float:
    """Return a time of the fencer's history, which is in whole seconds of UTC, at its latest."""
    return datetime.strptime(when[:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp() + 1


def _events(collected: Mapping[str, Collected]) -> tuple[Event, ...]:
    found: list[Event] = []
    for node, logs in collected.items():
        found += read_journal("\n".join(logs.journal), node)
        found += read_postgresql(logs.server_log, node, shift_s=-logs.server_clock_ahead_s)
    return tuple(sorted(found, key=lambda event: event.at))


def _await_clients(writer: WriterProcess, names: tuple[str, ...]) -> None:
    try:
        writer.await_writes(WRITES_BEFORE, timeout_s=60, clients=names)
    except TimedOut as error:
        raise Refused(f"clients cannot write: {error}", hint="is the VIP reachable from here?") from None


def _act(scenario: Scenario, field: LiveField, say: Say) -> None:
    """Break it, and wait until every well-configured client is served again."""
    field.strike()
    say(f"{scenario.name} begins")
    try:
        scenario.act(field)
    except PcmkHaError as error:
        field.problems.append(f"the fault could not be made: {error}")
    begin = time.monotonic()
    if field.await_writes(timeout_s=scenario.expect.outage_s + PATIENCE_S):
        say(f"every client writes again ({time.monotonic() - begin:.1f} s after the scenario was over)")


def _await_whole(path: Path, expect: Expectation, field: LiveField, say: Say) -> Status | None:
    say("waiting until both nodes hold the data and nothing is left to do")
    try:
        return wait_until(
            lambda: look(path),
            lambda status: is_whole(status, failures_stay=expect.failures_stay),
            what="a whole cluster",
            timeout_s=expect.healthy_s,
            every_s=1,
            describe=lambda status: "; ".join(finding.what for finding in status.findings) or status.health.name,
        )
    except TimedOut as error:
        field.problems.append(str(error))
        return None


def _clean_up(path: Path, field: LiveField) -> None:
    """Forget the failures that the scenario is expected to leave, as its runbook tells the administrator to."""
    field.run(field.primary, "crm_resource", "--cleanup", timeout=60)
    field.wait_until(lambda: look(path).health is Health.HEALTHY, "health after a clean-up", timeout_s=60)


def _conditions(session: Session) -> dict[str, str]:
    cluster = session.cluster
    runner = session.any_node()
    packages = ("pacemaker", "corosync", "drbd-utils", "resource-agents")
    shown = runner.run(("dpkg-query", "-W", "-f", "${Package} ${Version}\n", *packages), ok=None).stdout
    versions = dict(line.split() for line in shown.splitlines() if len(line.split()) == 2)
    return {
        "votes": str(len(cluster.members)),
        "kernel": runner.run(("uname", "-r")).stdout.strip(),
        "drbd": runner.run(("modinfo", "-F", "version", "drbd"), ok=None).stdout.strip(),
        **versions,
    }
