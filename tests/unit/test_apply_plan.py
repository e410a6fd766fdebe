"""From any cluster file to any other that may follow it: what was ours goes, what is foreign stays."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from support.files import MINIMAL
from support.planned import World, desired_of, run
from test_bad_input import write

from pcmk_ha.cib.items import config_digest, describe, items
from pcmk_ha.cib.merge import merge
from pcmk_ha.cib.subset import with_stopped
from pcmk_ha.desired.names import COROSYNC_CONF
from pcmk_ha.desired.values import Desired, File
from pcmk_ha.facts.simulate import Effect
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import change_actions as change
from pcmk_ha.plan.build import make_plan
from pcmk_ha.plan.compare import Kind, Sides, foreign, gone, three_way
from pcmk_ha.plan.corosync import fixed_changes, flatten
from pcmk_ha.plan.differences import find_differences, find_foreign
from pcmk_ha.plan.facts import Setting
from pcmk_ha.plan.fixed import find_fixed
from pcmk_ha.plan.impact import foresee_impact
from pcmk_ha.plan.parameters import parameter_changes
from pcmk_ha.plan.proposal import Proposal, basis_of, parse_fingerprint, what_moved
from pcmk_ha.plan.record import Record, make_record, parse_record, remember, to_json

FOREIGN = """<cib><configuration><crm_config><cluster_property_set id="cib-bootstrap-options">
<nvpair id="theirs-limit" name="migration-limit" value="7"/></cluster_property_set></crm_config><resources>
<primitive id="backup" class="ocf" provider="pacemaker" type="Dummy"/></resources><constraints>
<rsc_location id="backup-here" rsc="backup" node="node2" score="100"/></constraints></configuration></cib>"""
NO_SHRINK = (Phase.explicit, Phase.reuse, Phase.generate)  # many plans each: shrinking takes minutes and helps little
THEIRS = ("cib-bootstrap-options/migration-limit", "backup", "backup-here")


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


def plan_of(world: World, desired: Desired) -> Any:
    world.desired = desired
    return make_plan(desired, world.facts(), restart=True)


def built(desired: Desired) -> World:
    """A cluster that serves, with things in it that others made."""
    world = World(desired, records=True)
    run(world, make_plan(desired, world.facts()), None, 99)
    world.cib = merge(world.cib, FOREIGN)
    return world


def assert_is_as_wanted(world: World, desired: Desired) -> None:
    live = items(world.cib)
    assert {key for key in live if key not in THEIRS} == set(items(desired.cib))
    assert all(key in live for key in THEIRS)
    for name, node in world.nodes.items():
        assert set(node.files) == {file.path for file in desired.files[name]}
        assert world.records is not None
        record = world.records[name]
        assert record is not None
        assert record.follows(make_record(desired, name))
    assert not [d for d in find_differences(desired, world.facts()) if d.kind is not Kind.ADD or d.place != "cib"]
    assert world.server.items() >= {"port": str(desired.cluster.postgresql.port)}.items()


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


# --- three sides


@pytest.mark.parametrize(
    ("applied", "desired", "live", "expected"),
    [
        ("a", "a", "a", ()),
        ("a", "b", "a", ((Kind.CHANGE, False),)),
        ("a", "a", "b", ((Kind.CHANGE, True),)),  # by hand, put back
        ("a", "b", "b", ()),  # by hand as the file wants it now
        ("a", "b", "c", ((Kind.CHANGE, True),)),
        ("a", "a", None, ((Kind.ADD, True),)),  # removed by hand
        (None, "a", None, ((Kind.ADD, False),)),
        (None, "a", "b", ((Kind.CHANGE, False),)),
        ("a", None, "a", ((Kind.REMOVE, False),)),
        ("a", None, "b", ((Kind.REMOVE, True),)),
        ("a", None, None, ()),
        (None, None, "b", ()),  # foreign
    ],
)
def test_every_case_of_the_three_sides(
    applied: str | None, desired: str | None, live: str | None, expected: tuple[tuple[Kind, bool], ...]
) -> None:
    sides = Sides(*({"k": value} if value else {} for value in (applied, desired, live)))
    assert tuple((kind, hand) for _key, kind, hand in three_way(sides)) == expected
    assert bool(foreign(sides)) == (not applied and not desired and live is not None)


VALUES = st.dictionaries(st.sampled_from("abcde"), st.sampled_from("12"))


@given(VALUES, VALUES, VALUES, st.sets(st.sampled_from("abcde")))
def test_applying_the_difference_gives_what_is_wanted_and_what_is_foreign(
    applied: dict[str, str], desired: dict[str, str], live: dict[str, str], ours: set[str]
) -> None:
    sides = Sides(applied, desired, live, ours)
    after = dict(live)
    for key, kind, _hand in three_way(sides):
        if kind is Kind.REMOVE:
            del after[key]
        else:
            after[key] = desired[key]
    assert after == {**{key: live[key] for key in foreign(sides)}, **desired}
    assert set(gone(sides)) <= set(live) - set(desired)


def test_without_a_record_nothing_is_removed_and_nobody_is_blamed() -> None:
    old, new = desired_of(MINIMAL + "properties: {extra: {batch-limit: 30}}\n"), desired_of(MINIMAL)
    world = built(old)
    world.records = dict.fromkeys(world.nodes)
    world.desired = new
    facts = world.facts()
    assert not [d for d in find_differences(new, facts) if d.by_hand]
    assert "property batch-limit" in find_foreign(new, facts)
    kinds = [type(step.action) for step in make_plan(new, facts)]
    assert set(kinds) == {change.KeepRecord}


# --- by hand


def test_a_property_that_was_changed_by_hand_is_named_and_put_back() -> None:
    desired = desired_of(MINIMAL)
    world = built(desired)
    world.cib = world.cib.replace('name="stonith-timeout" value="60s"', 'name="stonith-timeout" value="99s"')
    (found,) = find_differences(desired, world.facts())
    assert (found.place, found.what, found.by_hand) == ("cib", "property stonith-timeout", True)
    run(world, plan_of(world, desired), None, 99)
    assert items(world.cib)["cib-bootstrap-options/stonith-timeout"] == '<nvpair value="60s"/>'


def test_a_changed_fence_password_is_a_change_and_shows_nowhere() -> None:
    desired = desired_of(MINIMAL)
    world = built(desired)
    world.cib = world.cib.replace('name="password" value="SECRET"', 'name="password" value="canary"')
    found = find_differences(desired, world.facts())
    assert {d.what for d in found} == {"primitive fence_node1", "primitive fence_node2"}
    assert "canary" not in str(found)
    assert world.records is not None
    assert "SECRET" not in "".join(to_json(r) for r in world.records.values() if r)


def test_a_daemon_that_runs_otherwise_than_its_file_is_brought_in_line() -> None:
    desired = desired_of(MINIMAL)
    world = built(desired)
    world.running["node1", "/etc/drbd.d/pgdata.res"] = "by drbdsetup"
    (found,) = find_differences(desired, world.facts())
    assert str(found).startswith("change node1: DRBD: runs otherwise than its file says")
    assert act.BringUpDrbd("node1") in [step.action for step in plan_of(world, desired)]


def test_the_fence_handlers_own_constraint_is_neither_foreign_nor_a_reason_to_refuse() -> None:
    desired = desired_of(MINIMAL)
    world = built(desired)
    before = config_digest(world.cib)
    constraint = '<rsc_location id="drbd-fence-by-handler-pgdata-x" rsc="pg"/>'
    world.cib = world.cib.replace("<constraints>", f"<constraints>{constraint}")
    assert config_digest(world.cib) == before
    assert not [f for f in find_foreign(desired, world.facts()) if "handler" in f]


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


def test_a_parameter_the_server_does_not_know_is_refused_before_it_keeps_it_from_starting() -> None:
    desired = desired_of(MINIMAL + "postgresql: {parameters: {shared_bufers: 1GB, app.x: 1}}\n")
    facts = built(desired_of(MINIMAL)).facts()
    known = {**facts.service.settings, **{n: Setting("sighup") for n in ("listen_addresses", "work_mem")}}
    found = find_fixed(desired, replace(facts, service=replace(facts.service, settings=known)))
    assert [f.message for f in found if "shared_bufers" in f.message]
    assert not [f.message for f in found if "app.x" in f.message]


# --- refused


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("/dev/sdb", "/dev/sdc"), "node1: disk was /dev/sdb, and the file says /dev/sdc"),
        (("vip:", "drbd: {resource: other}\nvip:"), "drbd.resource was pgdata"),
        (("vip:", "filesystem: {mount_point: /srv/x}\nvip:"), "filesystem.mount_point was /srv/pgdata"),
        (("vip:", "postgresql: {version: 16}\nvip:"), "postgresql.version was 17"),
        (("name: node2", "name: node3"), "the members was node1, node2"),
    ],
)
def test_what_cannot_be_changed_on_a_running_cluster_is_refused(change: tuple[str, str], says: str) -> None:
    world = built(desired_of(MINIMAL))
    desired = desired_of(MINIMAL.replace(*change))
    facts = world.facts()
    nodes = {n.name: facts.nodes.get(n.name, facts.nodes["node1"]) for n in desired.cluster.members}
    assert any(says in problem.message for problem in find_fixed(desired, replace(facts, nodes=nodes)))


def test_a_device_that_a_resource_of_others_manages_is_not_given_a_second_one() -> None:
    world = built(desired_of(MINIMAL))
    facts = world.facts()
    assert not find_fixed(world.desired, facts)
    live = facts.service.cib.replace('"pg_fs"', '"their_fs"')
    found = find_fixed(world.desired, replace(facts, service=replace(facts.service, cib=live)))
    assert found[0].message == "the resource their_fs manages /dev/drbd0 already, and pg_fs would manage it, too"


def test_an_address_that_its_node_does_not_have_is_refused() -> None:
    world = built(desired_of(MINIMAL))
    world.nodes["node2"] = replace(world.nodes["node2"], addresses=frozenset({"192.0.2.99"}))
    (found,) = find_fixed(desired_of(MINIMAL), world.facts())
    assert found.message == "node2 does not have the address 192.0.2.12"


def test_a_corosync_key_in_which_members_must_not_differ_is_refused_and_others_roll() -> None:
    desired = desired_of(MINIMAL)
    world = built(desired)
    for name in world.nodes:
        world.nodes[name] = replace(world.nodes[name], corosync_fixed=("totem.netmtu",))
    assert not find_fixed(desired, world.facts())
    plan = make_plan(desired, world.facts(), restart=True)
    rolled = [(step.action.node, step.after) for step in plan if isinstance(step.action, change.RestartMember)]
    assert [node for node, _after in rolled] == ["node2", "node1"], "the node that serves is the last"
    assert rolled[1][1], "one after the other"
    world.nodes["node1"] = replace(world.nodes["node1"], corosync_fixed=("totem.transport",))
    assert any("totem.transport" in problem.message for problem in find_fixed(desired, world.facts()))


def test_another_address_of_a_member_is_refused_while_corosync_runs_and_restarts_nobody() -> None:
    desired = desired_of(MINIMAL)
    conf = next(file.content for file in desired.files["node1"] if file.path == COROSYNC_CONF)
    running = "".join(f"{key} (str) = {value}\n" for key, value in flatten(conf).items())
    elsewhere = running.replace("192.0.2.12", "192.0.2.99")
    assert elsewhere != running
    world = built(desired)
    for name in world.nodes:
        assert fixed_changes(conf, running) == ()
        world.nodes[name] = replace(world.nodes[name], corosync_fixed=fixed_changes(conf, elsewhere))
    (found,) = find_fixed(desired, world.facts())
    assert "Corosync keeps the old one while it runs" in found.message
    assert "`pcmk-ha stop`, then `pcmk-ha apply`" in found.hint
    assert not find_fixed(desired, world.facts(), renewed="node2"), "the new machine's Corosync does not run yet"
    kinds = [type(step.action) for step in make_plan(desired, world.facts(), restart=True)]
    assert change.RestartMember not in kinds


def test_a_cluster_of_one_that_packages_started_is_ended_whatever_its_corosync_runs() -> None:
    desired = desired_of(MINIMAL)
    world = World(desired, records=True)
    world.start_as_packaged("node1")
    world.nodes["node1"] = replace(world.nodes["node1"], corosync_fixed=("totem.transport", "totem.netmtu"))
    assert not find_fixed(desired, world.facts())
    kinds = [type(step.action) for step in make_plan(desired, world.facts(), restart=True)]
    assert act.EndPackagedCluster in kinds
    assert change.RestartMember not in kinds


# --- what is shown is what is done


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


def test_a_description_says_what_a_thing_is() -> None:
    assert describe("cib-bootstrap-options/x", "") == "property x"
    assert describe("rsc-defaults/y", "") == "default y"
    assert describe("fencing level 1 of node1", "<fencing-level/>") == "fencing level 1 of node1"
    assert describe("pg", "<group/>") == "group pg"
