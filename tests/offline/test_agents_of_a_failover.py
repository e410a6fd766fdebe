"""How many programs Pacemaker runs between a fencing and PostgreSQL, and what another agent does to what runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.files import ARBITER, MINIMAL
from support.planned import desired_of
from support.simulated import Simulated
from test_impact import impact_of

from pcmk_ha.operate.change.agents import replaces_agents

PACKAGED = MINIMAL + "agents: packaged\n"


@pytest.mark.parametrize("text", [MINIMAL, MINIMAL + ARBITER, PACKAGED], ids=["two votes", "three votes", "packaged"])
def test_three_programs_stand_between_a_fencing_and_postgresql(tmp_path: Path, text: str) -> None:
    desired = desired_of(text)
    simulated = Simulated.started(desired.cib, desired.cluster, tmp_path / "cib.xml")
    lost = simulated.service.promoted_on
    simulated.inject("--node-fail", lost)
    lines = [line.strip(" *") for line in simulated.transition.splitlines()]
    fenced = next(n for n, line in enumerate(lines) if line.startswith("Fencing "))
    started = next(n for n, line in enumerate(lines) if "pg_server" in line and "start on" in line)
    between = [line for line in lines[fenced + 1 : started + 1] if line.startswith("Resource action:")]
    runs = [" ".join(line.split()[2:4]) for line in between if "monitor" not in line and "fence_" not in line]
    assert [run for run in runs if "vip" not in run] == ["drbd_pgdata promote", "pg_fs start", "pg_server start"]
    assert not [line for line in lines if "notify" in line]


@pytest.mark.parametrize(("before", "after"), [(PACKAGED, MINIMAL), (MINIMAL, PACKAGED)], ids=["to ours", "back"])
def test_another_agent_interrupts_the_service_and_that_is_said(tmp_path: Path, before: str, after: str) -> None:
    outage = impact_of(before, after, tmp_path).outage
    assert outage[0].startswith("restarts DRBD and the file system and PostgreSQL and the VIP on node1")
    assert replaces_agents(desired_of(before).cib, desired_of(after).cib)


def test_other_changes_replace_no_agent() -> None:
    assert not replaces_agents(desired_of(MINIMAL).cib, desired_of(MINIMAL + "postgresql: {port: 5433}\n").cib)
    assert not replaces_agents("<cib><configuration><resources/></configuration></cib>", desired_of(MINIMAL).cib)
