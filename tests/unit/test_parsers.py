"""What real programs printed is read as what it meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from pcmk_ha.facts import corosync, drbd, pacemaker, versions
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.look.service import parse_service
from pcmk_ha.plan.corosync import flatten, parse_cmap, runs_otherwise


def test_a_running_corosync_that_runs_its_file_needs_no_reload(outputs: Path) -> None:
    conf = (outputs / "corosync/corosync.conf").read_text()
    cmap = (outputs / "corosync/cmapctl.txt").read_text()
    assert not runs_otherwise(conf, cmap)
    assert runs_otherwise(conf.replace("token: 1000", "token: 2000"), cmap)
    assert runs_otherwise(conf.replace("10.77.1.12", "10.77.1.99"), cmap)


def test_corosync_keys_are_named_as_cmap_names_them(outputs: Path) -> None:
    flat = flatten((outputs / "corosync/corosync.conf").read_text())
    cmap = parse_cmap((outputs / "corosync/cmapctl.txt").read_text())
    assert flat["nodelist.node.1.ring1_addr"] == cmap["nodelist.node.1.ring1_addr"] == "10.77.1.12"


def test_links_and_votes_are_read(outputs: Path) -> None:
    links = corosync.parse_links((outputs / "corosync/cfgtool-n.txt").read_text())
    assert [(link.number, link.to, link.connected) for link in links] == [
        (0, "10.77.0.12", True),
        (1, "10.77.1.12", True),
    ]
    quorum = corosync.parse_quorum((outputs / "corosync/quorumtool.txt").read_text())
    assert quorum == corosync.Quorum(quorate=True, votes=2, expected=2, flags=("2Node", "Quorate", "WaitForAll"))
    assert corosync.parse_quorum("Cannot initialize QUORUM service\n") is None


def test_drbd_8_is_read_from_proc(outputs: Path) -> None:
    state = drbd.parse_proc_drbd((outputs / "drbd/proc-drbd-8.4.txt").read_text(), 0)
    assert state == drbd.DrbdState("Primary", "UpToDate", "Connected", "UpToDate")
    assert state.is_redundant
    assert drbd.parse_proc_drbd((outputs / "drbd/proc-drbd-8.4.txt").read_text(), 1) == drbd.DrbdState()


def test_a_resync_is_read_with_what_is_left() -> None:
    text = """version: 8.4.11 (api:1/proto:86-101)
 0: cs:SyncTarget ro:Secondary/Primary ds:Inconsistent/UpToDate C r-----
    ns:0 nr:72616 dw:72460 dr:0 al:8 bm:0 lo:0 pe:2 ua:0 ap:0 ep:1 wo:f oos:71536
        [========>...........] sync'ed: 48.3% (71536/136852)K
"""
    state = drbd.parse_proc_drbd(text, 0)
    assert (state.connection, state.out_of_sync_kib, state.done_percent) == ("SyncTarget", 71536, 48.3)
    assert not state.is_redundant


def test_drbd_9_is_read_from_json() -> None:
    text = """[{"name": "pgdata", "node-id": 0, "role": "Primary", "devices": [{"volume": 0, "minor": 0,
      "disk-state": "UpToDate"}], "connections": [{"peer-node-id": 1, "name": "node2",
      "connection-state": "Connected", "peer-role": "Secondary", "peer_devices": [{"volume": 0,
      "peer-disk-state": "UpToDate", "out-of-sync": 0, "percent-in-sync": 100.0}]}]}]"""
    assert drbd.parse_status_9(text, "pgdata") == drbd.DrbdState("Primary", "UpToDate", "Connected", "UpToDate")
    assert drbd.parse_status_9(text, "other") == drbd.DrbdState()


def test_a_healthy_clusters_placement_is_read(outputs: Path, minimal: Cluster) -> None:
    text = (outputs / "crm_mon/healthy-3.0.0.xml").read_text()
    service = parse_service(text, minimal)
    assert service.is_serving
    assert (service.dc, service.promoted_on, service.unpromoted_on) == ("node1", "node1", ("node2",))
    assert [state.word for state in pacemaker.parse_nodes(text)] == ["online", "online"]
    assert pacemaker.parse_failures(text) == ()
    assert pacemaker.parse_fencings(text)[0] == pacemaker.Fencing("reboot", "node2", "success", "2026-11-24 12:43:53")


@pytest.mark.parametrize("zone", [" +05:30", " -07:00", "Z"])
def test_a_fencing_is_told_in_utc_whatever_zone_the_node_is_in(zone: str) -> None:
    local = {" +05:30": "2026-11-24 18:13:53.007335", " -07:00": "2026-11-24 05:43:53.007335"}
    completed = local.get(zone, "2026-11-24 12:43:53.007335") + zone
    text = f'<x><fence_event action="reboot" target="node2" status="success" completed="{completed}"/></x>'
    assert pacemaker.parse_fencings(text)[0].when == "2026-11-24 12:43:53"


def test_a_fencing_that_is_under_way_has_no_time_yet() -> None:
    text = '<x><fence_event action="reboot" target="node2" status="pending"/></x>'
    assert pacemaker.parse_fencings(text)[0].when == ""


def test_a_simulated_loss_is_read_like_a_real_one(outputs: Path, minimal: Cluster) -> None:
    service = parse_service((outputs / "crm_mon/node1-lost-simulated-3.0.0.xml").read_text(), minimal)
    assert service.is_up
    assert (service.promoted_on, service.online) == ("node2", ("node2",))


def test_failures_and_failcounts_are_found() -> None:
    text = """<pacemaker-result><node_history><node name="node1"><resource_history id="pg_server" fail-count="2"/>
      </node></node_history><failures><failure op_key="pg_fs_start_0" node="node2" exitstatus="error"
      exitreason="Couldn't mount" status="complete"/></failures></pacemaker-result>"""
    found = pacemaker.parse_failures(text)
    assert [(f.resource, f.node, f.detail) for f in found] == [
        ("pg_fs_start_0", "node2", "error: Couldn't mount"),
        ("pg_server", "node1", "failed 2 times"),
    ]


def test_constraints_left_behind_are_named_with_the_way_to_clear_them() -> None:
    text = """<constraints><rsc_location id="cli-prefer-pg" rsc="pg" node="node1" score="INFINITY"/>
      <rsc_location id="drbd-fence-by-handler-pgdata-drbd_pgdata-clone" rsc="drbd_pgdata-clone"/>
      <rsc_location id="mine" rsc="pg" node="node1" score="1"/></constraints>"""
    found = {leftover.id: leftover.hint for leftover in pacemaker.parse_leftovers(text)}
    assert set(found) == {"cli-prefer-pg", "drbd-fence-by-handler-pgdata-drbd_pgdata-clone"}
    assert "crm_resource --clear --resource pg" in found["cli-prefer-pg"]


@pytest.mark.parametrize(
    ("packages", "bad"),
    [({"pacemaker": "3.0.0-2", "drbd-utils": "9.22.0-1.1"}, True),
     ({"pacemaker": "2.1.5-1", "drbd-utils": "9.22.0-1"}, False),
     ({"pacemaker": "3.0.0-2", "drbd-utils": "9.28.0-1"}, False), ({}, False)],
)  # fmt: skip
def test_version_pairs_that_fail_are_known(packages: dict[str, str], bad: bool) -> None:
    assert bool(list(versions.known_bad(packages))) == bad


@pytest.mark.parametrize(
    ("version", "bad"), [("8.4.11", False), ("9.2.18", True), ("9.2.19", False), ("9.3.2", True), ("9.3.3", False)]
)
def test_drbd_modules_that_diverge_are_known(version: str, bad: bool) -> None:
    assert bool(versions.bad_drbd(version)) == bad


def test_package_tools_are_read() -> None:
    assert versions.parse_dpkg("a installed 1:2-3\nb not-installed \nc config-files 1\n") == {"a": "1:2-3"}
    policy = "corosync:\n  Installed: (none)\n  Candidate: 3.1.9-2\nnothing:\n  Candidate: (none)\n"
    assert versions.parse_policy(policy) == {"corosync"}
    assert versions.upstream("1:9.22.0-1.1+deb13u1") == (9, 22, 0)
