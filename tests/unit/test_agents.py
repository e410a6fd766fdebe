"""Every resource agent of ours describes itself, and says what it cannot do and what makes no sense."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree
from support.agent_node import AGENTS, HOME, MISCONFIGURED, RULES, UNIMPLEMENTED, World, world_in


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_in(tmp_path) as made:
        yield made


@pytest.mark.parametrize("agent", AGENTS)
def test_an_agent_describes_itself_by_the_rules(world: World, agent: str) -> None:
    done = world._start(agent, "meta-data", 5, {})
    described = etree.fromstring(done.stdout.encode())
    assert described.get("name") == agent
    if RULES.exists():
        etree.RelaxNG(etree.parse(RULES)).assertValid(described)
    known = {str(e.get("name")) for e in described.iterfind("parameters/parameter")}
    used = set(re.findall(r"OCF_RESKEY_([a-z]\w*)", (HOME / agent).read_text()))
    assert used
    assert known >= used


@pytest.mark.parametrize("agent", AGENTS)
def test_what_no_agent_can_do_is_said(world: World, agent: str) -> None:
    assert world.run(agent, "dance")[0] == UNIMPLEMENTED


@pytest.mark.parametrize(
    ("agent", "wrong"),
    [
        ("drbd", {"drbd_resource": ""}),
        ("filesystem", {"device": ""}),
        ("postgresql", {"pgdata": ""}),
        ("postgresql", {"port": "x"}),
        ("vip", {"ip": ""}),
        ("vip", {"cidr_netmask": "x"}),
    ],
)
def test_a_resource_that_makes_no_sense_runs_nowhere(world: World, agent: str, wrong: dict[str, str]) -> None:
    code, reason = world.run(agent, "start", **wrong)
    assert code == MISCONFIGURED
    assert reason
