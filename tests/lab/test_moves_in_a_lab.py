"""Day two on two real Debian 13 nodes: moves, maintenance, and a whole cluster that stops and starts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from conftest_lab import PROGRAM, Bench, lab_of
from support.terminal import Terminal

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """A cluster that is built and healthy."""
    for bench in lab_of("moves"):
        bench.run("bootstrap", "--yes")
        bench.await_health()
        bench.run("psql", "-c", "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('precious')")
        yield bench


def constraints(bench: Bench) -> str:
    return bench.on("node1", "cibadmin --query --scope constraints")


def fencings(bench: Bench) -> list[dict[str, str]]:
    return list(bench.status()["fencing_history"])


def test_a_dry_run_says_what_would_be_done_and_does_nothing(bench: Bench) -> None:
    before = bench.primary
    said = bench.run("switchover", "--dry-run").stdout
    assert f"stops on {before}: pg_server" in said
    assert f"promotes on {bench.standby}: drbd_pgdata" in said
    assert bench.primary == before
    assert "pcmk-ha-switchover" not in constraints(bench)


def test_a_switchover_goes_there_and_back_and_says_so_when_it_is_there(bench: Bench) -> None:
    first = bench.primary
    for target in (bench.standby, first):
        said = bench.run("switchover", target, "--yes").stdout
        assert "Writes were out for" in said
        assert " 0 are missing" in said
        assert bench.primary == target
    assert f"{first} serves already" in bench.run("switchover", first).stdout
    assert bench.status(ok=(0,))["health"] == "healthy"
    assert not fencings(bench)


def test_a_killed_switchover_is_finished_by_the_next(bench: Bench) -> None:
    before, after = bench.primary, bench.standby
    process = subprocess.Popen(
        (str(PROGRAM), "switchover", "--yes"), cwd=bench.folder, env=bench.environment, stdout=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if "have Pacemaker promote" in line:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert "pcmk-ha-switchover" in constraints(bench)
    found = bench.status(ok=(0, 10, 11))
    assert [x["id"] for x in found["leftover_constraints"]] == ["pcmk-ha-switchover"]
    bench.run("switchover", "--yes")
    assert (bench.primary, bench.standby) == (after, before)
    assert "pcmk-ha-switchover" not in constraints(bench)
    bench.await_health()


def test_a_ctrl_c_in_the_middle_of_a_switchover_leaves_no_constraint(bench: Bench) -> None:
    terminal = Terminal([str(PROGRAM), "switchover", "--yes"], cwd=bench.folder, env=bench.environment)
    terminal.expect("have Pacemaker promote", 60)
    time.sleep(1)
    terminal.interrupt()
    assert terminal.wait(90) == 130
    assert "interrupted" in terminal.text
    assert "pcmk-ha-switchover" not in constraints(bench)
    bench.await_health()


def test_a_switchover_waits_for_its_moment_and_looks_again_then(bench: Bench) -> None:
    before = bench.primary
    at = (datetime.now().astimezone() + timedelta(seconds=20)).isoformat(timespec="seconds")
    begin = time.monotonic()
    found = json.loads(bench.run("switchover", "--at", at, "--yes", "--json").stdout)
    assert time.monotonic() - begin > 10
    assert (found["from"], found["to"], found["missing"]) == (before, bench.primary, 0)


def test_a_switchover_is_refused_without_a_second_good_copy(bench: Bench) -> None:
    standby = bench.standby
    bench.lab("link", "cut", standby, "replication")
    bench.run("psql", "-c", "INSERT INTO kept VALUES ('while cut')", timeout=60)
    refused = bench.run("switchover", "--yes", ok=(4,)).stderr
    assert "there is no second good copy" in refused
    assert "constraint drbd-fence-by-handler-" in refused
    bench.lab("link", "heal", standby, "replication")
    bench.await_health()


def test_a_node_that_serves_goes_into_standby_and_comes_back(bench: Bench) -> None:
    node, other = bench.primary, bench.standby
    said = bench.run("standby", node, "--yes").stdout
    assert f"The service moved from {node} to {other}." in said
    assert " 0 are missing" in said
    found = bench.status(ok=(10,))
    assert found["nodes"][node] == "standby"
    assert any(f"`pcmk-ha unstandby {node}`" in finding["todo"] for finding in found["findings"])
    assert "already" in bench.run("standby", node, "--yes").stdout
    assert "no second good copy" in bench.run("standby", other, "--yes", ok=(4,)).stderr
    said = bench.run("unstandby", node).stdout
    assert f"The service stayed on {other}." in said
    assert bench.status(ok=(0,))["health"] == "healthy"
    assert not fencings(bench)


def test_the_other_node_goes_into_standby_without_an_outage(bench: Bench) -> None:
    serves, node = bench.primary, bench.standby
    assert f"The service stayed on {serves}." in bench.run("standby", node, "--yes").stdout
    bench.run("psql", "-c", "INSERT INTO kept VALUES ('alone')")
    bench.run("unstandby", node)
    assert bench.status(ok=(0,))["health"] == "healthy"
    assert not fencings(bench)


def test_in_maintenance_mode_nothing_is_done_and_it_is_not_left_for_a_surprise(bench: Bench) -> None:
    serves = bench.primary
    assert "a node that is lost is not fenced" in bench.run("maintenance", "on", "--yes").stdout
    found = bench.status(ok=(10,))
    assert any("MAINTENANCE MODE" in finding["what"] for finding in found["findings"])
    assert "maintenance mode" in bench.run("switchover", "--yes", ok=(4,)).stderr
    assert "Pacemaker stops nothing" in bench.run("stop", "--yes", "--force", ok=(4,)).stderr
    bench.on(serves, "kill -9 $(pgrep -o -x postgres)")
    time.sleep(15)  # more than a monitor's interval
    assert not bench.on(serves, "pgrep -o -x postgres || true")
    refused = bench.run("maintenance", "off", "--yes", ok=(4,)).stderr
    assert f"PostgreSQL to run on {serves}, and it takes no connections" in refused
    bench.run("maintenance", "off", "--yes", "--force")
    bench.on("node1", "crm_resource --wait --timeout=120; crm_resource --cleanup")
    bench.await_health()
    assert bench.primary == serves
    assert "serves" not in bench.run("maintenance", "on", "--yes").stdout.splitlines()[-1]
    assert "start, stop and move nothing" in bench.run("maintenance", "off", "--yes").stdout
    bench.await_health()


def test_a_cluster_stops_whole_and_starts_whole_and_nobody_is_fenced(bench: Bench) -> None:
    before = len(fencings(bench))
    bench.run("stop", "--yes")
    for node in ("node1", "node2"):
        assert not bench.on(node, "pgrep -x corosync; pgrep -x postgres; grep ' 0: cs' /proc/drbd || true")
        flags = bench.on(node, "drbdadm get-gi pgdata").split(":")
        assert flags[4:7] == ["1", "1", "0"]  # consistent, up to date, not Primary
    assert bench.status(ok=(11,))["health"] == "down"
    assert "stopped already" in bench.run("stop").stdout
    begin = time.monotonic()
    assert "serves, on" in bench.run("start").stdout
    assert time.monotonic() - begin < 120
    bench.await_health()
    assert len(fencings(bench)) <= before  # the history is the cluster's, and ends with it
    assert "precious" in bench.run("psql", "-c", "TABLE kept").stdout
    assert "runs already" in bench.run("start").stdout
    assert json.loads(bench.run("start", "--json").stdout) == {"serves_on": bench.primary, "changed": False}


def test_what_they_did_is_told_to_programs_too(bench: Bench) -> None:
    assert json.loads(bench.run("maintenance", "on", "--yes", "--json").stdout) == {
        "maintenance": "on",
        "changed": True,
    }
    assert json.loads(bench.run("maintenance", "on", "--json").stdout) == {"maintenance": "on", "changed": False}
    assert json.loads(bench.run("maintenance", "off", "--yes", "--json").stdout)["changed"]
    assert json.loads(bench.run("stop", "--yes", "--json").stdout) == {"stopped": True, "changed": True}
    assert json.loads(bench.run("start", "--json").stdout)["serves_on"] in ("node1", "node2")
    node = bench.await_health() and bench.standby
    found = json.loads(bench.run("fence", node, "--yes", "--json").stdout)
    assert (found["fenced"], found["service_on"], found["missing"]) == (node, bench.primary, 0)
    bench.await_health()


@pytest.mark.parametrize("until", ["set stop-all-resources", "stop pacemaker.service"])
def test_a_killed_stop_is_finished_by_the_next_and_nothing_starts_at_a_boot(bench: Bench, until: str) -> None:
    process = subprocess.Popen(
        (str(PROGRAM), "stop", "--yes"), cwd=bench.folder, env=bench.environment, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if until in line:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    bench.run("stop", "--yes")
    assert not bench.on("node1", "pgrep -x corosync || true")
    if until == "stop pacemaker.service":
        for node in ("node1", "node2"):
            bench.lab("power", "reset", node)
        time.sleep(60)
        found = bench.status(ok=(11,))
        assert any("told to run nothing" in finding["what"] for finding in found["findings"])
    bench.run("start")
    bench.await_health()
    assert not fencings(bench)
