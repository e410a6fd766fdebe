"""The pure parts of the bench: raw data, what is missing, numbers, phases, pictures."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lxml import etree
from side.numbers import lines, percentile, table
from side.others import phases_table, recovery_table, throughput_table
from side.phases import PACEMAKER, PATRONI, as_records, steps
from side.picture import middle, picture
from side.records import CONTENDERS, FAULTS, missing, parse_records

from pcmk_ha.drill.evidence import Event
from pcmk_ha.drill.timeline import read_journal


def record(contender: str = "textbook", outage_s: float = 20.0, **values: Any) -> dict[str, Any]:
    """A run as it is kept."""
    phases = [
        {"name": "detected", "began_s": 0.0, "ended_s": 6.7, "timer_s": 6.6, "work_s": 0.1},
        {"name": "first write", "began_s": 6.7, "ended_s": outage_s, "timer_s": 0.0, "work_s": outage_s - 6.7},
    ]
    return {
        "contender": contender, "fault": "power-loss", "date": "2026-11-28T06:00:00+00:00", "outage_s": outage_s,
        "lost_rows": 0, "double_primary": False, "phases": phases, "suite": "trixie",
    } | values  # fmt: skip


def failed(contender: str = "textbook", fault: str = "power-loss") -> dict[str, Any]:
    """A run that could not be made."""
    return {"contender": contender, "fault": fault, "date": "2026-11-28", "failed": "no leader"}


def test_a_torn_last_line_and_foreign_lines_are_no_runs() -> None:
    text = "\n".join([json.dumps(record()), json.dumps({"seed": 3}), json.dumps(failed()), json.dumps(record())[:50]])
    assert [found.get("failed", "measured") for found in parse_records(text)] == ["measured", "no leader"]


def test_a_record_without_figures_and_without_a_reason_is_none() -> None:
    without = {key: value for key, value in record().items() if key != "phases"}
    assert parse_records(json.dumps(without)) == ()


def test_contenders_take_turns() -> None:
    plan = missing((), ("patroni", "textbook"), ("power-loss", "freeze"), 2)
    assert plan == (
        ("patroni", ("power-loss", "freeze")),
        ("textbook", ("power-loss", "freeze")),
        ("patroni", ("power-loss", "freeze")),
        ("textbook", ("power-loss", "freeze")),
    )


@pytest.mark.parametrize("kept", range(7))
def test_a_bench_cut_short_anywhere_goes_on_where_it_ended(kept: int) -> None:
    """Runs are made in the plan's order: however many are there, the rest of the plan is what is missing."""

    def flat(plan: tuple[tuple[str, tuple[str, ...]], ...]) -> list[tuple[str, str]]:
        return [(contender, fault) for contender, faults in plan for fault in faults]

    wanted = (("patroni", "textbook"), ("power-loss", "freeze"), 2)
    whole = flat(missing((), *wanted))
    there = [record(contender, fault=fault) for contender, fault in whole[:kept]]
    assert flat(missing(there, *wanted)) == whole[kept:]


def test_a_failed_run_counts_as_made() -> None:
    assert missing([failed()], ("textbook",), ("power-loss",), 1) == ()


def test_the_percentile_is_a_value_that_was_measured() -> None:
    assert percentile([float(n) for n in range(1, 11)], 95) == 10
    assert percentile([float(n) for n in range(1, 101)], 95) == 95
    assert percentile([7.0], 95) == 7


def test_medians_spreads_and_ratios_by_contender() -> None:
    runs = [*(record("pcmk-ha", s) for s in (10.0, 12.0, 30.0)), *(record("patroni", s) for s in (24.0, 36.0))]
    ours, other = lines([*runs, failed("patroni")])
    assert (ours.contender, ours.median_s, ours.p95_s, ours.least_s, ours.most_s) == ("pcmk-ha", 12, 30, 10, 30)
    assert (other.median_s, other.ratio, other.runs, other.failed) == (30, 2.5, 3, 1)


def test_lost_rows_and_two_primaries_are_summed_and_failures_are_shown() -> None:
    found = lines([record(lost_rows=2), record(lost_rows=1, double_primary=True), failed()])
    assert (found[0].lost, found[0].double) == (3, 1)
    only = lines([failed()])
    assert only[0].median_s is None
    assert "| power-loss | textbook | 1 | 1 | - | - | - | - | 0 | 0 |" in table(only)


def test_a_step_is_split_into_what_timers_can_explain_and_the_rest() -> None:
    events = [
        Event(107.0, "node2", "detected", ""),
        Event(103.0, "node2", "detected", ""),
        Event(99, "a", "fenced", ""),
    ]
    found = steps(events, 100.0, 110.0, {"detected": 2.2, "first write": 60.0})
    assert [(p.name, p.began_s, p.ended_s, p.timer_s, p.work_s) for p in found] == [
        ("detected", 0, 3, 2.2, 0.8),
        ("first write", 3, 10, 7, 0),
    ]


def test_what_happens_after_clients_are_served_is_no_step_of_the_outage() -> None:
    late = Event(150.0, "node1", "fenced", "")
    assert [p.name for p in steps([late], 100.0, 110.0, {})] == ["first write"]
    assert [p.name for p in steps([late], 100.0, None, {})] == ["fenced"]


def test_journals_of_both_stacks_are_understood() -> None:
    patroni = (
        "100.5 patroni[300]: 2026-11-28 06:00:00,123 INFO: promoted self to leader by acquiring session lock\n"
        "101.0 patroni[310]: 2026-11-28 06:00:01.000 UTC [310] LOG:  received promote request\n"
        "102.0 Keepalived_vrrp[200]: (vip) Entering MASTER STATE\n"
        "103.0 haproxy[210]: Server primary/node2 is UP, reason: Layer7 check passed, code: 200\n"
    )
    assert [e.phase for e in read_journal(patroni, "node2", patterns=PATRONI)] == [
        "detected", "promoted", "VIP up", "proxy switched",
    ]  # fmt: skip
    ours = (
        "100.0 pacemaker-controld[9]: notice: Result of monitor operation for pg_server on node1: Not running\n"
        "101.0 pacemaker-controld[9]: notice: Result of stop operation for pg_server on node1: OK\n"
    )
    assert [e.phase for e in read_journal(ours, "node1", patterns=PACEMAKER)] == ["detected", "PostgreSQL stopped"]


def test_the_middle_run_is_one_that_was_made() -> None:
    runs = [record(outage_s=s) for s in (40.0, 10.0, 20.0, 30.0)]
    found = middle([*runs, failed()])
    assert found is not None
    assert found["outage_s"] == 20
    assert middle([failed()]) is None


def test_a_picture_is_valid_xml_without_a_style_sheet() -> None:
    text = picture([record(name, 10.0 + n) for n, name in enumerate(CONTENDERS)], "power-loss")
    assert text is not None
    root = etree.fromstring(text)
    elements = [element for element in root.iter() if isinstance(element.tag, str)]
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert not [e for e in elements if e.tag.endswith("style") or "style" in e.attrib or "class" in e.attrib]
    shown = "".join(root.itertext())
    assert all(name in shown for name in CONTENDERS)
    assert "detected: timers 6.60 s" in shown
    width = float(root.get("viewBox").split()[2])
    bars = [e for e in elements if e.tag.endswith("rect")]
    assert all(float(b.get("x")) >= 0 and float(b.get("x")) + float(b.get("width")) <= width for b in bars)


def test_a_fault_without_a_measured_run_has_no_picture() -> None:
    assert picture([failed()], "power-loss") is None
    assert picture([record()], "freeze") is None


def test_every_fault_has_an_act() -> None:
    from side.measure import ACTS

    assert set(ACTS) == set(FAULTS)


def test_the_middle_runs_steps_are_told_with_the_cost_of_a_fork() -> None:
    told = phases_table([record(fork_exec_ms={"node": 18.2, "host": 1.5})])
    assert "| power-loss | textbook | detected 6.6 + 0.1, first write 0.0 + 13.3 | 18.2 / 1.5 ms |" in told
    assert phases_table([failed()]) == "(nothing measured yet)\n"


def test_throughput_is_told_as_a_ratio_to_the_local_disk() -> None:
    runs = [
        {"storage": "local", "clients": 8, "tps": 400.0, "p99_ms": 30.0},
        {"storage": "drbd-c", "clients": 8, "tps": 300.0, "p99_ms": 45.0},
        {"storage": "drbd-c", "clients": 8, "failed": "no space"},
    ]
    assert "| 8 | drbd-c | 1 | 300 | 0.75 | 45.0 ms | 1.50 |" in throughput_table(runs)


def test_recovery_is_told_by_the_log_to_replay() -> None:
    runs = [{"contender": "pcmk-ha", "wal_mib": 128, "redo_mib": 140, "outage_s": s} for s in (11.0, 13.0)]
    assert "| pcmk-ha | 128 | 140 | 2 | 12.0 s | 11.0-13.0 s |" in recovery_table(runs)


def test_phases_are_kept_with_all_their_figures() -> None:
    kept = as_records(steps([], 100.0, 101.5, {"first write": 1.0}))
    assert kept == [{"name": "first write", "began_s": 0.0, "ended_s": 1.5, "timer_s": 1.0, "work_s": 0.5}]
