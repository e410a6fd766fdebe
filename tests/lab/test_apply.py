"""Changes of a cluster that serves, on two real nodes. The order of tests is its story."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from conftest_lab import PROGRAM, Bench
from ruamel.yaml import YAML

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(600)]
RECORD = "/var/lib/pcmk-ha/applied.json"


def change(bench: Bench, name: str = "cluster.yaml", **values: Any) -> None:
    """Change the file's top-level keys; None takes one out."""
    path = bench.folder / name
    file = YAML(typ="safe").load(path.read_text())
    file = {key: value for key, value in {**file, **values}.items() if value is not None}
    with path.open("w") as out:
        YAML(typ="safe").dump(file, out)


def shown(bench: Bench, parameter: str) -> str:
    return bench.run("psql", "-A", "-t", "-c", f"SHOW {parameter}").stdout.strip()


def apply(bench: Bench, *arguments: str) -> str:
    return bench.run("apply", "--yes", *arguments, timeout=500).stdout


def test_a_bootstrap_leaves_a_record_that_only_root_reads_and_that_holds_no_secret(trixie: Bench) -> None:
    trixie.run("bootstrap", "--yes", timeout=500)
    secrets = YAML(typ="safe").load((trixie.folder / "cluster.secrets.yaml").read_text())
    fence = (Path(trixie.environment["XDG_STATE_HOME"]) / "pcmk-ha/labs/t13/bmc.password").read_text().strip()
    for node in ("node1", "node2"):
        assert trixie.on(node, f"stat -c '%a %U' {RECORD}").strip() == "600 root"
        text = trixie.on(node, f"cat {RECORD}")
        assert json.loads(text)["generation"] == 1
        assert not [value for value in (*secrets.values(), fence) if value in text]


def test_nothing_to_change_is_told_within_five_seconds(trixie: Bench) -> None:
    times = []
    for _try in range(3):
        begin = time.monotonic()
        assert "nothing to change" in trixie.run("plan", "--check").stdout
        times.append(time.monotonic() - begin)
    assert min(times) < 5, times
    assert "Nothing to do" in trixie.run("bootstrap").stdout


def test_a_parameter_that_a_reload_brings_is_reloaded(trixie: Bench) -> None:
    change(trixie, postgresql={"parameters": {"work_mem": "7MB"}})
    said = trixie.run("plan", "--check", ok=(3,)).stdout
    assert "work_mem: default → '7MB' (reload)" in said
    assert "by hand" not in said
    assert "serves" in apply(trixie)
    assert shown(trixie, "work_mem") == "7MB"
    assert "nothing to change" in trixie.run("plan", "--check").stdout


def test_a_parameter_that_needs_a_restart_gets_it_only_with_consent(trixie: Bench) -> None:
    change(trixie, postgresql={"parameters": {"work_mem": "7MB", "max_connections": 55}})
    pids = "pgrep -o corosync; pgrep -o pacemakerd"
    before, primary = trixie.on("node1", pids), trixie.primary
    refused = trixie.run("apply", "--yes", ok=(4,)).stderr
    assert f"restarts PostgreSQL and the VIP on {primary}" in refused
    assert shown(trixie, "max_connections") != "55"
    assert "restart PostgreSQL through Pacemaker" in apply(trixie, "--allow-outage")
    assert (shown(trixie, "max_connections"), trixie.primary) == ("55", primary)
    assert trixie.on("node1", pids) == before
    assert "target-role" not in trixie.run("crm-show").stdout


def test_a_value_the_server_would_not_start_with_is_taken_back(trixie: Bench) -> None:
    change(trixie, postgresql={"parameters": {"work_mem": "much", "max_connections": 55}})
    assert "PostgreSQL would not start with this" in trixie.run("apply", "--yes", ok=(1,)).stderr
    assert "7MB" in trixie.on(trixie.primary, "cat /srv/pgdata/17/main/conf.d/pcmk-ha.conf")
    change(trixie, postgresql={"parameters": {"work_mem": "7MB", "shared_bufers": "1GB"}})
    assert "shared_bufers is no parameter of PostgreSQL 17" in trixie.run("plan", ok=(4,)).stderr
    change(trixie, postgresql={"parameters": {"work_mem": "7MB", "max_connections": 55}})
    apply(trixie)
    trixie.await_health()


def test_what_was_changed_by_hand_is_named_and_put_back_and_what_others_made_stays(trixie: Bench) -> None:
    trixie.on("node1", "crm_attribute -n stonith-timeout -v 99s; crm_attribute -n migration-limit -v 7")
    trixie.on("node2", "echo '# mine' >> /etc/drbd.d/global_common.conf")
    found = json.loads(trixie.run("plan", "--json").stdout)
    assert {d["what"] for d in found["differences"] if d["by_hand"]} == {
        "property stonith-timeout", "/etc/drbd.d/global_common.conf",
    }  # fmt: skip
    assert "property migration-limit" in found["foreign"]
    assert found["impact"]["outage"] == []
    apply(trixie)
    text = trixie.run("crm-show").stdout
    assert "stonith-timeout=60s" in text
    assert "migration-limit=7" in text


def test_what_the_file_no_longer_wants_goes(trixie: Bench) -> None:
    change(trixie, properties={"extra": {"batch-limit": 30}})
    apply(trixie)
    assert "batch-limit=30" in trixie.run("crm-show").stdout
    change(trixie, properties=None)
    assert "remove cib-bootstrap-options/batch-limit" in apply(trixie)
    assert "batch-limit" not in trixie.run("crm-show").stdout


def test_a_kept_plan_is_refused_when_the_cluster_moved_on(trixie: Bench) -> None:
    change(trixie, stonith={**YAML(typ="safe").load((trixie.folder / "cluster.yaml").read_text())["stonith"],
                            "timeout_s": 70})  # fmt: skip
    trixie.run("plan", "--out", "change.plan")
    trixie.on("node1", "crm_attribute -n migration-limit -v 8")
    assert "moved on since the plan was made" in trixie.run("apply", "change.plan", "--yes", ok=(4,)).stderr
    assert "stonith-timeout=60s" in trixie.run("crm-show").stdout
    trixie.run("plan", "--out", "change.plan")
    trixie.run("apply", "change.plan", timeout=500)
    assert "stonith-timeout=70s" in trixie.run("crm-show").stdout


def test_corosync_takes_a_new_token_without_a_restart(trixie: Bench) -> None:
    before = [trixie.on(node, "pgrep -o corosync") for node in ("node1", "node2")]
    change(trixie, timeouts={"token_ms": 1500})
    assert "reload Corosync" in apply(trixie)
    for node in ("node1", "node2"):
        assert "= 1500" in trixie.on(node, "corosync-cmapctl -g runtime.config.totem.token")
    assert [trixie.on(node, "pgrep -o corosync") for node in ("node1", "node2")] == before
    trixie.await_health()


def test_drbd_takes_new_options_while_it_replicates(trixie: Bench) -> None:
    change(trixie, drbd={"net": {"max-buffers": 9000}})
    assert "bring up DRBD" in apply(trixie)
    for node in ("node1", "node2"):
        assert not trixie.on(node, "drbdadm --dry-run adjust pgdata")
    trixie.await_health()


@pytest.mark.parametrize(
    ("until", "token"),
    [("note what is about to change", 1600), ("write /etc/corosync/corosync.conf", 1700), ("load the clus", 1800)],
)
def test_an_apply_that_was_killed_is_finished_by_the_next(trixie: Bench, until: str, token: int) -> None:
    change(trixie, timeouts={"token_ms": token}, properties={"migration_threshold": token // 100 - 10})
    process = subprocess.Popen(
        (str(PROGRAM), "apply", "--yes"), cwd=trixie.folder, env=trixie.environment, stdout=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if "✓" in line and until in line:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    apply(trixie)
    assert "nothing to change" in trixie.run("plan", "--check").stdout
    assert f"= {token}" in trixie.on("node2", "corosync-cmapctl -g runtime.config.totem.token")


def test_what_the_scheduler_would_restart_is_foreseen_and_happens(trixie: Bench) -> None:
    primary = trixie.primary
    change(trixie, filesystem={"options": "noatime,nodiratime"})
    said = trixie.run("plan").stdout
    assert f"restarts the file system and PostgreSQL on {primary}" in said
    apply(trixie, "--allow-outage")
    assert "nodiratime" in trixie.on(primary, "findmnt -n -o OPTIONS /srv/pgdata")
    assert trixie.primary == primary


def test_the_server_moves_to_another_port(trixie: Bench) -> None:
    change(trixie, postgresql={"port": 5433, "parameters": {"work_mem": "7MB", "max_connections": 55}})
    apply(trixie, "--allow-outage")
    assert shown(trixie, "port") == "5433"
    assert "nothing to change" in trixie.run("plan", "--check").stdout
    trixie.await_health()


def test_an_adopted_file_wants_exactly_what_runs(trixie: Bench) -> None:
    state = Path(trixie.environment["XDG_STATE_HOME"]) / "pcmk-ha/labs/t13"
    trixie.run("adopt", "node1", "--ssh-config", str(state / "ssh_config"), "--out", "adopted.yaml")
    shutil.copy2(trixie.folder / "cluster.secrets.yaml", trixie.folder / "adopted.secrets.yaml")
    password = (state / "bmc.password").read_text().strip()
    assert password not in (trixie.folder / "adopted.yaml").read_text()
    trixie.environment["FENCE_PASSWORD"] = password
    said = trixie.run("plan", "--check", "--file", "adopted.yaml", ok=(3,)).stdout
    # What somebody set beside us is in the file now: that alone is news, and goes into the record.
    assert "migration-limit:" in (trixie.folder / "adopted.yaml").read_text()
    assert "0 differences" in said
    steps = said.partition("Steps\n")[2].partition("\n\n")[0].splitlines()
    assert [line.split(maxsplit=1)[1].partition(",")[0] for line in steps] == ["record what was applied"] * 2


def test_a_lost_disk_name_is_refused(trixie: Bench) -> None:
    file = YAML(typ="safe").load((trixie.folder / "cluster.yaml").read_text())
    file["nodes"][0]["disk"] = "/dev/sdz"
    change(trixie, nodes=file["nodes"])
    assert "this cannot be changed on a cluster that runs" in trixie.run("plan", ok=(4,)).stderr
