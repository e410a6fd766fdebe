"""The judge is itself judged: what is planted is found, and what is fine is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.drills import NODE1, NODE2, T0, answered, failover, ledger, looks

from pcmk_ha.client.ledger import Ledger, Server
from pcmk_ha.drill.evidence import Run, Span
from pcmk_ha.drill.judge import judge
from pcmk_ha.drill.outage import client_outage, first_write_at, merged_outage
from pcmk_ha.drill.scenario import ARBITER, EITHER, OTHER, PRIMARY, SAME, STANDBY, Expectation
from pcmk_ha.drill.spans import find_overlaps, find_spans
from pcmk_ha.drill.writers import double_writers
from pcmk_ha.model.parts import Objectives

POWER_LOSS = Expectation(OTHER, (PRIMARY,), 30)
NONE = Objectives()


def with_client(run: Run, **changes: object) -> Run:
    steady = replace(run.clients["steady"], **changes)  # type: ignore[arg-type]
    return replace(run, clients={**run.clients, "steady": steady})


def without(rows: tuple[int, ...], *missing: int) -> tuple[int, ...]:
    return tuple(row for row in rows if row not in missing)


# --- everything as it should be


def test_a_good_failover_has_no_problem() -> None:
    assert judge(failover(), POWER_LOSS, NONE) == ()


def test_a_row_in_doubt_may_be_there_or_not() -> None:
    run = failover()
    found = run.clients["steady"].found
    assert judge(with_client(run, doubtful=(9000, 9001), found=(*found, 9001)), POWER_LOSS, NONE) == ()


# --- rows


def test_lost_acknowledged_rows_are_named_by_client() -> None:
    run = failover()
    (problem,) = judge(with_client(run, found=without(run.clients["steady"].found, 7, 203)), POWER_LOSS, NONE)
    assert problem == "steady: 2 rows acknowledged and missing (objective: rpo): 7, 203"


def test_many_lost_rows_are_counted_and_ten_are_named() -> None:
    (problem,) = judge(with_client(failover(), found=()), POWER_LOSS, NONE)
    assert "acknowledged and missing" in problem
    sent = len(failover().clients["steady"].acknowledged)
    assert problem.endswith(f"1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and {sent - 10} more")


def test_ten_lost_rows_are_all_named() -> None:
    run = with_client(failover(), found=without(failover().clients["steady"].found, *range(1, 11)))
    (problem,) = judge(run, POWER_LOSS, NONE)
    assert problem.endswith("8, 9, 10")


def test_lost_rows_of_the_naive_client_and_of_direct_ones_count() -> None:
    run = failover()
    naive = replace(run.clients["naive"], found=())
    assert len(judge(replace(run, clients={**run.clients, "naive": naive}), POWER_LOSS, NONE)) == 1
    lost = replace(answered(NODE1, -3, -2, -1), found=(1, 2))
    assert judge(replace(run, direct={"past-the-vip": lost}), POWER_LOSS, NONE) == (
        "past-the-vip: 1 row acknowledged and missing (objective: rpo): 3",
    )


def test_rows_that_were_promised_to_be_expendable_are_no_problem_up_to_their_number() -> None:
    run = with_client(failover(), found=without(failover().clients["steady"].found, 7, 203))
    assert judge(run, POWER_LOSS, Objectives(rpo=2)) == ()
    assert len(judge(run, POWER_LOSS, Objectives(rpo=1))) == 1


def test_rows_there_twice_or_never_sent_are_found() -> None:
    run = failover()
    found = run.clients["steady"].found
    assert judge(with_client(run, found=(*found, 5, 77777)), POWER_LOSS, NONE) == (
        "steady: 1 row there more than once: 5",
        "steady: 1 row there and never sent: 77777",
    )


def test_a_drill_without_a_single_write_proves_nothing() -> None:
    silent = Ledger((), began=T0 - 10, ended=T0 + 5)
    problems = judge(failover(clients={"steady": silent}), POWER_LOSS, NONE)
    assert any("nothing is proved" in problem for problem in problems)


@given(st.sets(st.integers(1, 200), max_size=20), st.sets(st.integers(1, 200), max_size=5))
def test_exactly_the_planted_losses_and_duplicates_are_reported(lost: set[int], twice: set[int]) -> None:
    acks = tuple((seq, T0 + seq * 0.05) for seq in range(1, 201))
    found = [seq for seq, _at in acks if seq not in lost]
    found += [seq for seq in twice if seq not in lost]
    run = failover(clients={"steady": Ledger(acks, (), tuple(found), T0, T0 + 10.05)})
    said = " ".join(judge(run, POWER_LOSS, NONE))
    assert (f"{len(lost)} row" in said and "missing" in said) == bool(lost)
    assert ("more than once" in said) == bool(twice - lost)


# --- outage


def test_an_outage_is_over_what_the_drill_allows_for_each_well_configured_client() -> None:
    clients = {"steady": ledger((0, 31)), "fresh": ledger((1, 33)), "naive": ledger((0, 55))}
    slow, slower = judge(failover(clients=clients), POWER_LOSS, NONE)
    assert slow.startswith("steady: 31.")
    assert slower.startswith("fresh: 32.")
    assert "allows 30 s" in slow


def test_an_outage_over_the_objective_is_a_problem_of_its_own() -> None:
    (problem,) = judge(failover(), POWER_LOSS, Objectives(rto=9.2))
    assert problem.startswith("objective: an outage of 9.4")
    assert judge(failover(), POWER_LOSS, Objectives(rto=10)) == ()


def test_an_outage_of_exactly_what_is_allowed_or_promised_is_fine() -> None:
    acks = ((1, T0 - 1), (2, T0 + 7))
    run = failover(clients={"steady": Ledger(acks, (), (1, 2), T0 - 2, T0 + 8)})
    assert judge(run, replace(POWER_LOSS, outage_s=8), Objectives(rto=8)) == ()


def test_a_gap_that_ended_with_the_fault_is_not_the_faults() -> None:
    assert client_outage(Ledger(((1, T0), (2, T0 + 1)), began=T0 - 9, ended=T0 + 1.5), T0) == 1


def test_the_naive_client_is_not_held_to_the_objective() -> None:
    assert merged_outage(failover()) == pytest.approx(9.4, abs=0.1)


def test_overlapping_outages_are_not_added_up() -> None:
    run = failover(clients={"a": ledger((5, 8)), "b": ledger((7, 12))})
    assert merged_outage(run) == pytest.approx(5, abs=0.1)


def test_a_gap_that_was_over_before_the_fault_is_not_the_faults() -> None:
    early = ledger((-8, -2), (0, 3))
    assert client_outage(early, T0) == pytest.approx(3, abs=0.1)
    assert early.outage_s > 5.9
    assert judge(failover(clients={"steady": early}), Expectation(OTHER, (PRIMARY,), 4), NONE) == ()


def test_a_gap_the_fault_fell_into_counts_from_its_beginning() -> None:
    assert client_outage(ledger((-2, 3)), T0) == pytest.approx(5, abs=0.1)


def test_a_client_that_never_writes_again_is_without_service_to_the_end() -> None:
    dead = ledger((0, 60), until=60)
    assert client_outage(dead, T0) == pytest.approx(60, abs=0.1)
    assert first_write_at(failover(clients={"steady": dead})) is None


def test_a_client_that_began_and_ended_before_the_fault_says_nothing() -> None:
    assert client_outage(answered(NODE1, -9, -5), T0) == 0


def test_the_first_write_is_that_of_the_first_client_that_came_back() -> None:
    again = first_write_at(failover())
    assert again is not None
    assert again - T0 == pytest.approx(9, abs=0.06)


# --- two writers


def test_writes_that_move_to_another_node_once_are_fine() -> None:
    clients = {"a": answered(NODE1, -2, -1, 0), "b": answered(NODE2, 10, 11)}
    assert double_writers(clients) == ()


def test_a_server_that_answers_after_another_took_over_is_found() -> None:
    clients = {"a": answered(NODE1, -1, 0, 10.5), "b": answered(NODE2, 10, 11)}
    (problem,) = double_writers(clients)
    assert problem.startswith("two servers took writes at the same time: node1 answered one 0.50 s after node2")


def test_two_servers_that_take_turns_are_one_problem_and_not_hundreds() -> None:
    clients = {"a": answered(NODE1, *range(50)), "b": answered(replace(NODE2, at=T0), *(n + 0.5 for n in range(50)))}
    assert len(double_writers(clients)) == 1


def test_one_client_that_is_sent_back_and_forth_is_found() -> None:
    servers = (NODE1, NODE2, Server(T0 + 20, "node1", "a", 1))
    acks = tuple(enumerate((T0 - 1, T0 + 10, T0 + 21), 1))
    assert len(double_writers({"a": Ledger(acks, servers=servers)})) == 1


def test_a_switchover_there_and_back_is_fine_for_each_start_is_another_instance() -> None:
    servers = (NODE1, NODE2, Server(T0 + 20, "node1", "c", 1))
    acks = tuple(enumerate((T0 - 1, T0 + 10, T0 + 21), 1))
    assert double_writers({"a": Ledger(acks, servers=servers)}) == ()


def test_a_restart_on_the_same_node_is_fine() -> None:
    servers = (NODE1, Server(T0 + 3, "node1", "a2", 1))
    assert double_writers({"a": Ledger(tuple(enumerate((T0, T0 + 4), 1)), servers=servers)}) == ()


def test_answers_of_two_starts_on_one_node_in_disorder_are_not_of_two_nodes() -> None:
    again = replace(NODE1, instance="a2")
    assert double_writers({"a": answered(NODE1, -1, 5), "b": answered(again, 3)}) == ()


def test_an_answer_of_an_unknown_server_is_attributed_to_nobody() -> None:
    assert double_writers({"a": Ledger(((1, T0),), servers=(NODE2,)), "b": answered(NODE1, -1, 1)}) == ()


def test_the_judge_looks_for_two_writers_among_direct_clients_too() -> None:
    run = failover(direct={"past-the-vip": answered(NODE1, -1, 15)})
    assert any("two servers" in problem for problem in judge(run, POWER_LOSS, NONE))


# --- two holders


def overlaps(*parts: list[object], slack_s: float = 0.25) -> tuple[str, ...]:
    samples = [sample for part in parts for sample in part]
    return find_overlaps(find_spans(samples), slack_s=slack_s)  # type: ignore[arg-type]


def test_spans_are_what_was_seen_without_a_break() -> None:
    samples = looks("node1", 0, 2) + looks("node1", 2.2, 3, has=("VIP",)) + looks("node1", 3.2, 4, has=())
    found = {span.what: (span.began - T0, span.ended - T0) for span in find_spans(samples)}
    assert found["VIP"] == pytest.approx((0, 3))
    assert found["Primary"] == found["mounted"] == found["PostgreSQL"] == pytest.approx((0, 2))


def test_the_order_of_samples_does_not_matter() -> None:
    samples = looks("node1", 0, 2) + looks("node2", 1, 3)
    assert find_spans(reversed(samples)) == find_spans(samples)


def test_a_thing_lost_and_had_again_is_two_spans() -> None:
    samples = looks("node1", 0, 1) + looks("node1", 1.2, 2, has=()) + looks("node1", 2.2, 3)
    assert len([span for span in find_spans(samples) if span.what == "VIP"]) == 2


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("Primary", "node1 and node2 were both Primary for 2.00 s"),
        ("mounted", "node1 and node2 both had the file system mounted"),
        ("VIP", "node1 and node2 both had the VIP"),
        ("PostgreSQL", "node1 and node2 both ran PostgreSQL"),
    ],
)
def test_two_holders_at_once_are_found(what: str, says: str) -> None:
    (problem,) = overlaps(looks("node2", 3, 9, has=(what,)), looks("node1", 0, 5, has=(what,)))
    assert problem.startswith(says)
    assert "UTC" in problem


def test_different_things_on_two_nodes_are_no_overlap() -> None:
    assert overlaps(looks("node1", 0, 5, has=("Primary",)), looks("node2", 0, 5, has=("VIP",))) == ()


def test_an_old_primary_that_was_frozen_and_thawed_held_all_along() -> None:
    """Nobody looked while it hung; the same life of it still has everything when it goes on."""
    frozen = looks("node1", -5, 0) + looks("node1", 40, 40)
    assert len(overlaps(frozen, looks("node2", 20, 60))) == 4


def test_a_node_that_was_frozen_and_fenced_held_nothing_after_its_last_look() -> None:
    before, after = looks("node1", -5, 0), looks("node1", 40, 60, boot="2", has=())
    assert overlaps(before, after, looks("node2", 20, 60)) == ()


def test_a_fenced_node_that_booted_and_holds_again_later_is_no_overlap() -> None:
    """Fenced, rebooted, and promoted again after the other gave everything up: two spans and no silence between."""
    node1 = looks("node1", -5, 0) + looks("node1", 50, 60, boot="2")
    assert overlaps(node1, looks("node2", 20, 45)) == ()


def test_a_fenced_node_that_comes_back_primary_is_an_overlap() -> None:
    node1 = looks("node1", -5, 0) + looks("node1", 30, 31, boot="2", has=("Primary",))
    (problem,) = overlaps(node1, looks("node2", 20, 60))
    assert "both Primary" in problem


def test_a_single_look_inside_another_nodes_span_counts() -> None:
    assert len(overlaps(looks("node1", 30, 30, has=("Primary",)), looks("node2", 0, 60))) == 1


@pytest.mark.parametrize(("late", "problems"), [(0.2, 0), (0.3, 4)])
def test_what_the_error_of_clocks_explains_is_no_overlap(late: float, problems: int) -> None:
    """The old node seems to hold on for that much longer than the new one began."""
    assert len(overlaps(looks("node1", -5, 10 + late, every=0.1), looks("node2", 10, 20))) == problems


def test_a_short_hold_at_the_edge_of_another_is_explained_by_the_clocks() -> None:
    long = Span("VIP", "node1", 10, 20)
    for short in (Span("VIP", "node2", 10, 10.1), Span("VIP", "node2", 19.9, 20), Span("VIP", "node2", 9.8, 10.2)):
        assert find_overlaps([long, short], slack_s=0.25) == ()
    assert len(find_overlaps([long, Span("VIP", "node2", 10.2, 10.3)], slack_s=0.25)) == 1


def test_a_node_does_not_overlap_with_itself() -> None:
    spans = [Span("VIP", "node1", 0, 5), Span("VIP", "node1", 3, 9)]
    assert find_overlaps(spans, slack_s=0) == ()


@given(st.floats(0, 30), st.floats(0.5, 10), st.floats(0, 30), st.floats(0.5, 10))
def test_an_overlap_is_found_exactly_when_it_is_longer_than_the_slack(
    a: float, a_long: float, b: float, b_long: float
) -> None:
    spans = [Span("VIP", "x", a, a + a_long), Span("VIP", "y", b, b + b_long)]
    shifts = [min(a + a_long - b, b + b_long - a)]
    assert bool(find_overlaps(spans, slack_s=0.25)) == (shifts[0] > 0.25)


def test_the_judge_looks_for_two_holders() -> None:
    run = failover()
    bad = replace(run, spans=(*run.spans, Span("VIP", "node1", T0 + 20, T0 + 21)))
    assert any("both had the VIP" in problem for problem in judge(bad, POWER_LOSS, NONE))


# --- how it ended


@pytest.mark.parametrize(
    ("serves", "expected", "says"),
    [
        ("node1", OTHER, "node1 serves in the end, and not any other than node1"),
        ("node2", SAME, "node2 serves in the end, and not node1"),
        ("", EITHER, "nobody serves in the end"),
        ("node1", EITHER, ""),
        ("node2", EITHER, ""),
        ("node1", SAME, ""),
    ],
)
def test_the_wrong_node_or_nobody_in_the_end_is_a_problem(serves: str, expected: str, says: str) -> None:
    problems = judge(failover(serves=serves), replace(POWER_LOSS, serves_on=expected), NONE)
    assert problems == ((says,) if says else ())


@pytest.mark.parametrize(
    ("fenced", "expected", "says"),
    [
        ((), (PRIMARY,), "node1 (primary) was not fenced"),
        (("node2",), (), "node2 (standby) was fenced, and should not have been"),
        (("node1", "node1"), (PRIMARY,), ""),
        (("node1",), None, ""),
        ((), None, ""),
        (("node2",), (STANDBY,), ""),
        ((), (ARBITER,), "the arbiter (arbiter) was not fenced"),
        (("stranger",), (), "stranger (no member) was fenced, and should not have been"),
    ],
)
def test_fencing_that_is_missing_or_was_not_asked_for_is_a_problem(
    fenced: tuple[str, ...], expected: tuple[str, ...] | None, says: str
) -> None:
    problems = judge(failover(fenced=fenced), replace(POWER_LOSS, fenced=expected), NONE)
    assert problems == ((says,) if says else ())


def test_every_problem_of_a_drill_is_shown_at_once() -> None:
    run = with_client(failover(serves="", fenced=()), found=())
    assert len(judge(run, replace(POWER_LOSS, outage_s=1), Objectives(rto=2))) == 6
