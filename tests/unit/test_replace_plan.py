"""A replacement is planned in safe steps, finished from any point on, and only it may touch the new machine's disk."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from support.files import ARBITER, MINIMAL
from support.planned import desired_of, run
from support.widowed import MOVED, Widowed

from pcmk_ha.plan import actions as act
from pcmk_ha.plan import replace_actions as rep
from pcmk_ha.plan.blockers import find_blockers
from pcmk_ha.plan.build import make_plan
from pcmk_ha.plan.facts import DrbdFact, Metadata, UnitFact
from pcmk_ha.plan.fixed import find_fixed
from pcmk_ha.plan.replace import plan_replacement
from pcmk_ha.plan.values import Plan


def plan_of(world: Widowed) -> Plan:
    facts = world.facts()
    assert not find_blockers(world.desired.cluster, facts, renewed=world.node)
    return plan_replacement(world.place, make_plan(world.desired, facts, renewed=world.node))


CASES = [("node2", MINIMAL, MINIMAL), ("node2", MINIMAL, MOVED), ("arbiter", MINIMAL + ARBITER, MINIMAL + ARBITER)]


@settings(max_examples=25, deadline=None)
@given(st.data(), st.sampled_from(CASES))
def test_a_replacement_that_was_killed_after_any_step_is_finished_by_the_next(
    data: st.DataObject, case: tuple[str, str, str]
) -> None:
    node, before, after = case
    world = Widowed(before, node)
    world.desired = desired_of(after)
    for _attempt in range(3):
        plan = plan_of(world)
        run(world, plan, data, data.draw(st.integers(0, len(plan))))
    plan = plan_of(world)
    run(world, plan, data, len(plan))
    assert not plan_of(world)
    assert world.kept == {"site"}, "what is not ours stays"
    assert world.nodes[node].units["corosync.service"] == UnitFact(enabled=True, active=True)


def test_every_step_comes_after_what_makes_it_safe() -> None:
    world = Widowed(MINIMAL, "node2")
    world.desired = desired_of(MOVED)
    actions = [step.action for step in plan_of(world)]
    kinds = [type(action) for action in actions]
    assert kinds[:4] == [rep.ConfirmDead, rep.MarkReplacement, rep.ForgetAttributes, rep.ForgetStatus]
    started = kinds.index(act.StartCluster)
    assert [a.node for a in actions if isinstance(a, act.CreateMetadata)] == ["node2"]
    assert [a.node for a in actions if isinstance(a, act.BringUpDrbd)] == ["node1"], (
        "its link changes, nothing restarts"
    )
    for kind in (act.CreateMetadata, act.BringUpDrbd, act.ReloadCorosync, act.PushCib):
        assert kinds.index(kind) < started
    assert not {act.SkipInitialSync, act.PrepareVolume, act.WipeDisk} & set(kinds)
    assert [a.node for a in actions if isinstance(a, act.ReloadCorosync | act.PushCib)] == ["node1", "node1"]


# --- what only `replace` may


def test_an_empty_disk_in_a_cluster_that_runs_is_for_replace_alone() -> None:
    world = Widowed(MINIMAL, "node2")
    (found,) = find_blockers(world.desired.cluster, world.facts())
    assert "node2 has nothing of this cluster on its disk" in found.message
    assert found.hint.startswith("`pcmk-ha replace node2`")
    assert find_blockers(world.desired.cluster, world.facts(), (("node2", "/dev/sdb"),))
    assert find_blockers(world.desired.cluster, world.facts(), renewed="node1")
    assert not find_blockers(world.desired.cluster, world.facts(), renewed="node2")


def test_a_disk_that_holds_something_is_refused_and_never_wiped() -> None:
    world = Widowed(MINIMAL, "node2")
    world.nodes["node2"] = replace(world.nodes["node2"], drbd=DrbdFact(Metadata.ABSENT, ("ext4",)))
    (found,) = find_blockers(world.desired.cluster, world.facts(), renewed="node2")
    assert (found.message, found.hint) == (
        "node2: /dev/sdb holds ext4", "if nobody needs it: wipefs --all /dev/sdb there",
    )  # fmt: skip
    actions = {type(s.action) for s in make_plan(world.desired, world.facts(), renewed="node2")}
    assert not {act.WipeDisk, act.CreateMetadata} & actions


def test_only_the_disk_of_the_named_node_may_be_another() -> None:
    world = Widowed(MINIMAL, "node2")
    for changed, renewed, refused in (("node2", "node2", 0), ("node2", "node1", 1), ("node1", "node2", 1)):
        head, tail = MINIMAL.split(f"name: {changed}")
        desired = desired_of(f"{head}name: {changed}{tail.replace('/dev/sdb', '/dev/sdc', 1)}")
        found = [p.message for p in find_fixed(desired, world.facts(), renewed=renewed)]
        assert len(found) == refused, found
