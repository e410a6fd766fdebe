"""What differs is told by three sides: what was applied, what is wanted and what is there, whoever changed it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.applied import built, plan_of
from support.files import MINIMAL
from support.planned import desired_of, run

from pcmk_ha.cib.items import config_digest, describe, items
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import change_actions as change
from pcmk_ha.plan.build import make_plan
from pcmk_ha.plan.compare import Kind, Sides, foreign, gone, three_way
from pcmk_ha.plan.differences import find_differences, find_foreign
from pcmk_ha.plan.record import to_json

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


def test_a_description_says_what_a_thing_is() -> None:
    assert describe("cib-bootstrap-options/x", "") == "property x"
    assert describe("rsc-defaults/y", "") == "default y"
    assert describe("fencing level 1 of node1", "<fencing-level/>") == "fencing level 1 of node1"
    assert describe("pg", "<group/>") == "group pg"
