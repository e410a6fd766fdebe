"""What happened is read from the nodes' own logs: from real ones of a power cut, and by the form of every line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcmk_ha.drill.evidence import Event
from pcmk_ha.drill.timeline import Phase, phases, read_journal, read_postgresql

STRUCK_AT = 1795552938.514606  # of the recorded power cut, on its one clock
SERVER_AHEAD_S = -0.19460296630859375  # of the survivor's own clock


def read(outputs: Path, name: str) -> str:
    return (outputs / "journal" / name).read_text()


def power_cut(outputs: Path) -> tuple[Event, ...]:
    return (
        *read_journal(read(outputs, "power-cut-survivor-3.0.txt"), "node2"),
        *read_journal(read(outputs, "power-cut-fenced-node-3.0.txt"), "node1"),
        *read_postgresql(read(outputs, "power-cut-postgresql-17.txt"), "node2", shift_s=-SERVER_AHEAD_S),
    )


# --- a real power cut of the primary: Debian 13, Corosync 3.1.9, Pacemaker 3.0.0, DRBD 8.4.11, PostgreSQL 17


def test_every_step_of_a_real_power_cut_is_found_in_its_order_and_time(outputs: Path) -> None:
    found = phases(power_cut(outputs), STRUCK_AT, STRUCK_AT + 14.2)
    assert [(phase.name, phase.node, round(phase.ended_s, 1)) for phase in found] == [
        ("detected", "node2", 2.1),
        ("fencing asked", "node2", 2.7),
        ("fenced", "node2", 6.6),
        ("promoted", "node2", 7.3),
        ("VIP up", "node2", 8.7),
        ("mounted", "node2", 9.7),
        ("PostgreSQL started", "node2", 14.0),
        ("first write", "", 14.2),
    ]


def test_steps_follow_each_other_without_a_hole(outputs: Path) -> None:
    found = phases(power_cut(outputs), STRUCK_AT, STRUCK_AT + 14.2)
    assert found[0].began_s == 0
    assert [phase.began_s for phase in found[1:]] == [phase.ended_s for phase in found[:-1]]
    assert sum(phase.took_s for phase in found) == pytest.approx(found[-1].ended_s)


def test_what_explains_a_delay_is_kept_and_what_is_everyday_is_not(outputs: Path) -> None:
    text = "\n".join(event.text for event in power_cut(outputs))
    for wanted in (
        "Delaying 'reboot' action targeting node1 using fence_node1 for 3s",
        "processor failed, forming new configuration",
        "drbd-fence-peer: pgdata: node1 is fenced, going on",
        "fence-peer helper returned 7 (peer was stonithed)",
        "Resync done",
        "drbd-unfence-peer: pgdata: both sides are UpToDate",
        "database system was not properly shut down",
        "redo done",
    ):
        assert wanted in text
    for everyday in ("MTU", "Setting #feature-set", "pg_hba.conf entry", "Saving inputs", "not yet accepting"):
        assert everyday not in text


def test_the_boot_of_the_fenced_node_is_no_step_of_the_failover(outputs: Path) -> None:
    """It mounts its own file system and joins; nothing of that serves anybody."""
    events = read_journal(read(outputs, "power-cut-fenced-node-3.0.txt"), "node1")
    assert events
    assert [event for event in events if event.phase] == []


def test_the_logs_agree_on_what_happened_on_one_clock(outputs: Path) -> None:
    """PostgreSQL says that it is ready between the agent's start command and Pacemaker's result."""
    events = power_cut(outputs)
    ready = next(event.at for event in events if "ready to accept" in event.text)
    sent = next(event.at for event in events if "start command sent" in event.text)
    result = next(event.at for event in events if "start operation for pg_server" in event.text)
    assert sent < ready < result


# --- forms of lines, by version


@pytest.mark.parametrize(
    ("line", "phase"),
    [
        ("corosync[9]:   [TOTEM ] A new membership (1.2f) was formed. Members left: 1", "detected"),
        ("corosync[9]:   [TOTEM ] A new membership (1.2f) was formed. Members joined: 3 left: 1", "detected"),
        ("corosync[9]:   [QUORUM] Sync left[1]: 1", "detected"),
        ("corosync[9]:   [TOTEM ] A processor failed, forming new configuration.", ""),
        ("pacemaker-controld[7]:  notice: Node node1 state is now lost", "detected"),
        ("pacemaker-controld[7]:  notice: Node node1 state is now member", ""),
        ("pacemaker-controld[7]:  notice: Requesting fencing (reboot) targeting node node1", "fencing asked"),
        ("pacemaker-controld[7]:  notice: Requesting fencing (off) of node node1", "fencing asked"),
        ("pacemaker-fenced[7]:  notice: Requesting peer fencing (off) targeting node1", "fencing asked"),
        (
            "pacemaker-fenced[7]:  notice: Operation 'reboot' targeting node1 by node2 for "
            "pacemaker-controld.745@node2: OK (complete)",
            "fenced",
        ),
        (
            "pacemaker-fenced[7]:  error: Operation 'reboot' targeting node1 by node2 for "
            "pacemaker-controld.745@node2: Error occurred (No fence device)",
            "",
        ),
        ("pacemaker-fenced[7]:  notice: Operation 'on' targeting node1 by node2 for stonith_admin.1@node2: OK", None),
        ("pacemaker-controld[7]:  notice: Peer node1 was terminated (reboot) by node2 on behalf of x: OK", "fenced"),
        (
            "pacemaker-controld[7]:  notice: Peer node1 was not terminated (reboot) by node2 on behalf of x: No route",
            "",
        ),
        ("kernel: block drbd0: role( Secondary -> Primary )", "promoted"),
        ("kernel: drbd pgdata: role( Secondary -> Primary ) [auto-promote]", "promoted"),
        ("kernel: drbd pgdata/0 drbd0: role( Secondary -> Primary )", "promoted"),
        ("kernel: block drbd0: role( Primary -> Secondary )", ""),
        ("kernel: drbd pgdata: peer( Secondary -> Primary )", ""),
        ("pacemaker-controld[7]:  notice: Result of promote operation for drbd_pgdata on node2: ok", "promoted"),
        ("pacemaker-controld[7]:  notice: Result of promote operation for drbd_pgdata on node2: error", ""),
        ("kernel: EXT4-fs (drbd0): mounted filesystem with ordered data mode. Opts: (null)", "mounted"),
        ("kernel: EXT4-fs (sda1): mounted filesystem with ordered data mode. Opts: (null)", None),
        ("kernel: EXT4-fs (drbd0): unmounting filesystem.", ""),
        ("kernel: XFS (drbd0): Ending recovery (logdev: internal)", "mounted"),
        ("kernel: XFS (drbd1): Ending clean mount", "mounted"),
        ("pacemaker-controld[7]:  notice: Result of start operation for pg_fs on node2: 0 (ok)", "mounted"),
        ("pacemaker-controld[7]:  notice: Result of start operation for pg_server on node2: OK", "PostgreSQL started"),
        ("pacemaker-controld[7]:  notice: Result of start operation for pg_server on node2: Timed Out", ""),
        ("IPaddr2(pg_vip)[7]: INFO: Adding inet address 10.77.0.100/24 to device vec0", "VIP up"),
        ("IPaddr2(pg_vip)[7]: INFO: Adding inet6 address fd00::100/64 to device eth0", "VIP up"),
        ("pacemaker-controld[7]:  notice: Result of start operation for pg_vip on node2: ok", "VIP up"),
        ("pacemaker-controld[7]:  notice: Result of stop operation for pg_vip on node2: ok", ""),
        ("sshd[7]: Accepted publickey for root: Node node1 state is now lost", None),
    ],
)
def test_a_line_means_a_step_or_is_good_to_know_or_neither(line: str, phase: str | None) -> None:
    """Corosync 3.1, Pacemaker 2.1 and 3.0, DRBD 8.4 and 9; None: the line is left out."""
    for host in ("", "node2 "):
        found = [event.phase for event in read_journal(f"1795552938.514606 {host}{line}\n", "node2")]
        assert found == ([] if phase is None else [phase])


def test_a_monitor_is_worth_knowing_only_when_it_finds_something() -> None:
    line = "1.5 pacemaker-controld[7]:  notice: Result of monitor operation for pg_server on node2: "
    assert read_journal(f"{line}OK", "n") == read_journal(line.replace("pg_server", "drbd_x") + "Promoted", "n") == ()
    assert len(read_journal(f"{line}not running", "n")) == 1


def test_an_event_has_its_node_the_corrected_time_and_the_text_with_its_program() -> None:
    (event,) = read_journal("100.250000 corosync[9]:   [QUORUM] Sync left[1]: 1  \n", "node2", shift_s=-0.25)
    assert event == Event(100.0, "node2", "detected", "corosync: [QUORUM] Sync left[1]: 1")


@pytest.mark.parametrize("zone", ["UTC", "GMT", "+00"])
def test_postgresqls_time_is_read_with_its_zone(zone: str) -> None:
    line = f"2026-11-24 20:23:01.123 {zone} [123] LOG:  database system is ready to accept connections"
    (event,) = read_postgresql(line, "node1", shift_s=1)
    assert event.at == pytest.approx(1795551781.123 + 1)
    assert event.phase == "PostgreSQL started"


def test_postgresqls_offsets_are_read_and_ambiguous_zones_left_out() -> None:
    ready = "[123] LOG:  database system is ready to accept connections"
    (utc,) = read_postgresql(f"2026-11-24 20:23:01.123 UTC {ready}", "node1")
    (east,) = read_postgresql(f"2026-11-25 01:53:01.123 +0530 {ready}", "node1")
    (west,) = read_postgresql(f"2026-11-24 17:23:01.123 -03 {ready}", "node1")
    assert utc.at == east.at == west.at
    assert read_postgresql(f"2026-11-24 20:23:01.123 IST {ready}", "node1") == ()
    assert read_postgresql(f"2026-13-24 20:23:01.123 UTC {ready}", "node1") == ()


def test_what_a_client_writes_is_not_taken_for_the_servers_life() -> None:
    line = "2026-11-24 20:23:01.123 UTC [9] app@app ERROR:  received fast shutdown request"
    assert read_postgresql(line, "node1") == ()


@given(st.text(max_size=300))
def test_no_text_breaks_a_reader(text: str) -> None:
    read_journal(f"1.5 kernel: {text}\n{text}", "node1")
    read_postgresql(f"2026-11-24 20:23:01.123 UTC [9] {text}\n{text}", "node1")


# --- phases


def test_what_was_before_the_fault_is_no_step() -> None:
    events = [Event(90, "node1", "VIP up", ""), Event(103, "node2", "VIP up", "")]
    assert phases(events, 100, None) == (Phase("VIP up", 0, 3, "node2"),)


def test_what_is_seen_in_the_moment_of_the_fault_is_a_step() -> None:
    assert [phase.ended_s for phase in phases([Event(100, "n", "detected", "")], 100, 100)] == [0, 0]


def test_a_long_line_is_cut() -> None:
    (event,) = read_journal("1.5 drbd-fence-peer[7]: " + "x" * 999, "n")
    assert len(event.text) == 240


def test_a_step_counts_when_it_was_first_seen() -> None:
    events = [Event(104, "node1", "detected", ""), Event(102, "node2", "detected", "")]
    assert phases(events, 100, None) == (Phase("detected", 0, 2, "node2"),)


def test_a_step_that_was_not_seen_is_absent() -> None:
    assert phases([], 100, None) == ()
    assert phases([Event(101, "node1", "", "only good to know")], 100, 101.5) == (Phase("first write", 0, 1.5),)


def test_steps_at_one_moment_stand_in_their_usual_order() -> None:
    events = [Event(101, "n", "mounted", ""), Event(101, "n", "promoted", "")]
    assert [phase.name for phase in phases(events, 100, None)] == ["promoted", "mounted"]
