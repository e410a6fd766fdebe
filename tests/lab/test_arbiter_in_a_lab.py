"""Two votes become three and two again while clients write. The order of tests is its story."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest_lab import PROGRAM, Bench, lab_of, play

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(900)]
SUITES = {"arb13": (), "arb12": ("--suite", "bookworm")}
PAUSE_S = 10.0  # of a busy machine that runs several labs; alone it is below half a second
STARTED = "SELECT pg_postmaster_start_time()"


@pytest.fixture(scope="module", params=sorted(SUITES, reverse=True))
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A cluster of two votes that is built and healthy, and a machine that is empty."""
    for bench in lab_of(request.param, "--arbiter", *SUITES[request.param]):
        file = bench.folder / "cluster.yaml"
        (bench.folder / "three.yaml").write_text(file.read_text())
        (bench.folder / "two.yaml").write_text(without_arbiter(file.read_text()))
        use(bench, "two")
        bench.run("bootstrap", "--yes", timeout=500)
        bench.await_health()
        yield bench


def without_arbiter(text: str) -> str:
    """The same file without the block, which is the last but one thing in it."""
    begin = text.index("\narbiter:") + 1
    return text[:begin] + text[text.index("vip:") :]


def use(bench: Bench, name: str) -> None:
    (bench.folder / "cluster.yaml").write_text((bench.folder / f"{name}.yaml").read_text())


def file_of(bench: Bench) -> str:
    return Path(bench.folder / "cluster.yaml").read_text()


def fencings(bench: Bench) -> list[dict[str, str]]:
    return list(bench.status()["fencing_history"])


def change(bench: Bench, verb: str, *arguments: str) -> dict[str, Any]:
    """Add or remove, with clients that write; nobody is fenced, and they notice nothing."""
    before = fencings(bench)
    primary, started = bench.primary, bench.run("psql", "-A", "-t", "-c", STARTED).stdout
    done = bench.run(verb, "--yes", "--json", *arguments, timeout=600)
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["missing"] == 0
    assert found["outage_s"] < PAUSE_S, done.stderr
    assert (bench.primary, bench.run("psql", "-A", "-t", "-c", STARTED).stdout) == (primary, started)
    assert len(fencings(bench)) <= len(before)
    return found


def expect_votes(bench: Bench, votes: int) -> None:
    status = bench.await_health()
    counted = [(m["quorum"]["expected"], m["quorum"]["votes"]) for m in status["members"].values()]
    assert counted == [(votes, votes)] * votes
    assert all(("2Node" in m["quorum"]["flags"]) == (votes == 2) for m in status["members"].values())
    assert bench.status(ok=(0,))["nodes"].keys() == {"node1", "node2", *(("arbiter",) if votes == 3 else ())}
    assert "nothing to change" in bench.run("plan", "--check").stdout


def known(bench: Bench) -> set[str]:
    """Whom Pacemaker knows, on the node that serves."""
    return set(bench.on(bench.primary, 'cibadmin -Q -o nodes | sed -n \'s/.*uname="\\([^"]*\\)".*/\\1/p\'').split())


def kill_after(bench: Bench, verb: str, text: str) -> None:
    """End a run by SIGKILL once a step that says so is done."""
    process = subprocess.Popen(
        (str(PROGRAM), verb, "--yes"), cwd=bench.folder, env=bench.environment, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if "✓" in line and text in line:
            break
    else:
        pytest.fail(f"no step says {text}: {''.join(said)}")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_without_a_block_it_is_shown(bench: Bench) -> None:
    said = bench.run("add-arbiter", ok=(2,)).stderr
    assert "the file names no arbiter yet" in said
    assert "\narbiter:\n  name: NAME" in said
    assert "the file names no arbiter" in bench.run("remove-arbiter", ok=(2,)).stderr


def test_apply_and_bootstrap_do_not_change_the_members(bench: Bench) -> None:
    use(bench, "three")
    for verb in ("plan", "apply", "bootstrap"):
        assert "add-arbiter" in bench.run(verb, ok=(4,)).stderr


def test_what_is_not_fit_is_refused_and_nothing_is_touched(bench: Bench) -> None:
    bench.on("arbiter", "hostname somebody")
    assert "host name: is somebody" in bench.run("add-arbiter", "--yes", ok=(4,)).stderr
    bench.on("arbiter", "hostname arbiter")
    bench.on("arbiter", "mkdir -p /etc/corosync; cp /etc/corosync/corosync.conf /root/c 2>/dev/null; "
                        "printf 'totem {\\n cluster_name: billing\\n}\\n' > /etc/corosync/corosync.conf")  # fmt: skip
    assert "arbiter belongs to the cluster billing" in bench.run("add-arbiter", "--yes", ok=(4,)).stderr
    bench.on("arbiter", "rm /etc/corosync/corosync.conf; mv /root/c /etc/corosync/corosync.conf 2>/dev/null || true")
    bench.lab("bmc", "off", "arbiter")
    assert "fencing arbiter" in bench.run("add-arbiter", "--yes", ok=(4,), timeout=400).stderr
    bench.lab("bmc", "on", "arbiter")
    bench.on("node1", "crm_attribute -n migration-limit -v 7; crm_attribute -n stonith-timeout -v 99s")
    assert "stonith-timeout in the CIB is not as the file wants it" in bench.run("add-arbiter", ok=(4,)).stderr
    bench.on("node1", "crm_attribute -n stonith-timeout -v 60s")
    bench.on("node1", f"crm_attribute --node {bench.standby} --name standby --update on; crm_resource --wait")
    assert "the cluster is not healthy" in bench.run("add-arbiter", "--yes", ok=(4,)).stderr
    bench.on("node1", "for n in node1 node2; do crm_attribute --node $n --name standby --delete; done")
    use(bench, "two")
    expect_votes(bench, 2)


def test_an_arbiter_is_added_and_clients_notice_nothing(bench: Bench) -> None:
    use(bench, "three")
    steps = change(bench, "add-arbiter")["steps"]
    assert {"node": "arbiter", "action": "start Corosync alone, with one vote of three"} in steps
    expect_votes(bench, 3)
    assert known(bench) == {"node1", "node2", "arbiter"}
    assert "fence_head_start" not in bench.run("crm-show").stdout
    assert "migration-limit=7" in bench.run("crm-show").stdout
    assert "nothing to do" in bench.run("add-arbiter").stdout
    assert not fencings(bench)


@pytest.mark.parametrize("scenario", ["standby-power-loss", "primary-power-loss", "arbiter-power-loss"])
def test_it_is_as_if_there_had_been_an_arbiter_from_the_beginning(bench: Bench, scenario: str) -> None:
    play(bench, scenario)
    expect_votes(bench, 3)


def test_it_is_removed_and_clients_notice_nothing(bench: Bench) -> None:
    change(bench, "remove-arbiter")
    assert file_of(bench) == (bench.folder / "two.yaml").read_text()
    expect_votes(bench, 2)
    assert known(bench) == {"node1", "node2"}
    assert "fence_head_start" in bench.run("crm-show").stdout
    assert "arbiter" not in bench.run("crm-show").stdout
    assert not bench.on("arbiter", "pgrep -x corosync; ls /etc/corosync/authkey /var/lib/pcmk-ha/applied.json || true")


def test_a_failover_still_works_and_no_dc_enters_it_again(bench: Bench) -> None:
    play(bench, "primary-power-loss")
    expect_votes(bench, 2)
    assert known(bench) == {"node1", "node2"}


def test_an_addition_that_is_killed_at_three_points_is_finished(bench: Bench) -> None:
    use(bench, "three")
    before = fencings(bench)
    for text in ("start Corosync alone", "reload Corosync", "start Corosync and Pacemaker"):
        kill_after(bench, "add-arbiter", text)
    change(bench, "add-arbiter")
    expect_votes(bench, 3)
    assert fencings(bench) == before


def test_a_removal_that_is_killed_at_three_points_is_finished(bench: Bench) -> None:
    before = fencings(bench)
    for text in ("stop Pacemaker", "reload Corosync", "have Pacemaker forget"):
        kill_after(bench, "remove-arbiter", text)
    change(bench, "remove-arbiter")
    assert file_of(bench) == (bench.folder / "two.yaml").read_text()
    expect_votes(bench, 2)
    assert fencings(bench) == before


def test_a_corosync_that_does_not_answer_is_named_and_nothing_is_reloaded(bench: Bench) -> None:
    """Where it answers and nobody hears it: tests/offline/test_corosync_changes_votes.py."""
    use(bench, "three")
    kill_after(bench, "add-arbiter", "start Corosync alone")
    bench.on("arbiter", "kill -STOP $(pgrep -x corosync)")
    said = bench.run("add-arbiter", "--yes", ok=(1,), timeout=400).stderr
    bench.on("arbiter", "kill -CONT $(pgrep -x corosync)")
    assert re.search("arbiter: not all of these answered within .* corosync-cmapctl", said)
    use(bench, "two")
    found = bench.await_health()
    assert [m["quorum"]["expected"] for m in found["members"].values()] == [2, 2]
    use(bench, "three")
    change(bench, "add-arbiter")
    expect_votes(bench, 3)


def test_an_arbiter_that_is_dead_with_its_device_goes_by_the_operators_word(bench: Bench) -> None:
    assert "it answers SSH" in bench.run("remove-arbiter", "--confirmed-dead", "--yes", ok=(4,)).stderr
    bench.lab("bmc", "off", "arbiter")
    bench.lab("power", "off", "arbiter")
    said = bench.run("remove-arbiter", "--yes", ok=(4,), timeout=400).stderr
    assert "its fence device did not switch it off" in said
    bench.run("remove-arbiter", "--yes", "--confirmed-dead", timeout=600)
    expect_votes(bench, 2)
    assert known(bench) == {"node1", "node2"}
    bench.lab("bmc", "on", "arbiter")


def test_a_dead_one_that_comes_back_decides_nothing_and_is_added_once_it_is_stopped(bench: Bench) -> None:
    bench.lab("power", "on", "arbiter")
    bench.await_answer("arbiter")
    waiting = "for i in $(seq 60); do pgrep -x pacemakerd && break; sleep 1; done; sleep 5"
    bench.on("arbiter", f"{waiting}; corosync-quorumtool -s | grep -q '^Quorate: *No'")
    expect_votes(bench, 2)
    use(bench, "three")
    assert "calls itself" in bench.run("add-arbiter", "--yes", ok=(4,)).stderr
    bench.on("arbiter", "systemctl disable --now pacemaker corosync")
    change(bench, "add-arbiter")
    expect_votes(bench, 3)


def test_an_arbiter_that_only_does_not_answer_is_switched_off_first(bench: Bench) -> None:
    bench.on("arbiter", "systemctl stop ssh")
    bench.run("remove-arbiter", "--yes", timeout=600)
    assert "off" in bench.lab("power", "status", "arbiter")
    use(bench, "two")
    expect_votes(bench, 2)
    play(bench, "primary-power-loss")
    expect_votes(bench, 2)
