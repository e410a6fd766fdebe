"""A rotation of secrets is planned without an outage, and a run that was cut short anywhere is finished by the next."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.rotated import ALL, HEALTHY, MEMBERS, NEW, OLD, World, run

from pcmk_ha.plan import actions as act
from pcmk_ha.plan import rotation_actions as rotate
from pcmk_ha.plan.rotation import Which, find_obstacles, plan_rotation


def test_every_secret_is_rotated_and_the_old_values_are_forgotten() -> None:
    world = World()
    assert not list(find_obstacles(world.facts()))
    plan = plan_rotation(world.facts())
    run(world, plan, None, len(plan))
    assert world.file == dict.fromkeys(ALL, "v2")
    assert world.later == {}
    assert set(world.daemons.values()) | set(world.kernels.values()) | set(world.devices.values()) == {"v2"}


@pytest.mark.parametrize("restarting", [None, *MEMBERS])
def test_a_run_killed_at_any_step_is_finished_by_the_next_even_when_a_member_restarted_in_between(
    restarting: str | None,
) -> None:
    total = len(plan_rotation(World().facts()))
    assert total > 15
    for killed_after in range(total + 1):
        world = World()
        run(world, plan_rotation(world.facts()), None, killed_after)
        if restarting:
            world.restart(restarting)
            world.check()
        world.chosen = frozenset(world.later)  # the next run only has to finish
        world.tried.clear()
        facts = world.facts()
        assert not list(find_obstacles(facts)), f"killed after {killed_after}: {list(find_obstacles(facts))}"
        run(world, plan_rotation(facts), None, total)
        assert world.later == {}
        assert len(set(world.daemons.values())) == 1
        assert world.connected
        for name in ALL:
            assert set(world.in_force(name)) == {world.file[name]}


@given(st.data(), st.sets(st.sampled_from(sorted(ALL)), min_size=1))
def test_steps_in_any_order_the_plan_allows_cut_short_again_and_again_end_well(
    data: st.DataObject, chosen: set[str]
) -> None:
    world = World(chosen=frozenset(chosen))
    for _attempt in range(3):
        plan = plan_rotation(world.facts())
        run(world, plan, data, data.draw(st.integers(0, len(plan))))
        world.tried.clear()
        if member := data.draw(st.sampled_from([None, *MEMBERS])):
            world.restart(member)
        world.chosen = frozenset(world.later)
        if not world.later:
            break
    run(world, plan_rotation(world.facts()), data, 99)
    assert world.later == {}
    assert all(set(world.in_force(name)) == {world.file[name]} for name in ALL)


def test_no_file_is_written_before_the_new_value_is_kept_and_no_reload_before_every_file() -> None:
    steps = plan_rotation(HEALTHY).steps
    reload = next(step for step in steps if isinstance(step.action, rotate.ReloadKey))
    writes = {i for i, s in enumerate(steps) if isinstance(s.action, act.WriteFiles) and "authkey" in s.action.paths[0]}
    assert len(writes) == len(MEMBERS)
    assert writes <= reload.after
    assert isinstance(steps[0].action, rotate.ChooseSecrets)
    assert all(steps[i].after for i in writes)


def test_every_login_is_tried_before_one_is_changed_and_one_device_is_changed_at_a_time() -> None:
    steps = plan_rotation(replace(HEALTHY, chosen=frozenset())).steps
    kinds = [type(step.action).__name__ for step in steps]
    assert kinds == ["TryDevice", "TryDevice", "PushDevice", "PushDevice"]
    assert steps[2].after == {0, 1}
    assert steps[3].after == {2}


def test_a_typed_password_is_written_into_its_file_after_it_was_proven_and_before_the_cluster_has_it() -> None:
    steps = plan_rotation(replace(HEALTHY, chosen=frozenset(), typed=("bmc.password",))).steps
    assert [type(step.action).__name__ for step in steps][2:4] == ["StoreFile", "PushDevice"]


def test_without_anything_to_rotate_there_is_nothing_to_do() -> None:
    same = tuple(replace(device, differs=False) for device in HEALTHY.devices)
    assert not plan_rotation(replace(HEALTHY, chosen=frozenset(), devices=same))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"together": False}, "not every member is online"),
        ({"versions": frozenset({"3.1.7", "3.1.9"})}, "different versions of Corosync (3.1.7, 3.1.9)"),
        ({"conf_differs": ("node2",)}, "node2: Corosync runs something else"),
        ({"keys": {"node1": OLD, "node2": Which.OTHER}}, "node2: /etc/corosync/authkey is neither"),
        ({"sides": {"node1": Which.OTHER, "node2": OLD}}, "node1: /etc/drbd.d/pgdata.res is neither"),
        ({"paired": False}, "not both connected"),
        ({"pgpass": {"node1": OLD, "node2": Which.OTHER}}, "node2: /etc/pcmk-ha/pgpass is neither"),
        ({"database_on": ""}, "PostgreSQL runs nowhere"),
    ],
)
def test_what_could_cost_a_node_or_the_service_is_refused(changes: dict[str, object], says: str) -> None:
    obstacles = list(find_obstacles(replace(HEALTHY, **changes)))  # type: ignore[arg-type]
    assert any(says in obstacle.message for obstacle in obstacles)
    assert not list(find_obstacles(HEALTHY))


def test_what_an_earlier_run_left_behind_is_no_obstacle_to_finishing_it() -> None:
    """A member that restarted with the new key is alone, and would stay so."""
    left = replace(
        HEALTHY, pending=ALL, together=False, paired=False, keys={"node1": OLD, "node2": NEW, "arbiter": Which.OTHER}
    )
    assert not list(find_obstacles(left))
