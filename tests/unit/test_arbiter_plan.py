"""From two votes to three and back: nobody loses quorum on the way, and no arbiter ever helps one of two halves."""

from __future__ import annotations

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from support.votes import THIRD, is_quorate, quorate_blocks
from support.voting import ENDS, WAYS, assert_available, assert_safe, assert_three, assert_two, walk, with_two

from pcmk_ha.desired.names import COROSYNC_CONF
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import arbiter_actions as vote

NO_SHRINK = (Phase.explicit, Phase.reuse, Phase.generate)  # whole worlds: shrinking takes minutes


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
