"""What Pacemaker's own scheduler says a changed file would do to a service that runs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support.files import ARBITER, MINIMAL
from support.planned import desired_of
from support.simulated import Simulated

from pcmk_ha.cib.merge import merge
from pcmk_ha.desired.values import Desired
from pcmk_ha.errors import PcmkHaError
from pcmk_ha.facts.simulate import Effect, parse_durations, parse_effects
from pcmk_ha.operate.moves.foresee import foresee_effects, foresee_restart
from pcmk_ha.plan.facts import Facts, ServiceFacts
from pcmk_ha.plan.impact import Impact, foresee_impact
from pcmk_ha.plan.values import Plan
from pcmk_ha.remote.runner import Outcome

SERVING = Facts({}, ServiceFacts(serving=True, promoted_on="node1"))


class Here:
    """This machine as a node, whose cluster is a CIB file."""

    node = "node1"

    def __init__(self, cib: Path) -> None:
        self.cib = cib

    def run(self, argv: tuple[str, ...], *, stdin: str = "", timeout: float = 30, ok: object = (0,)) -> Outcome:
        environment = {**os.environ, "CIB_file": str(self.cib)}
        done = subprocess.run(
            argv, input=stdin, env=environment, capture_output=True, text=True, timeout=timeout, check=False
        )
        assert ok is None or done.returncode in ok, done.stderr  # type: ignore[operator]
        return Outcome(argv, done.returncode, done.stdout, done.stderr)


def started(text: str, folder: Path) -> tuple[Here, str]:
    desired = desired_of(text)
    simulated = Simulated.started(desired.cib, desired.cluster, folder / "cib.xml")
    return Here(simulated.path), simulated.path.read_text()


def impact_of(before: str, after: str, folder: Path, gone: tuple[str, ...] = ()) -> Impact:
    node, live = started(before, folder)
    desired = desired_of(after)
    effects = foresee_effects(node, merge(live, desired.cib, gone))  # type: ignore[arg-type]
    return foresee_impact(desired, SERVING, Plan(), effects, parse_durations(live))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("filesystem: {options: 'noatime,discard'}\n", ("restarts the file system and PostgreSQL on node1",)),
        ("postgresql: {port: 5433}\n", ("restarts PostgreSQL on node1",)),
        ("vip: 192.0.2.101/24\n", ("restarts the VIP on node1",)),
        ("timeouts: {start_s: 700}\n", ()),
        ("stonith: {timeout_s: 90}\n", ()),
        ("properties: {migration_threshold: 4}\n", ()),
        ("properties: {extra: {batch-limit: 30}}\n", ()),
        ("", ()),
    ],
)
def test_the_scheduler_says_what_is_interrupted(tmp_path: Path, change: str, says: tuple[str, ...]) -> None:
    base = MINIMAL.replace("vip: 192.0.2.100/24\n", "") if change.startswith("vip") else MINIMAL
    found = impact_of(MINIMAL, base + change, tmp_path).outage
    assert tuple(line.partition(" (about")[0] for line in found) == says


def test_a_restart_of_the_server_takes_along_what_has_to_run_with_it_and_nothing_else(tmp_path: Path) -> None:
    node, live = started(MINIMAL, tmp_path)
    assert foresee_restart(node, live, "pg_server") == (  # type: ignore[arg-type]
        Effect("pg_server", "restart", "node1"),
        Effect("pg_vip", "restart", "node1"),
    )


def test_a_changed_fence_device_restarts_only_itself(tmp_path: Path) -> None:
    impact = impact_of(MINIMAL, MINIMAL.replace("192.0.2.111", "192.0.2.121"), tmp_path)
    assert impact.outage == ()
    assert impact.notes == ("restarts fence_node1 on node2",)


def test_a_stickiness_that_lets_the_service_go_is_no_surprise(tmp_path: Path) -> None:
    """The file of three votes keeps everything off the arbiter; nothing of the service moves for it."""
    impact = impact_of(MINIMAL + ARBITER, MINIMAL + ARBITER + "stonith: {action: 'off'}\n", tmp_path)
    assert impact.outage == ()


def test_a_removed_resource_is_stopped(tmp_path: Path) -> None:
    second = MINIMAL.replace(
        "fence: {ip: 192.0.2.111, username: admin, password: {env: FENCE_PASSWORD}}",
        "fence: [{ip: 192.0.2.111, username: admin}, {agent: fence_virsh, ip: 192.0.2.9, username: x, level: 2}]",
    )
    gone = ("fence_node1_2", "fence_node1_2-not-on-node1", "fencing level 1 of node1", "fencing level 2 of node1")
    impact = impact_of(second, MINIMAL, tmp_path, gone)
    assert impact.outage == ()
    assert any(note.startswith("stops fence_node1_2") for note in impact.notes)


def test_a_configuration_that_pacemaker_refuses_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    node, live = started(MINIMAL, tmp_path)
    broken = live.replace('with-rsc="pg"', 'with-rsc="gone"')
    with pytest.raises(PcmkHaError, match="Pacemaker finds the configuration wrong"):
        foresee_effects(node, broken)  # type: ignore[arg-type]


def test_what_the_cluster_does_anyway_is_no_consequence_of_the_change(tmp_path: Path) -> None:
    desired: Desired = desired_of(MINIMAL)
    simulated = Simulated.started(desired.cib, desired.cluster, tmp_path / "cib.xml")
    simulated.standby("node1")  # the move is due, change or not
    target = merge(simulated.path.read_text(), desired_of(MINIMAL + "stonith: {timeout_s: 90}\n").cib)
    assert foresee_effects(Here(simulated.path), target) == ()  # type: ignore[arg-type]
    argv = ("crm_simulate", "--xml-file", str(simulated.path), "--run", "--output-as=xml")
    printed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    actions = printed[printed.index("<actions>") : printed.index("</actions>") + len("</actions>")]
    assert Effect("pg_server", "move", "node1", "node2") in parse_effects(actions)
