"""An arbiter comes and goes only where nothing else differs, and only on a machine that is empty."""

from __future__ import annotations

from dataclasses import replace

from support.files import ARBITER, MINIMAL
from support.planned import desired_of
from support.votes import DATA, THIRD
from support.voting import SIDES, walk, with_arbiter, with_two

from pcmk_ha.desired.names import COROSYNC, COROSYNC_CONF, PACEMAKER
from pcmk_ha.plan import actions as act
from pcmk_ha.plan.arbiter import Sides
from pcmk_ha.plan.arbiter_obstacles import find_occupied, find_others, has_begun
from pcmk_ha.plan.fixed import find_fixed


def test_any_other_difference_is_refused_and_what_a_killed_run_left_is_none() -> None:
    world = with_two()
    assert list(find_others(SIDES, world.facts_for(DATA))) == []
    plan = world.plan_add()
    walk(world, plan, len(plan) // 2)
    assert list(find_others(SIDES, world.facts())) == []
    world = with_two()
    world.cib = world.cib.replace('name="stonith-timeout" value="60s"', 'name="stonith-timeout" value="99s"')
    (found,) = find_others(SIDES, world.facts())
    assert "property stonith-timeout in the CIB" in found.message
    slower = MINIMAL + "timeouts: {token_ms: 3000}\n"
    other = Sides(desired_of(slower), desired_of(slower + ARBITER))
    assert [p.message for p in find_others(other, with_two().facts()) if "corosync.conf" in p.message]


def test_an_arbiter_of_another_name_is_refused_while_there_is_one() -> None:
    world = with_arbiter()
    renamed = ARBITER.replace("name: arbiter", "name: witness")
    other = Sides(SIDES.two, desired_of(MINIMAL + renamed))
    facts = world.facts_for(DATA)
    assert any("remove-arbiter" in p.hint for p in find_others(other, facts))


def test_apply_names_the_commands_that_change_members() -> None:
    world = with_two()
    facts = world.facts_for(DATA)
    (found,) = [p for p in find_fixed(SIDES.three, replace(facts, nodes=world.facts().nodes)) if "members" in p.message]
    assert "add-arbiter" in found.hint


def test_a_third_node_that_is_not_empty_is_refused() -> None:
    world = with_two()
    assert list(find_occupied(SIDES, world.facts(), world.seen())) == []
    (found,) = find_occupied(SIDES, world.facts(), world.seen(), left_cib='<cib><primitive id="x"/></cib>')
    assert "holds the configuration of a cluster" in found.message
    for unit in (COROSYNC, PACEMAKER):
        world._unit(THIRD, unit, active=True)
    world.nodes[THIRD] = replace(world.nodes[THIRD], running_cluster="pgha")
    world.running[THIRD, COROSYNC_CONF] = world.contents[THIRD, COROSYNC_CONF] = "arbiter"
    (found,) = find_occupied(SIDES, world.facts(), world.seen())
    assert "runs a cluster that calls itself pgha" in found.message
    assert list(find_occupied(SIDES, with_arbiter().facts(), with_arbiter().seen())) == []


def test_a_run_has_begun_when_the_device_or_a_file_is_there() -> None:
    world = with_two()
    assert not has_begun(SIDES, world.facts())
    plan = world.plan_add()
    for step in plan:
        world.do(step.action)
        if isinstance(step.action, act.PushCib):
            break
    assert has_begun(SIDES, world.facts())
