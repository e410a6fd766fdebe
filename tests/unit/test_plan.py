"""A plan does what is missing and nothing else; cut short anywhere, the next one finishes it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.files import ARBITER, MINIMAL
from support.planned import World, desired_of, run

from pcmk_ha.desired.names import VERIFY_TIMER
from pcmk_ha.plan import actions as act
from pcmk_ha.plan.blockers import find_blockers
from pcmk_ha.plan.build import make_plan
from pcmk_ha.plan.facts import DrbdFact, Facts, Metadata, UnitFact
from pcmk_ha.plan.values import Plan

DESIRED = {"two votes": desired_of(MINIMAL), "three votes": desired_of(MINIMAL + ARBITER)}


@pytest.mark.parametrize("votes", DESIRED)
def test_empty_nodes_become_a_cluster_and_then_there_is_nothing_to_do(votes: str) -> None:
    world = World(DESIRED[votes], installed=False)
    plan = make_plan(DESIRED[votes], world.facts())
    run(world, plan, None, len(plan))
    assert world.verified
    assert not make_plan(DESIRED[votes], world.facts())


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(sorted(DESIRED)), st.booleans(), st.sets(st.sampled_from(["node1", "node2"])))
def test_a_run_cut_short_anywhere_is_finished_by_the_next(
    data: st.DataObject, votes: str, installed: bool, by_hand: set[str]
) -> None:
    world = World(DESIRED[votes], installed=installed)
    for name in by_hand:
        world.start_as_packaged(name)
    for _attempt in range(3):
        plan = make_plan(DESIRED[votes], world.facts())
        run(world, plan, data, data.draw(st.integers(0, len(plan))))
        assert not find_blockers(DESIRED[votes].cluster, world.facts())
    plan = make_plan(DESIRED[votes], world.facts())
    run(world, plan, data, len(plan))
    assert not make_plan(DESIRED[votes], world.facts())
    assert world.promoted


@pytest.mark.parametrize("place", ["running_cluster", "configured_cluster"])
def test_a_member_of_another_cluster_is_refused(place: str) -> None:
    world = World(DESIRED["two votes"])
    world.nodes["node1"] = replace(world.nodes["node1"], **{place: "billing"})
    (blocker,) = find_blockers(DESIRED["two votes"].cluster, world.facts())
    assert "node1 belongs to the cluster billing" in blocker.message


def test_a_cluster_of_one_is_not_ended_when_it_runs_something() -> None:
    world = World(DESIRED["two votes"])
    world.start_as_packaged("node1")
    facts = world.facts()
    service = replace(facts.service, packaged_cibs={"node1": '<cib><primitive id="web"/></cib>'})
    (blocker,) = find_blockers(DESIRED["two votes"].cluster, replace(facts, service=service))
    assert "with resources" in blocker.message


def test_units_that_pacemaker_has_taken_over_are_disabled_without_stopping_them() -> None:
    desired = DESIRED["two votes"]
    world = World(desired)
    run(world, make_plan(desired, world.facts()), None, 99)
    units = {**world.nodes["node1"].units, "drbd.service": UnitFact(enabled=True, active=True)}
    world.nodes["node1"] = replace(world.nodes["node1"], units=units)
    actions = [step.action for step in make_plan(desired, world.facts())]
    assert actions[0] == act.DisableUnits("node1", ("drbd.service",), stop=False)
    assert {type(action) for action in actions[1:]} == {act.AwaitService, act.VerifyWrite}


def with_drbd(world: World, **sides: DrbdFact) -> Facts:
    for name, drbd in sides.items():
        world.nodes[name] = replace(world.nodes[name], drbd=drbd)
    return world.facts()


def test_a_disk_that_holds_something_is_refused_and_left_alone() -> None:
    desired = DESIRED["two votes"]
    facts = with_drbd(World(desired), node2=DrbdFact(Metadata.ABSENT, ("ext4",)))
    (blocker,) = find_blockers(desired.cluster, facts)
    assert "node2: /dev/sdb holds ext4" in blocker.message
    assert "--wipe node2:/dev/sdb" in blocker.hint
    kinds = [type(step.action) for step in make_plan(desired, facts) if step.action.node == "node2"]
    assert act.CreateMetadata not in kinds
    assert act.WipeDisk not in kinds


def test_only_the_named_disk_is_wiped_and_before_metadata_is_written() -> None:
    desired = DESIRED["two votes"]
    facts = with_drbd(World(desired), node2=DrbdFact(Metadata.ABSENT, ("ext4",)))
    wipe = (("node2", "/dev/sdb"),)
    assert not find_blockers(desired.cluster, facts, wipe)
    actions = [step.action for step in make_plan(desired, facts, wipe=wipe)]
    assert [a.node for a in actions if isinstance(a, act.WipeDisk)] == ["node2"]
    on_node2 = [type(a) for a in actions if a.node == "node2"]
    assert on_node2.index(act.WipeDisk) < on_node2.index(act.CreateMetadata)


@pytest.mark.parametrize("wipe", [("node2", "/dev/sdc"), ("node3", "/dev/sdb"), ("arbiter", "/dev/sdb")])
def test_a_wipe_of_another_disk_is_refused(wipe: tuple[str, str]) -> None:
    desired = DESIRED["two votes"]
    assert find_blockers(desired.cluster, World(desired).facts(), (wipe,))


def test_a_disk_in_use_by_drbd_is_never_wiped() -> None:
    desired = DESIRED["two votes"]
    facts = with_drbd(World(desired), node1=DrbdFact(Metadata.USED, up=True, disk="UpToDate"))
    assert find_blockers(desired.cluster, facts, (("node1", "/dev/sdb"),))


def test_metadata_that_cannot_be_read_stops_everything() -> None:
    desired = DESIRED["two votes"]
    facts = with_drbd(World(desired), node1=DrbdFact(Metadata.UNKNOWN, ("ext4",)))
    assert find_blockers(desired.cluster, facts)


@pytest.mark.parametrize(("used", "new"), [("node1", "node2"), ("node2", "node1")])
def test_a_full_sync_starts_from_the_side_that_has_data_and_is_not_skipped(used: str, new: str) -> None:
    desired = DESIRED["two votes"]
    sides = {used: DrbdFact(Metadata.USED, ("ext4",)), new: DrbdFact(Metadata.ABSENT)}
    actions = [step.action for step in make_plan(desired, with_drbd(World(desired), **sides))]
    assert not [a for a in actions if isinstance(a, act.SkipInitialSync)]
    assert [a.node for a in actions if isinstance(a, act.PrepareVolume)] == [used]
    assert [a.node for a in actions if isinstance(a, act.CreateMetadata)] == [new]


def test_a_device_that_pacemaker_manages_is_never_touched_by_hand() -> None:
    desired = DESIRED["two votes"]
    world = World(desired)
    plan = make_plan(desired, world.facts())
    run(world, plan, None, len(plan))
    for name in ("node1", "node2"):  # both were switched off: nothing runs, the configuration is saved
        off = {u: replace(f, active=u == VERIFY_TIMER) for u, f in world.nodes[name].units.items()}
        world.nodes[name] = replace(world.nodes[name], units=off, drbd=DrbdFact(Metadata.USED, ("ext4",)))
    world.promoted = ""
    kinds = {type(step.action) for step in make_plan(desired, world.facts())}
    assert kinds == {act.StartCluster, act.AwaitQuorum, act.AwaitService, act.VerifyWrite}


def test_a_changed_corosync_file_is_reloaded_even_when_the_last_run_stopped_before_that() -> None:
    desired = DESIRED["two votes"]
    world = World(desired)
    plan = make_plan(desired, world.facts())
    run(world, plan, None, len(plan))
    world.nodes["node2"] = replace(world.nodes["node2"], corosync_differs=True)
    assert act.ReloadCorosync in {type(step.action) for step in make_plan(desired, world.facts())}


@pytest.mark.parametrize("stopped", [False, True], ids=["in one run", "stopped before the reload"])
def test_changed_parameters_are_written_and_reloaded(stopped: bool) -> None:
    world = World(DESIRED["two votes"])
    run(world, make_plan(DESIRED["two votes"], world.facts()), None, 99)
    world.desired = desired_of(MINIMAL + "postgresql: {parameters: {work_mem: 64MB}}\n")
    plan = make_plan(world.desired, world.facts())
    assert [type(step.action) for step in plan][:2] == [act.WriteVolumeFiles, act.ReloadPostgresql]
    run(world, plan, None, 1 if stopped else 99)
    run(world, make_plan(world.desired, world.facts()), None, 99)
    assert world.loaded
    assert not make_plan(world.desired, world.facts())


def test_a_plan_names_no_secret() -> None:
    desired = DESIRED["three votes"]
    text = str(make_plan(desired, World(desired).facts()))
    assert "SECRET" not in text
    assert "write /etc/corosync/corosync.conf" in text


# --- the regular comparison of both copies


@pytest.mark.parametrize(("word", "runs"), [("weekly", True), ("never", False)])
def test_another_schedule_reaches_systemd_even_when_the_run_that_wrote_it_was_killed(word: str, runs: bool) -> None:
    world = World(DESIRED["three votes"])
    run(world, make_plan(world.desired, world.facts()), None, 99)
    world.desired = desired_of(MINIMAL + ARBITER + f"drbd: {{verify: {word}}}\n")
    plan = make_plan(world.desired, world.facts())
    timers = [step.action for step in plan if isinstance(step.action, act.SetTimer)]
    assert timers == [act.SetTimer("node1", runs), act.SetTimer("node2", runs)]
    files = [p for p, step in enumerate(plan.steps) if isinstance(step.action, act.WriteFiles)]
    run(world, Plan(tuple(replace(plan.steps[p], after=frozenset()) for p in files)), None, 99)  # and no further
    rest = [step.action for step in make_plan(world.desired, world.facts())]
    assert [action for action in rest if isinstance(action, act.SetTimer)] == timers
    run(world, make_plan(world.desired, world.facts()), None, 99)
    assert not make_plan(world.desired, world.facts())
