"""What a report says is what was recorded, in every form of it."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree, html
from support.drills import NODE1, NODE2, T0, answered, failover, ledger
from support.files import MINIMAL

from pcmk_ha.client.ledger import Ledger, Server
from pcmk_ha.drill.evidence import EXCLUSIVE, Event, Run, Span
from pcmk_ha.drill.report.compare import compare, compare_text, percentile
from pcmk_ha.drill.report.figures import figures
from pcmk_ha.drill.report.html import run_page
from pcmk_ha.drill.report.picture import pictures
from pcmk_ha.drill.report.scale import Scale, steps
from pcmk_ha.drill.report.store import dump_run, dump_runs, load_run
from pcmk_ha.drill.report.text import run_text
from pcmk_ha.errors import BadInput
from pcmk_ha.model.load import load_cluster_text


def lossy(run: Run) -> Run:
    steady = replace(run.clients["steady"], found=run.clients["steady"].found[:-7], doubtful=(9000, 9001))
    return replace(run, clients={**run.clients, "steady": steady}, problems=("steady: 7 rows <missing>", "second"))


def direct(run: Run) -> Run:
    return replace(run, direct={"direct-node1": answered(NODE1, -3, -2), "direct-node2": answered(NODE2, 12, 20)})


# --- text


def test_the_text_of_a_good_run_has_verdict_outage_steps_rows_and_redundancy() -> None:
    text = run_text(failover())
    lines = text.splitlines()
    assert lines[0] == "primary-power-loss on pgha (suite trixie, votes 2): passed"
    assert lines[1].endswith("2026-11-24 20:26:40 UTC; node1 served, node2 serves now; fenced: node1")
    assert re.search(r"outage +9\.4\d s, 30 s allowed", text)
    assert re.search(r"detected +2\.31 s +2\.31 s +node2", text)
    assert re.search(r"fencing asked +5\.42 s +3\.11 s +node2", text)
    assert re.search(r"rows +3\u202f\d+ acknowledged, 0 missing, 0 twice, 0 never sent, 0 in doubt", text)
    assert "both nodes held the data again 41.5 s after the fault" in text
    assert max(map(len, lines)) <= 110


def test_the_text_of_a_bad_run_shows_every_problem() -> None:
    text = run_text(replace(lossy(failover()), redundant_after_s=None, serves="", fenced=(), note="slow BMC"))
    assert "FAILED, 2 problems" in text
    assert "nobody serves now; nobody was fenced" in text
    assert "7 missing" in text
    assert "2 in doubt (0 of them there)" in text
    assert "never seen again" in text
    assert re.search(r"note +slow BMC", text)
    assert text.count("\nproblem ") == 2


def test_the_naive_client_is_shown_and_said_not_to_be_judged() -> None:
    assert re.search(r"naive +40\.0\d s .*not judged: no connection settings at all", run_text(failover()))


def test_clients_past_the_vip_count_for_rows_and_have_no_outage() -> None:
    found = figures(direct(failover()))
    assert found.total("acknowledged") == figures(failover()).total("acknowledged") + 4
    assert "direct-node1" not in run_text(direct(failover()))


# --- page


def page_of(run: Run) -> html.HtmlElement:
    return html.fromstring(run_page(run))


def test_the_page_needs_nothing_but_itself() -> None:
    text = run_page(lossy(direct(failover())))
    assert not re.search(r"<script|<link|<img|<iframe|@import|url\(|https?://|\bon\w+=", text)
    assert text.startswith("<!DOCTYPE html>")
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_the_page_is_well_formed() -> None:
    body = re.sub(r"<(meta[^>]*)>", r"<\1/>", run_page(lossy(direct(failover()))).partition("\n")[2])
    etree.fromstring(body.encode())


def test_what_logs_say_cannot_become_markup() -> None:
    evil = Event(T0 + 1, "node2", "", "<script>alert(1)</script>")
    text = run_page(failover(events=(evil,), note="<b>bold</b>", runbook="a <i>b</i>"))
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "<i>b" not in text


def test_the_page_says_what_happened_to_somebody_who_was_not_there() -> None:
    said = page_of(failover()).text_content()
    for words in (
        "PASSED",
        "node1 served when the fault struck; the worst-off client waited 9.4",
        "none of them is missing",
        "In the end node2 serves. node1 was fenced.",
        "What breaks: the machine that serves goes dark",
        "PostgreSQL started",
        "A new membership (2.1f) was formed",
    ):
        assert words in said


def test_the_page_of_a_bad_run_shows_its_problems_first() -> None:
    said = page_of(lossy(failover())).text_content()
    assert said.index("steady: 7 rows <missing>") < said.index("What happened")
    assert "7 of them are missing" in said


def test_a_run_with_nothing_in_it_still_has_its_reports() -> None:
    bare = Run("x", "c", "2026-11-24T20:26:40Z", T0, T0, "node1", {})
    assert "no writes were acknowledged" in page_of(bare).text_content()
    assert "x on c: passed" in run_text(bare)
    assert compare([bare])[0].outage_max_s == 0


def test_a_run_in_which_nobody_came_back_still_has_its_reports() -> None:
    run = failover(clients={"steady": ledger((0, 60))}, serves="", events=(), redundant_after_s=None)
    assert "nobody serves" in page_of(run).text_content()
    assert "59.9" in run_text(run) or "60.0" in run_text(run)


# --- picture


def test_the_outage_is_drawn_from_close_by_and_the_drill_as_a_whole() -> None:
    run = failover()
    close, whole = pictures(run, figures(run))
    assert close.caption.startswith("The outage")
    assert len(close.marks) > 5
    assert whole.left < close.strike_x < whole.strike_x


def test_a_short_drill_is_drawn_once() -> None:
    run = failover(ended_at=T0 + 28, clients={"steady": ledger((0, 25), until=28)})
    assert len(pictures(run, figures(run))) == 1


def test_a_step_long_after_the_outage_does_not_shrink_its_close_up() -> None:
    late = Event(T0 + 500, "node1", "VIP up", "again")
    run = failover(ended_at=T0 + 600, events=(late,))
    assert pictures(run, figures(run))[0].marks[-1][1] == "12 s"


def test_everything_drawn_lies_inside_the_picture() -> None:
    run = direct(failover())
    for picture in pictures(run, figures(run)):
        for row in picture.rows:
            assert row.y < picture.height
            for bar in row.bars:
                assert picture.left <= bar.x
                assert bar.x + bar.width <= picture.right + 2
            for x in re.findall(r"M([\d.]+) ", row.ticks):
                assert picture.left - 0.5 <= float(x) <= picture.right


def test_each_client_and_each_thing_of_each_node_has_a_row() -> None:
    run = direct(failover())
    labels = Counter(row.label for row in pictures(run, figures(run))[0].rows if not row.heading)
    assert labels["node1"] == labels["node2"] == len(EXCLUSIVE)
    assert all(labels[name] == 1 for name in ("steady", "fresh", "naive", "direct-node1", "detected", "first write"))


def test_two_holders_at_once_are_drawn_on_both_rows() -> None:
    run = failover()
    bad = replace(run, spans=(*run.spans, Span("VIP", "node1", T0 + 20, T0 + 25)))
    kinds = Counter(bar.kind for row in pictures(bad, figures(bad))[1].rows for bar in row.bars)
    assert kinds["clash"] == 2
    assert not any(bar.kind == "clash" for row in pictures(run, figures(run))[1].rows for bar in row.bars)


def test_a_gap_is_drawn_where_it_was_and_labelled_with_its_length() -> None:
    run = failover()
    close = pictures(run, figures(run))[0]
    (gap,) = next(row.bars for row in close.rows if row.label == "steady")
    assert (gap.kind, gap.text) == ("gap", "9.00 s")
    assert gap.x == pytest.approx(close.strike_x, abs=5)


def test_ticks_that_fall_on_one_place_are_one_stroke() -> None:
    run = failover(clients={"steady": ledger(every=0.001, rows=40000)})
    for picture in pictures(run, figures(run)):
        ticks = next(row.ticks for row in picture.rows if row.label == "steady")
        assert ticks.count("M") <= 2 * (picture.right - picture.left) + 1


@given(st.floats(-1000, 0), st.floats(0.5, 5000))
def test_axis_marks_are_few_round_and_inside(begin: float, end: float) -> None:
    marks = steps(begin, end)
    assert 2 <= len(marks) <= 16
    assert 0 in marks
    assert all(begin - 0.001 <= mark <= end + 0.001 for mark in marks)


def test_what_lies_outside_a_scale_is_put_on_its_edge() -> None:
    scale = Scale(-1, 9, 100, 200)
    assert [scale.x(at) for at in (-5, -1, 4, 9, 50)] == [100, 100, 150, 200, 200]


# --- many runs


def with_outage(outage_s: float, **changes: object) -> Run:
    return failover(clients={"steady": ledger((0, outage_s))}, **changes)


def test_runs_are_compared_by_scenario() -> None:
    runs = [with_outage(5), with_outage(7, redundant_after_s=None), lossy(failover())]
    runs.append(with_outage(1, scenario="another"))
    another, power = compare(runs)
    assert (another.scenario, another.runs, another.passed, another.lost) == ("another", 1, 1, 0)
    assert (power.runs, power.passed, power.lost) == (3, 2, 7)
    assert power.outage_median_s == pytest.approx(7, abs=0.1)
    assert power.outage_max_s == power.outage_p95_s == pytest.approx(9.4, abs=0.1)
    assert power.redundancy_median_s == 41.5


def test_the_comparison_is_a_table_with_aligned_columns() -> None:
    text = compare_text(compare([with_outage(5), with_outage(1, scenario="x", redundant_after_s=None)]))
    head, *rows = text.splitlines()
    assert head.split()[:3] == ["drill", "runs", "passed"]
    assert {len(row) for row in rows} == {len(head)}
    assert "never" in text
    assert len(compare_text(()).splitlines()) == 1


def test_a_percentile_is_one_of_the_measured_values() -> None:
    values = [float(n) for n in range(1, 101)]
    assert (percentile(values, 95), percentile(values[:20], 95), percentile([3.0], 95)) == (95, 19, 3)


# --- JSON

TIMES = st.floats(0, 2e9, allow_nan=False)
SERVERS = st.builds(Server, TIMES, st.text(max_size=5), st.text(max_size=5), st.integers(1, 9))
ROWS = st.lists(st.integers(0, 10**9), max_size=5).map(tuple)
LEDGERS = st.builds(
    Ledger, st.lists(st.tuples(st.integers(0, 99), TIMES), max_size=5).map(tuple), ROWS, ROWS, TIMES, TIMES,
    st.lists(SERVERS, max_size=3).map(tuple),
)  # fmt: skip
WORDS = st.text(max_size=9)
RUNS = st.builds(
    Run,
    scenario=WORDS, cluster=WORDS, date=WORDS, struck_at=TIMES, ended_at=TIMES, primary=WORDS,
    clients=st.dictionaries(WORDS, LEDGERS, max_size=3),
    spans=st.lists(st.builds(Span, st.sampled_from(EXCLUSIVE), WORDS, TIMES, TIMES), max_size=3).map(tuple),
    events=st.lists(st.builds(Event, TIMES, WORDS, WORDS, WORDS), max_size=3).map(tuple),
    redundant_after_s=st.none() | TIMES, problems=st.lists(WORDS, max_size=3).map(tuple),
    conditions=st.dictionaries(WORDS, WORDS, max_size=3), note=WORDS,
    direct=st.dictionaries(WORDS, LEDGERS, max_size=2), serves=WORDS, fenced=st.lists(WORDS, max_size=2).map(tuple),
    roles=st.dictionaries(WORDS, WORDS, max_size=2), limit_s=st.none() | TIMES, runbook=WORDS,
)  # fmt: skip


@given(RUNS)
def test_every_run_is_read_back_as_it_was_written(run: Run) -> None:
    again = load_run(dump_run(run))
    assert again == run
    assert dump_run(again) == dump_run(run)


def test_several_runs_are_one_list_of_what_each_is_alone() -> None:
    runs = (failover(), lossy(failover()))
    assert json.loads(dump_runs(runs)) == [json.loads(dump_run(run)) for run in runs]


def test_a_whole_failover_is_read_back_and_reported_alike() -> None:
    run = lossy(direct(failover()))
    assert run_page(load_run(dump_run(run))) == run_page(run)


def test_a_record_of_an_older_version_is_read_with_defaults() -> None:
    text = '{"scenario":"x","cluster":"c","date":"d","struck_at":1,"ended_at":2,"primary":"n","clients":{}}'
    assert load_run(text).serves == ""


@pytest.mark.parametrize("text", ["", "{", "[]", '{"scenario": "x"}', dump_run(failover())[:500]])
def test_what_is_no_record_is_bad_input(text: str) -> None:
    with pytest.raises(BadInput, match=r"run\.json: this is no drill's record"):
        load_run(text, "run.json")


# --- objectives


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("10s", 10), ("500ms", 0.5), ("2min", 120), ("1.5 h", 5400), ("30", None), (30, 30), (2.5, 2.5), ("0s", 0)],
)
def test_an_objective_is_read_in_seconds(written: object, seconds: float | None) -> None:
    text = f"{MINIMAL}objectives: {{rto: {written!r}}}\n"
    if seconds is None:
        with pytest.raises(BadInput, match="expected a duration such as 10s"):
            load_cluster_text(text)
    else:
        assert load_cluster_text(text).objectives.rto == seconds


def test_without_objectives_only_loss_is_judged() -> None:
    found = load_cluster_text(MINIMAL).objectives
    assert (found.rto, found.rpo) == (None, 0)
