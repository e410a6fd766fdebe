"""A cluster on its way from two votes to three and back, made of facts, and what must hold after every step."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from functools import cache

from hypothesis import strategies as st
from support.files import ARBITER, MINIMAL
from support.planned import World, desired_of, run
from support.votes import DATA, THIRD, are_two_votes, is_quorate, largest, quorate_blocks

from pcmk_ha.cib.items import items
from pcmk_ha.desired.names import COROSYNC, COROSYNC_CONF, PACEMAKER, RUNNING_UNITS
from pcmk_ha.facts.corosync import Quorum
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import arbiter_actions as vote
from pcmk_ha.plan.arbiter import Seen, Sides, plan_add, plan_remove
from pcmk_ha.plan.build import make_plan
from pcmk_ha.plan.facts import Facts, NodeFacts, UnitFact
from pcmk_ha.plan.values import Plan

SIDES = Sides(desired_of(MINIMAL), desired_of(MINIMAL + ARBITER))
HEAD_START = "fence_head_start"


class Votes(World):
    """A cluster that serves with two votes, and an empty third machine."""

    def __init__(self, sides: Sides = SIDES) -> None:
        self.third = self.dead = False  # until there is one
        super().__init__(sides.two, records=True)
        run(self, make_plan(sides.two, self.facts()), None, 99)
        self.sides = sides
        self.known = set(DATA)
        self.left_cib = False
        self.third = True
        self.desired = sides.three
        self.nodes[THIRD] = self._empty(THIRD, installed=False)
        assert self.records is not None
        self.records[THIRD] = None

    # --- what is found

    def _runs(self, name: str) -> bool:
        return (name == THIRD and self.third) or super()._runs(name)

    def facts_for(self, names: frozenset[str]) -> Facts:
        wanted, self.desired = self.desired, self.sides.three  # which has files for all; those of data nodes are alike
        facts = self.facts()
        self.desired = wanted
        assert facts.records is not None
        found = {name: record for name, record in facts.records.items() if name in names}
        return replace(facts, nodes={n: node for n, node in facts.nodes.items() if n in names}, records=found)

    @property
    def views(self) -> dict[str, int]:
        """How many votes each running Corosync counts."""
        active = [name for name, node in self.nodes.items() if node.units[COROSYNC].active]
        return {name: 3 if THIRD in self.running[name, COROSYNC_CONF] else 2 for name in active if self.is_up(name)}

    def is_up(self, name: str) -> bool:
        return not (self.dead and name == THIRD)

    def seen(self) -> Seen:
        views = self.views
        counts = {}
        for block in largest(views):
            for name in block:
                expected = max(views[other] for other in block)
                flags = ("2Node", "WaitForAll") if views[name] == 2 else ()
                counts[name] = Quorum(is_quorate(block, views), len(block), expected, flags)
        online = {n for n in self.nodes if self.nodes[n].units[PACEMAKER].active and self.is_up(n)}
        left = self.records is not None and self.records[THIRD] is not None
        return Seen(counts, frozenset(online), frozenset(self.known), self.left_cib, left)

    def third_facts(self) -> NodeFacts | None:
        return None if self.dead else self.nodes[THIRD]

    def plan_add(self) -> Plan:
        self.desired = self.sides.three
        return plan_add(self.sides, self.facts_for(DATA | {THIRD}), self.seen())

    def plan_remove(self) -> Plan:
        self.desired = self.sides.two
        return plan_remove(self.sides, self.facts_for(DATA), self.seen(), self.third_facts())

    # --- what is done

    def do(self, action: act.Action) -> None:
        node = self.nodes[action.node]
        assert self.is_up(action.node), "it does not answer"
        match action:
            case vote.ForgetFormerLife():
                assert not node.units[PACEMAKER].active
                self.left_cib = False
            case vote.AskDevices():
                assert not node.missing_packages
            case vote.StartCorosync():
                assert COROSYNC_CONF in node.files
                self._take(COROSYNC_CONF, THIRD)
                self._unit(THIRD, COROSYNC, active=True)
            case vote.StopCorosync():
                assert not node.units[PACEMAKER].active
                self._unit(THIRD, COROSYNC, active=False)
            case vote.CountVotes():
                assert action.votes == 2 or THIRD in self.views, "two of three votes, and nobody to be the third"
                self._take(COROSYNC_CONF, *self.views)
                assert {self.views[name] for name in DATA} == {action.votes}
            case act.StartCluster() if action.node == THIRD:
                assert all(self.views[name] == 3 for name in DATA), "Pacemaker before its vote counts"
                assert f'id="fence_{THIRD}"' in self.cib, "a member that cannot be fenced"
                assert f"pg_vip-not-on-{THIRD}" in self.cib, "the service could be placed there"
                assert not self.left_cib, "an old configuration would be taken for the newest"
                super().do(action)
                self.known.add(THIRD)
            case act.AwaitQuorum():
                assert all(World._runs(self, name) for name in self.nodes)
            case _:
                self._leave(action)

    def _leave(self, action: act.Action) -> None:
        match action:
            case vote.LeavePacemaker():
                for unit in RUNNING_UNITS[1:]:
                    self._unit(THIRD, unit, active=False)
            case vote.AwaitLeft():
                assert not self.nodes[THIRD].units[PACEMAKER].active
            case vote.ProveOff():
                assert self.dead
            case vote.ForgetMember():
                assert all(self.views[name] == 2 for name in DATA), "the next DC would enter it again, and fence it"
                assert THIRD not in self.seen().online
                self.known.discard(THIRD)
            case vote.UndoMember():
                assert not any(self.nodes[THIRD].units[unit].active for unit in RUNNING_UNITS)
                self._set(replace(self.nodes[THIRD], files={}))
                assert self.records is not None
                self.records[THIRD] = None
            case _:
                super().do(action)

    def _unit(self, name: str, unit: str, *, active: bool) -> None:
        node = self.nodes[name]
        self._set(replace(node, units={**node.units, unit: UnitFact(enabled=False, active=active)}))


def assert_safe(world: Votes) -> None:
    """At most one quorate part however links are cut; with two votes fencing decides, and has its head start."""
    for blocks in quorate_blocks(world.views):
        if len(blocks) > 1:
            assert are_two_votes(blocks), f"{blocks} are quorate at once: {world.views}"
            assert HEAD_START in world.cib, f"both halves would shoot at once: {world.views}"


def assert_available(world: Votes) -> None:
    """Whoever of those that run is lost, whoever of the data nodes is left has quorum."""
    for lost in world.views:
        left = {name: view for name, view in world.views.items() if name != lost}
        for block in largest(left):
            assert not block & DATA or is_quorate(block, left), f"{lost} is lost: {world.views}"


def assert_decided(world: Votes) -> None:
    """A data node that restarts counts by its file: then, and with cut links too, fencing decides as with two votes.

    One of two quorate parts is always a data node alone, and the head start is still there.
    """
    for name in DATA:
        views = {**world.views, name: 3 if THIRD in world.contents[name, COROSYNC_CONF] else 2}
        for blocks in quorate_blocks(views):
            if len(blocks) > 1:
                assert any(len(block) == 1 and block < DATA for block in blocks)
                assert HEAD_START in world.cib


def walk(world: Votes, plan: Plan, stop_after: int | None = None, order: st.DataObject | None = None) -> None:
    """Perform a plan step by step, with everything that must hold asserted after each."""
    done: set[int] = set()
    while len(done) < (len(plan) if stop_after is None else stop_after):
        ready = [i for i, step in enumerate(plan.steps) if i not in done and step.after <= done]
        chosen = order.draw(st.sampled_from(ready)) if order else ready[0]
        world.do(plan.steps[chosen].action)
        done.add(chosen)
        assert_safe(world)
        assert_available(world)
        assert_decided(world)


@cache
def built(*, arbiter: bool) -> Votes:
    world = Votes()
    if arbiter:
        walk(world, world.plan_add())
    return world


def copy_of(world: Votes) -> Votes:
    """A world with the same facts, which are values, in containers of its own."""
    twin = copy(world)
    vars(twin).update({name: copy(value) for name, value in vars(world).items() if isinstance(value, dict | set)})
    return twin


def with_two() -> Votes:
    return copy_of(built(arbiter=False))


def with_arbiter() -> Votes:
    return copy_of(built(arbiter=True))


WAYS: dict[str, tuple[Callable[[], Votes], Callable[[Votes], Plan]]] = {
    "add": (with_two, Votes.plan_add),
    "remove": (with_arbiter, Votes.plan_remove),
}


def assert_three(world: Votes) -> None:
    world.desired = SIDES.three
    assert world.views == {"node1": 3, "node2": 3, THIRD: 3}
    assert not world.plan_add()
    assert not make_plan(SIDES.three, world.facts(), restart=True)
    assert HEAD_START not in world.cib


def assert_two(world: Votes) -> None:
    world.desired = SIDES.two
    assert world.views == {"node1": 2, "node2": 2}
    assert not world.plan_remove()
    assert not make_plan(SIDES.two, world.facts_for(DATA), restart=True)
    assert set(items(world.cib)) == set(items(SIDES.two.cib))
    assert world.known == DATA
    assert world.dead or not (world.nodes[THIRD].files or world.seen().left_record)


ENDS = {"add": assert_three, "remove": assert_two}
