"""From two votes to three and back: nobody loses quorum on the way, and no arbiter ever helps one of two halves."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from support.fake_node import FakeNode
from support.files import ARBITER, MINIMAL
from support.planned import World, desired_of, run
from support.votes import DATA, THIRD, are_two_votes, is_quorate, largest, quorate_blocks

from pcmk_ha.cib.items import items
from pcmk_ha.desired.names import COROSYNC, COROSYNC_CONF, PACEMAKER, RUNNING_UNITS
from pcmk_ha.errors import Refused, TimedOut
from pcmk_ha.facts.corosync import Quorum, parse_quorum
from pcmk_ha.model.load import load_cluster_text
from pcmk_ha.operate.arbiter.file import example_block, remove_block, without_block
from pcmk_ha.operate.arbiter.look import known_nodes
from pcmk_ha.operate.arbiter.votes import change_votes
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import arbiter_actions as vote
from pcmk_ha.plan.arbiter import Seen, Sides, counts_all, plan_add, plan_remove
from pcmk_ha.plan.arbiter_obstacles import find_occupied, find_others, has_begun
from pcmk_ha.plan.build import make_plan
from pcmk_ha.plan.facts import Facts, NodeFacts, UnitFact
from pcmk_ha.plan.fixed import find_fixed
from pcmk_ha.plan.values import Plan

SIDES = Sides(desired_of(MINIMAL), desired_of(MINIMAL + ARBITER))
NO_SHRINK = (Phase.explicit, Phase.reuse, Phase.generate)  # whole worlds: shrinking takes minutes
HEAD_START = "priority-fencing-delay"
DELAY = f"cib-bootstrap-options/{HEAD_START}"


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


@pytest.mark.parametrize("way", WAYS)
def test_nobody_loses_quorum_and_no_two_halves_have_it_after_any_step(way: str) -> None:
    begin, plan = WAYS[way]
    world = begin()
    assert_safe(world)
    assert_available(world)
    walk(world, plan(world))
    ENDS[way](world)


@settings(max_examples=20, deadline=None, phases=NO_SHRINK)
@given(st.data(), st.sampled_from(sorted(WAYS)), st.lists(st.sampled_from(sorted(WAYS)), max_size=2))
def test_a_run_cut_short_anywhere_is_finished_or_taken_back_by_the_next(
    data: st.DataObject, first: str, later: list[str]
) -> None:
    world = WAYS[first][0]()
    for way in (first, *later):
        plan = WAYS[way][1](world)
        walk(world, plan, data.draw(st.integers(0, len(plan))), data)
    last = later[-1] if later else first
    walk(world, WAYS[last][1](world), None, data)
    ENDS[last](world)


@settings(max_examples=15, deadline=None, phases=NO_SHRINK)
@given(st.data())
def test_an_arbiter_that_died_for_good_goes_at_whatever_point_it_died(data: st.DataObject) -> None:
    way = data.draw(st.sampled_from(sorted(WAYS)))
    world = WAYS[way][0]()
    plan = WAYS[way][1](world)
    walk(world, plan, data.draw(st.integers(0, len(plan))), data)
    world.dead = True
    plan = world.plan_remove()
    if THIRD in world.known:
        first = next(s.action for s in plan if not isinstance(s.action, act.VerifyWrite) and "note" not in str(s))
        assert first == vote.ProveOff("node1", THIRD)
    for step in plan:
        assert step.action.node != THIRD
        world.do(step.action)
        assert_safe(world)
    assert_two(world)


def test_what_must_not_be_is_noticed() -> None:
    """A data node that counts two votes, while the other one has an arbiter: both would go on."""
    assert max(len(blocks) for blocks in quorate_blocks({"node1": 2, "node2": 3, THIRD: 3})) == 2
    assert max(len(blocks) for blocks in quorate_blocks({"node1": 3, "node2": 3, THIRD: 3})) == 1
    assert not is_quorate(frozenset({"node1"}), {"node1": 3, "node2": 3})
    world = with_two()
    plan = world.plan_add()
    early = next(s.action for s in plan if isinstance(s.action, vote.CountVotes))
    for step in plan:
        if isinstance(step.action, act.WriteFiles | act.InstallPackages):
            world.do(step.action)
    with pytest.raises(AssertionError, match="nobody to be the third"):
        world.do(early)


def test_the_order_of_an_addition() -> None:
    kinds = [type(step.action).__name__ for step in with_two().plan_add()]
    order = [
        "StartCorosync",
        "PushCib",
        "WriteFiles",
        "WriteFiles",
        "CountVotes",
        "StartCluster",
        "AwaitQuorum",
        "PushCib",
    ]
    begin = kinds.index("StartCorosync")
    assert kinds[begin : begin + len(order)] == order
    files = [
        s.action.node
        for s in with_two().plan_add()
        if isinstance(s.action, act.WriteFiles)
        if s.action.paths == (COROSYNC_CONF,)
    ]
    assert files == ["node2", "node1"], "the node that serves learns of it last"
    assert "DisableUnits" in kinds[:begin]


def test_what_an_earlier_life_left_is_forgotten_before_pacemaker_starts() -> None:
    world = with_two()
    world.left_cib = True
    walk(world, world.plan_add())
    assert_three(world)


# --- refusals


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


# --- what Corosync says


@pytest.mark.parametrize(
    ("votes", "expected", "flags", "wanted", "right"),
    [
        (2, 2, "2Node Quorate WaitForAll", 2, True),
        (3, 3, "Quorate", 3, True),
        (2, 3, "Quorate", 3, False),  # the third is not there
        (2, 3, "Quorate", 2, False),  # not reloaded
        (3, 3, "2Node Quorate WaitForAll", 3, False),
    ],
)
def test_votes_are_counted(votes: int, expected: int, flags: str, wanted: int, right: bool) -> None:
    text = (
        f"Quorate:          Yes\nExpected votes:   {expected}\nTotal votes:      {votes}\nFlags:            {flags}\n"
    )
    assert counts_all(parse_quorum(text), wanted) is right
    assert not counts_all(None, wanted)


def answers(votes: int, expected: int, flags: str = "Quorate") -> str:
    return (
        f"Quorate:          Yes\nExpected votes:   {expected}\nTotal votes:      {votes}\nFlags:            {flags}\n"
    )


ASK = "sh -c corosync-quorumtool -s"


def test_a_third_vote_that_does_not_come_is_taken_back() -> None:
    nodes = {name: FakeNode(name, {ASK: answers(2, 3)}) for name in ("node1", "node2")}
    nodes[THIRD] = FakeNode(THIRD, {ASK: answers(1, 3, "")})
    reloads = []

    def reload_(_stdin: str) -> str:
        reloads.append([nodes[name].files.get(COROSYNC_CONF, "") for name in ("node1", "node2")])
        for name in ("node1", "node2"):
            nodes[name].answer(ASK, answers(2, 3 if len(reloads) == 1 else 2, "2Node Quorate WaitForAll"))
        return ""

    nodes["node1"].answer("corosync-cfgtool -R", reload_)
    with pytest.raises(TimedOut) as caught:
        change_votes(nodes, SIDES, 3, join_s=0.01)
    assert "count two votes again" in caught.value.hint
    assert len(reloads) == 2
    wanted = next(f.content for f in SIDES.two.files["node1"] if f.path == COROSYNC_CONF)
    assert reloads[1] == [wanted, wanted], "both files before the one reload"
    assert THIRD not in nodes[THIRD].files


def test_nothing_is_reloaded_while_the_third_does_not_wait_for_it() -> None:
    nodes = {name: FakeNode(name, {ASK: answers(2, 2)}) for name in ("node1", "node2")}
    nodes[THIRD] = FakeNode(THIRD, {ASK: (1, "", "Cannot initialize QUORUM service")})
    with pytest.raises(Refused, match="nothing was reloaded"):
        change_votes(nodes, SIDES, 3)


def test_known_nodes_are_read() -> None:
    text = (
        '<nodes><node id="1" uname="node1"/><node id="3" uname="arbiter"><instance_attributes id="x"/></node></nodes>'
    )
    assert known_nodes(text) == {"node1", "arbiter"}


# --- the cluster file

COMMENTED = f"""\
# mine
{MINIMAL}# above the arbiter
arbiter:                # inside
  name: arbiter         # inside, too
  address: 192.0.2.13
  fence:
    ip: 192.0.2.113
    username: admin
    password: {{env: FENCE_PASSWORD}}   # last of it
# below, about what follows
timeouts: {{token_ms: 1200}}
"""


def test_the_block_goes_and_every_other_line_stays(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text(COMMENTED)
    path.chmod(0o640)
    assert remove_block(path)
    lines = COMMENTED.splitlines(keepends=True)
    begin, end = lines.index("arbiter:                # inside\n"), lines.index("# below, about what follows\n")
    assert path.read_text() == "".join((*lines[:begin], *lines[end:]))
    assert path.stat().st_mode & 0o777 == 0o640
    assert not remove_block(path)


FLOW = """arbiter: {name: arbiter, address: 192.0.2.13,
  fence: {ip: 192.0.2.113, username: x,
  password: {env: P}}}
"""


@pytest.mark.parametrize("block", [ARBITER, FLOW])
def test_a_block_in_any_form_goes(block: str) -> None:
    assert without_block(MINIMAL + block) == MINIMAL
    assert without_block(block + MINIMAL) == MINIMAL


def test_a_block_that_others_refer_to_is_left_to_a_person(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    anchored = ARBITER.replace("fence: {", "fence: &bmc {").replace("ip: 192.0.2.113, ", "ip: 192.0.2.113, ")
    path.write_text(anchored + MINIMAL.replace("vip:", "stonith: {parameters: {<<: *bmc}}\nvip:"))
    before = path.read_text()
    with pytest.raises(Exception):  # noqa: B017, PT011  whatever is wrong with such a file, it stays as it is
        remove_block(path)
    assert path.read_text() == before


@pytest.mark.parametrize("links", [1, 2])
def test_the_block_that_is_shown_is_one(links: int) -> None:
    text = MINIMAL if links == 1 else MINIMAL.replace(
        "address: 192.0.2.11\n", "address: 192.0.2.11\n    links: [192.0.2.11, 198.51.100.11]\n"
    ).replace("address: 192.0.2.12\n", "address: 192.0.2.12\n    links: [192.0.2.12, 198.51.100.12]\n")  # fmt: skip
    shared = text.replace(", username: admin, password: {env: FENCE_PASSWORD}", "") + (
        "stonith: {parameters: {username: admin, password: {env: FENCE_PASSWORD}}}\n"
    )
    block = example_block(load_cluster_text(shared))
    filled = (
        block.replace("NAME ", "witness ").replace("ADDRESS-OF-ITS-BMC", "192.0.2.113").replace(" IP", " 192.0.2.113")
    )
    filled = filled.replace("ADDRESS1", "192.0.2.13").replace("ADDRESS2", "198.51.100.13")
    cluster = load_cluster_text(f"{shared}{filled}\n")
    assert cluster.arbiter is not None
    assert len(cluster.arbiter.link_addresses) == links
