"""From any cluster file to any other that may follow it: what was ours goes, what is foreign stays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from support.applied import assert_is_as_wanted, built, plan_of
from support.files import MINIMAL
from support.planned import desired_of, run
from test_bad_input import write

from pcmk_ha.cib.subset import with_stopped
from pcmk_ha.desired.values import File
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import change_actions as change
from pcmk_ha.plan.build import make_plan
from pcmk_ha.plan.differences import find_differences, find_foreign
from pcmk_ha.plan.parameters import parameter_changes
from pcmk_ha.plan.record import Record, make_record, parse_record, remember, to_json

NO_SHRINK = (Phase.explicit, Phase.reuse, Phase.generate)  # many plans each: shrinking takes minutes and helps little


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    """A cluster file that may follow any other of these."""
    file: dict[str, Any] = YAML(typ="safe").load(MINIMAL)
    optional: dict[str, Any] = {
        "postgresql": {
            "port": draw(st.sampled_from([5432, 5433])),
            "parameters": draw(
                st.dictionaries(st.sampled_from(["shared_buffers", "work_mem"]), st.sampled_from(["64MB", "1GB"]))
            ),
            "hba": [{"address": "10.0.0.0/8"}],
        },
        "timeouts": {"token_ms": draw(st.sampled_from([1000, 3000])), "start_s": 700},
        "properties": {"migration_threshold": draw(st.integers(2, 4)), "extra": {"batch-limit": 30}},
        "stonith": {"action": "off", "timeout_s": 90},
        "drbd": {"net": {"max-buffers": draw(st.sampled_from([8000, 16000]))}},
        "filesystem": {"options": "noatime,discard"},
        "vip": "192.0.2.101/24",
        "start_on_boot": False,
    }
    file |= {key: value for key, value in optional.items() if draw(st.booleans())}
    if draw(st.booleans()):
        for node in file["nodes"]:
            node["fence"] = [node["fence"], {"agent": "fence_virsh", "ip": "192.0.2.9", "username": "x", "level": 2}]
    return file


@settings(max_examples=40, deadline=None, phases=NO_SHRINK)
@given(st.data(), files(), st.lists(files(), min_size=1, max_size=3))
def test_any_file_is_reached_from_any_former_one_however_often_runs_were_cut_short(
    data: st.DataObject, first: dict[str, Any], later: list[dict[str, Any]]
) -> None:
    world = built(desired_of(write(first)))
    for file in later:
        desired = desired_of(write(file))
        plan = plan_of(world, desired)
        run(world, plan, data, data.draw(st.integers(0, len(plan))))
    plan = plan_of(world, desired)
    run(world, plan, data, len(plan))
    assert not plan_of(world, desired)
    assert_is_as_wanted(world, desired)


@settings(max_examples=25, deadline=None)
@given(files())
def test_what_runs_and_was_applied_needs_nothing_and_nobody_meddled(file: dict[str, Any]) -> None:
    desired = desired_of(write(file))
    world = built(desired)
    facts = world.facts()
    assert not make_plan(desired, facts, restart=True)
    assert find_differences(desired, facts) == ()
    assert set(find_foreign(desired, facts)) == {
        "primitive backup", "rsc_location backup-here", "property migration-limit",
    }  # fmt: skip


# --- removal


def test_what_an_interrupted_run_left_is_removed_when_the_next_file_does_not_want_it() -> None:
    """The run that wrote it never came to its end, and yet it was noted before it began."""
    with_limit = desired_of(MINIMAL + "properties: {extra: {batch-limit: 30}}\n")
    world = built(desired_of(MINIMAL))
    plan = plan_of(world, with_limit)
    pushed = next(i for i, step in enumerate(plan) if isinstance(step.action, act.PushCib))
    run(world, plan, None, pushed + 1)
    assert "batch-limit" in world.cib
    desired = desired_of(MINIMAL)
    run(world, plan_of(world, desired), None, 99)
    assert "batch-limit" not in world.cib
    assert_is_as_wanted(world, desired)


def test_a_file_that_was_ours_goes_before_the_daemons_look_again_and_others_stay() -> None:
    desired = desired_of(MINIMAL)
    extra = File("/etc/drbd.d/old.res", "resource old {}\n")
    former = replace(desired, files={**desired.files, "node1": (*desired.files["node1"], extra)})
    world = built(former)
    facts = world.nodes["node1"]
    world.nodes["node1"] = replace(facts, files={**facts.files, "/etc/drbd.d/theirs.res": facts.files[extra.path]})
    plan = plan_of(world, desired)
    assert change.RemoveFiles("node1", (extra.path,)) in [step.action for step in plan]
    run(world, plan, None, 99)
    assert extra.path not in world.nodes["node1"].files
    assert "/etc/drbd.d/theirs.res" in world.nodes["node1"].files


# --- records


def test_a_record_survives_its_file_and_nonsense_is_none() -> None:
    record = replace(make_record(desired_of(MINIMAL), "node1"), generation=7)
    assert parse_record(to_json(record)) == record
    for text in (None, "", "{}", "[]", "null", '{"format": 99}', '{"format": 1, "generation": 1}'):
        assert parse_record(text) is None


def test_a_run_goes_on_under_its_number_and_the_next_gets_another() -> None:
    world = built(desired_of(MINIMAL))
    assert world.records is not None
    assert {r.generation for r in world.records.values() if r} == {1}
    changed = desired_of(MINIMAL + "stonith: {timeout_s: 90}\n")
    plan = plan_of(world, changed)
    run(world, plan, None, len(plan) - 1)  # one member's record is still missing
    run(world, plan_of(world, changed), None, 99)
    assert {r.generation for r in world.records.values() if r} == {2}


def test_a_beginning_forgets_nothing() -> None:
    wanted = make_record(desired_of(MINIMAL), "node1")
    begun = remember(Record(3, complete=True, ours=frozenset({"file /old"}), values={"file /old": "x"}), wanted)
    assert not begun.complete
    assert begun.ours > wanted.ours
    assert begun.values == {"file /old": "x"}
    assert begun.generation == 3


# --- PostgreSQL


def test_a_parameter_says_whether_it_needs_a_restart_and_gets_one_after_the_reload() -> None:
    world = built(desired_of(MINIMAL))
    desired = desired_of(MINIMAL + "postgresql: {parameters: {shared_buffers: 1GB, work_mem: 64MB}}\n")
    world.desired = desired
    facts = world.facts()
    found = parameter_changes(desired, facts.service.parameters_found, facts.service.settings)
    assert [str(change) for change in found] == [
        "shared_buffers: default → '1GB' (restart)",
        "work_mem: default → '64MB' (reload)",
    ]
    kinds = [type(step.action) for step in make_plan(desired, facts, restart=True)]
    assert kinds.index(act.ReloadPostgresql) < kinds.index(change.RestartPostgresql) < kinds.index(act.AwaitService)
    assert change.RestartPostgresql not in [type(step.action) for step in make_plan(desired, facts)]


def test_a_restart_that_was_put_off_is_still_planned_when_nothing_else_is_left_to_do() -> None:
    world = built(desired_of(MINIMAL))
    desired = desired_of(MINIMAL + "postgresql: {parameters: {shared_buffers: 1GB}}\n")
    world.desired = desired
    run(world, make_plan(desired, world.facts()), None, 99)  # without consent to a restart
    assert world.restarts == 0
    assert change.RestartPostgresql in [type(step.action) for step in plan_of(world, desired)]
    run(world, plan_of(world, desired), None, 99)
    assert (world.restarts, world.server["shared_buffers"]) == (1, "'1GB'")
    assert not plan_of(world, desired)


def test_a_restart_that_was_killed_half_way_leaves_a_stopped_server_and_the_next_run_starts_it() -> None:
    """crm_resource tells the resource to stop, and would have taken that back."""
    desired = desired_of(MINIMAL)
    world = built(desired)
    world.cib = with_stopped(world.cib, "pg_server")
    world.promoted = ""  # nothing serves
    plan = plan_of(world, desired)
    assert [type(step.action) for step in plan if not isinstance(step.action, change.Remember | change.KeepRecord)] == [
        act.PushCib, act.AwaitService, act.VerifyWrite,
    ]  # fmt: skip
    run(world, plan, None, 99)
    assert "target-role" not in world.cib
    assert not plan_of(world, desired)
