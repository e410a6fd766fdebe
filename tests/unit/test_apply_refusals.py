"""What cannot be changed on a cluster that runs, or would keep something from starting, is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.applied import built
from support.files import MINIMAL
from support.planned import World, desired_of

from pcmk_ha.desired.names import COROSYNC_CONF
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import change_actions as change
from pcmk_ha.plan.build import make_plan
from pcmk_ha.plan.corosync import fixed_changes, flatten
from pcmk_ha.plan.facts import Setting
from pcmk_ha.plan.fixed import find_fixed


def test_a_parameter_the_server_does_not_know_is_refused_before_it_keeps_it_from_starting() -> None:
    desired = desired_of(MINIMAL + "postgresql: {parameters: {shared_bufers: 1GB, app.x: 1}}\n")
    facts = built(desired_of(MINIMAL)).facts()
    known = {**facts.service.settings, **{n: Setting("sighup") for n in ("listen_addresses", "work_mem")}}
    found = find_fixed(desired, replace(facts, service=replace(facts.service, settings=known)))
    assert [f.message for f in found if "shared_bufers" in f.message]
    assert not [f.message for f in found if "app.x" in f.message]


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


@pytest.mark.parametrize("more", ["agents: packaged\n", "stonith: {priority_delay_s: 0}\n"])
def test_the_head_starts_device_manages_nothing_and_may_go(more: str) -> None:
    world = built(desired_of(MINIMAL))
    desired = desired_of(MINIMAL + more)
    assert "fence_head_start" in world.facts().service.cib
    assert "fence_head_start" not in desired.cib
    assert not find_fixed(desired, world.facts())


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
    assert "`pcmk-ha destroy` keeps the data" in found.hint
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
