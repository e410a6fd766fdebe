"""A cluster's life on two real Debian 13 nodes, from empty disks to empty disks. The order of tests is its story."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import psycopg
import pytest
from conftest_lab import PROGRAM, Bench, play
from ruamel.yaml import YAML
from support.meaning import sections
from support.terminal import Terminal

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]


def ssh_config(bench: Bench) -> Path:
    return Path(bench.environment["XDG_STATE_HOME"]) / f"pcmk-ha/labs/{bench.name}/ssh_config"


def test_preflight_finds_empty_nodes_ready_and_generates_nothing(trixie: Bench) -> None:
    found = trixie.run("check").stdout
    assert "fence_ipmilan answers: on" in found
    assert not (trixie.folder / "cluster.secrets.yaml").exists()


def test_a_disk_with_something_on_it_is_refused(trixie: Bench) -> None:
    trixie.on("node2", "mkfs.ext4 -q /dev/mapper/data")
    assert "holds ext4" in trixie.run("check", ok=(1,)).stdout
    refused = trixie.run("bootstrap", "--yes", ok=(4,)).stderr
    assert "node2: /dev/mapper/data holds ext4; if nobody needs it: --wipe node2:/dev/mapper/data" in refused
    assert "ext4" in trixie.on("node2", "wipefs -n /dev/mapper/data")
    assert not trixie.on("node1", "ls /etc/drbd.d/pgdata.res 2>/dev/null || true")


def test_an_unreachable_fence_device_stops_a_bootstrap_before_anything_is_written(trixie: Bench) -> None:
    good = (trixie.folder / "cluster.yaml").read_text()
    (trixie.folder / "wrong.yaml").write_text(good.replace("10.77.0.102", "10.77.0.222"))
    said = trixie.run("bootstrap", "--file", "wrong.yaml", "--yes", "--wipe", "node2:/dev/mapper/data", ok=(1,)).stderr
    assert "node1: fencing node2" in said
    assert not trixie.on("node1", "ls /etc/drbd.d/pgdata.res 2>/dev/null || true")


def test_a_missing_package_is_installed_and_nothing_is_started(trixie: Bench) -> None:
    """From a repository on the node itself: a lab has no way out of its network."""
    folder = trixie.folder / "repo"
    folder.mkdir()
    subprocess.run(["apt-get", "-q", "download", "psmisc"], cwd=folder, check=True, capture_output=True, timeout=120)
    (deb,) = folder.iterdir()
    subprocess.run(
        ["scp", "-q", "-F", str(ssh_config(trixie)), str(deb), "node2:/root/psmisc.deb"], check=True, timeout=60
    )
    trixie.on(
        "node2",
        "mkdir /srv/repo && mv /root/psmisc.deb /srv/repo && cd /srv/repo && { dpkg-deb -f psmisc.deb; "
        "echo Filename: ./psmisc.deb; echo Size: $(stat -c %s psmisc.deb); "
        "echo SHA256: $(sha256sum psmisc.deb | cut -d' ' -f1); } > Packages && "
        "rm -f /etc/apt/sources.list /etc/apt/sources.list.d/* && "
        "echo 'deb [trusted=yes] file:/srv/repo ./' > /etc/apt/sources.list && "
        "dpkg --force-depends --purge psmisc && apt-get -q update",
    )
    assert "to install: psmisc" in trixie.run("check", ok=(0, 1)).stdout
    said = trixie.run("bootstrap", "--dry-run", "--wipe", "node2:/dev/mapper/data").stdout
    assert "node2: install psmisc" in said


@pytest.mark.parametrize("until", ["bring up DRBD", "load STONITH devices"])
def test_a_bootstrap_is_killed_half_way(trixie: Bench, until: str) -> None:
    process = subprocess.Popen(
        (str(PROGRAM), "bootstrap", "--yes", "--wipe", "node2:/dev/mapper/data"),
        cwd=trixie.folder, env=trixie.environment, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if until in line:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_the_next_run_finishes_it(trixie: Bench) -> None:
    done = trixie.run("bootstrap", "--yes")
    assert "serves at 10.77.0.100:5432" in done.stdout
    trixie.await_health()
    assert "killall" in trixie.on("node2", "command -v killall")
    assert not trixie.on("node2", "ls /usr/sbin/policy-rc.d 2>/dev/null || true")


def test_a_second_bootstrap_changes_nothing_and_restarts_nothing(trixie: Bench) -> None:
    pids = "pgrep -o postgres; pgrep -o corosync; pgrep -o pacemakerd"
    before = trixie.on(trixie.primary, pids)
    begin = time.monotonic()
    assert "Nothing to do" in trixie.run("bootstrap").stdout
    assert time.monotonic() - begin < 10
    assert trixie.on(trixie.primary, pids) == before


def test_status_is_quick(trixie: Bench) -> None:
    times = []
    for _try in range(3):
        begin = time.monotonic()
        trixie.run("status")
        times.append(time.monotonic() - begin)
    assert min(times) < 2.0, times


def test_no_secret_is_in_a_log_or_a_process_list(trixie: Bench) -> None:
    secrets = YAML(typ="safe").load((trixie.folder / "cluster.secrets.yaml").read_text())
    state = Path(trixie.environment["XDG_STATE_HOME"]) / "pcmk-ha"
    fence = (state / "labs/t13/bmc.password").read_text().strip()
    logs = "".join(path.read_text() for path in (state / "logs").iterdir())
    assert "cibadmin" in logs
    seen = logs + trixie.run("status", "--json").stdout + trixie.run("crm-show").stdout
    for node in ("node1", "node2"):
        seen += trixie.on(node, "journalctl -b --no-pager; ps axww; cat /var/log/postgresql/* 2>/dev/null || true")
    for value in (*secrets.values(), fence):
        assert value not in seen


def test_psql_reaches_the_primary_through_the_vip(trixie: Bench) -> None:
    found = trixie.run("psql", "-A", "-t", "-c", "SELECT pg_is_in_recovery(), current_setting('data_checksums')").stdout
    assert found.strip() == "f|on"
    trixie.run("psql", "-c", "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('precious')")


def test_the_door_on_this_machine_leads_the_application_to_the_primary(trixie: Bench) -> None:
    secrets = YAML(typ="safe").load((trixie.folder / "cluster.secrets.yaml").read_text())
    lab = json.loads((Path(trixie.environment["XDG_STATE_HOME"]) / "pcmk-ha/labs/t13/lab.json").read_text())
    target = f"host=127.0.0.1 port={lab['postgresql_port']} user=app dbname=app connect_timeout=5"
    with psycopg.connect(target, password=secrets["application"]) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("app",)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(target, password="wrong")


def test_the_live_configuration_is_the_desired_one(trixie: Bench) -> None:
    assert "No difference" in trixie.run("crm-show", "--diff").stdout
    trixie.on("node1", "crm_attribute -n batch-limit -v 17")
    assert "No difference" in trixie.run("crm-show", "--diff").stdout  # foreign, so it stays
    trixie.on("node1", "crm_attribute -n stonith-timeout -v 99s")
    assert "stonith-timeout=99s" in trixie.run("crm-show", "--diff", ok=(3,)).stdout
    assert "load the cluster's resources" in trixie.run("bootstrap", "--yes").stdout
    assert "batch-limit=17" in trixie.run("crm-show").stdout


def test_what_crm_show_prints_loads_into_debian_13s_own_crm_shell(trixie: Bench) -> None:
    """Into a CIB in a file: the shell (crmsh 5) reads the text as it would for a live cluster."""
    text = trixie.run("crm-show", "--show-secrets").stdout
    put = subprocess.run(
        ["ssh", "-F", str(ssh_config(trixie)), "node1", "umask 077; cat > /root/shown.crm"],
        input=text, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert put.returncode == 0
    trixie.on(
        "node1",
        "export CIB_file=/root/loaded.xml; cibadmin --empty > $CIB_file; "
        "crm -F configure load update /root/shown.crm; cibadmin --query > /root/read.xml",
    )
    live = trixie.on("node1", "cibadmin --query")
    loaded = trixie.on("node1", "cat /root/read.xml; rm -f /root/shown.crm /root/loaded.xml* /root/read.xml")
    (trixie.folder / "live.xml").write_text(live)
    (trixie.folder / "loaded.xml").write_text(loaded)
    assert sections(str(trixie.folder / "loaded.xml")) == sections(str(trixie.folder / "live.xml"))


def test_a_person_at_a_terminal_sees_the_cluster_live_and_ends_it_with_a_key(trixie: Bench) -> None:
    watch = Terminal([str(PROGRAM), "status", "--watch"], cwd=trixie.folder, env=trixie.environment)
    watch.expect("t13: healthy")
    watch.expect("promoted, file system, PostgreSQL, VIP")
    watch.interrupt()
    assert watch.wait() == 0
    show = Terminal([str(PROGRAM), "crm-show"], cwd=trixie.folder, env=trixie.environment)
    assert show.wait() == 0
    assert "primitive pg_server" in show.text
    assert "\x1b[" in show.raw
    assert "\x1b" not in trixie.run("crm-show").stdout


def test_changed_parameters_reach_the_running_server(trixie: Bench) -> None:
    path = trixie.folder / "cluster.yaml"
    path.write_text(path.read_text() + "postgresql: {parameters: {work_mem: 7MB}}\n")
    assert "reload PostgreSQL" in trixie.run("bootstrap", "--yes").stdout
    assert "7MB" in trixie.run("psql", "-c", "SHOW work_mem").stdout
    assert "Nothing to do" in trixie.run("bootstrap").stdout


def test_a_switchover_under_load_loses_nothing(trixie: Bench) -> None:
    run = play(trixie, "switchover")
    assert run["serves"] != run["primary"]
    assert "precious" in trixie.run("psql", "-c", "TABLE kept").stdout


def test_a_switchover_command_measures_its_outage_and_leaves_no_constraint(trixie: Bench) -> None:
    before = trixie.primary
    found = json.loads(trixie.run("switchover", "--yes", "--json").stdout)
    assert (found["from"], found["to"], found["missing"]) == (before, trixie.primary, 0)
    assert before != trixie.primary
    assert 0 < found["outage_s"] < 15
    assert "pcmk-ha-switchover" not in trixie.on(before, "cibadmin --query --scope constraints")


def test_fencing_the_primary_moves_the_service_and_counts_the_outage(trixie: Bench) -> None:
    before = trixie.primary
    said = trixie.run("fence", before, "--yes").stdout
    assert f"stops on {before}" in said
    assert "Writes were out for" in said
    assert " 0 are missing" in said
    assert trixie.primary != before
    trixie.await_health()


def test_fencing_asks_first_and_refuses_without_an_answer(trixie: Bench) -> None:
    boot = trixie.on("node1", "cat /proc/sys/kernel/random/boot_id")
    assert "--yes" in trixie.run("fence", "node1", ok=(4,)).stderr
    assert trixie.on("node1", "cat /proc/sys/kernel/random/boot_id") == boot


def test_with_a_dead_node_status_works_and_neither_fence_nor_drill_takes_the_last_good_copy(trixie: Bench) -> None:
    primary, standby = trixie.primary, trixie.standby
    trixie.run("fence", standby, "--off", "--yes")
    refused = trixie.run("fence", primary, "--yes", ok=(4,)).stderr
    assert "last good copy" in refused
    begin = time.monotonic()
    found = trixie.status(ok=(10,))
    assert time.monotonic() - begin < 8
    assert found["health"] == "degraded"
    assert any(standby in finding["what"] for finding in found["findings"])
    assert "the cluster is not healthy" in trixie.run("drill", "run", "switchover", ok=(4,)).stderr
    trixie.run("unfence", standby)
    trixie.await_health()


def test_a_cut_replication_link_freezes_writes_only_until_the_peer_has_agreed(trixie: Bench) -> None:
    run = play(trixie, "replication-link-cut")
    assert run["serves"] == run["primary"]
    assert "lives and knows" in trixie.on(run["primary"], "journalctl -b --no-pager | grep drbd-fence-peer")


def test_a_vip_that_somebody_deletes_comes_back(trixie: Bench) -> None:
    run = play(trixie, "vip-deleted")
    assert run["serves"] == run["primary"]


def test_a_drill_ended_by_ctrl_c_mends_what_it_broke(trixie: Bench) -> None:
    terminal = Terminal(
        [str(PROGRAM), "drill", "run", "replication-link-cut"], cwd=trixie.folder, env=trixie.environment
    )
    terminal.expect("replication-link-cut begins", 60)
    time.sleep(2)
    terminal.interrupt()
    assert terminal.wait(60) == 130
    assert "interrupted" in terminal.text
    trixie.await_health()
    assert json.loads(trixie.lab("status", "--json"))["nodes"]["node1"]["power"] == "on"


def test_kept_drills_are_compared_and_each_has_its_page(trixie: Bench) -> None:
    compared = trixie.run("drill", "report").stdout
    assert all(name in compared for name in ("switchover", "replication-link-cut", "vip-deleted"))
    state = Path(trixie.environment["XDG_STATE_HOME"]) / "pcmk-ha/drills/t13"
    pages = sorted(state.glob("*/run.html"))
    assert len(pages) == 3
    assert all("<svg" in page.read_text() for page in pages)
    alone = trixie.run("drill", "report", str(pages[0].parent)).stdout
    assert "switchover on t13" in alone
    assert "0 missing" in alone


def test_destroy_wants_the_name_and_keeps_the_data(trixie: Bench) -> None:
    assert "t13" in trixie.run("destroy", "--yes", ok=(4,)).stderr
    trixie.run("destroy", "--name", "t13", "--yes")
    for node in ("node1", "node2"):
        assert not trixie.on(
            node, "ls /etc/corosync/authkey /etc/drbd.d/pgdata.res /etc/pcmk-ha/pgpass 2>/dev/null || true"
        )
        assert not trixie.on(node, "pgrep corosync || true")
        assert "pcmk-ha" not in trixie.on(node, "cat /etc/hosts")
    again = Terminal([str(PROGRAM), "bootstrap", "--yes"], cwd=trixie.folder, env=trixie.environment)
    again.expect("wait until the service is stable", 120)
    assert again.wait(240) == 0, again.text
    assert "✓ node1 write through the VIP" in " ".join(again.text.split())
    assert "serves at 10.77.0.100:5432" in again.text
    assert "precious" in trixie.run("psql", "-c", "TABLE kept").stdout


def test_destroy_with_wiped_data_leaves_empty_disks(trixie: Bench) -> None:
    trixie.run("destroy", "--name", "t13", "--wipe-data", "--yes")
    assert "empty" in trixie.run("check").stdout
    assert not trixie.on("node1", "wipefs -n /dev/mapper/data")
