"""What is shown is what is done: a kept plan holds only while cluster and file are the same."""

from __future__ import annotations

import json

from support.applied import built
from support.files import MINIMAL
from support.planned import World, desired_of

from pcmk_ha.desired.values import Desired
from pcmk_ha.facts.simulate import Effect
from pcmk_ha.plan.build import make_plan
from pcmk_ha.plan.differences import find_differences
from pcmk_ha.plan.impact import foresee_impact
from pcmk_ha.plan.proposal import Proposal, basis_of, parse_fingerprint, what_moved


def proposal(world: World, desired: Desired) -> Proposal:
    world.desired = desired
    facts = world.facts()
    plan = make_plan(desired, facts, restart=True)
    impact = foresee_impact(desired, facts, plan, (), {})
    return Proposal("pgha", plan, find_differences(desired, facts), impact=impact, basis=basis_of(desired, facts))


def test_a_kept_plan_is_the_same_only_while_cluster_and_file_are() -> None:
    changed = desired_of(MINIMAL + "stonith: {timeout_s: 90}\n")
    world = built(desired_of(MINIMAL))
    shown = proposal(world, changed)
    text = json.dumps(shown.as_dict())
    assert parse_fingerprint(text) == ("pgha", shown.fingerprint)
    assert proposal(world, changed).fingerprint == shown.fingerprint
    other = desired_of(MINIMAL + "stonith: {timeout_s: 90}\npostgresql: {parameters: {work_mem: 64MB}}\n")
    assert any("now also" in line for line in what_moved(text, proposal(world, other)))
    world.cib = world.cib.replace('value="7"', 'value="8"')  # somebody else's, and yet it is not what was looked at
    assert proposal(world, changed).fingerprint != shown.fingerprint
    world.cib = world.cib.replace('value="8"', 'value="7"')
    world.promoted = "node2"
    assert proposal(world, changed).fingerprint != shown.fingerprint


def test_a_plan_names_the_service_it_interrupts_and_how_long() -> None:
    world = built(desired_of(MINIMAL))
    desired = desired_of(MINIMAL + "postgresql: {parameters: {shared_buffers: 1GB}}\n")
    world.desired = desired
    facts = world.facts()
    plan = make_plan(desired, facts, restart=True)
    took = {("pg_server", "start"): 2.2, ("pg_server", "stop"): 1.1}
    assert foresee_impact(desired, facts, plan, (), took).outage == ("restarts PostgreSQL on node1 (about 3 s)",)
    moved = (Effect("pg_fs", "restart", "node1"), Effect("pg_server", "restart", "node1"))
    impact = foresee_impact(desired, facts, plan, moved, took)
    assert impact.outage == ("restarts the file system and PostgreSQL on node1 (about 6 s)",)
