"""A backup made under load, and put back, on real nodes of Debian 13 and 12. The order of tests is its story."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest
from conftest_lab import PROGRAM, Bench, lab_of

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1500)]
LABS = {"b13": (), "b12": ("--suite", "bookworm", "--arbiter")}
LOAD = 'for i in $(seq 400); do echo "INSERT INTO load SELECT g, md5(g::text) FROM generate_series(1, 500) g;"; done'


@pytest.fixture(scope="module", params=LABS)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A cluster that serves, with a table, and a folder for backups on both nodes."""
    for found in lab_of(request.param, *LABS[request.param]):
        found.run("bootstrap", "--yes", timeout=600)
        found.await_health()
        found.run("psql", "-c", "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('before')")
        found.run("psql", "-c", "CREATE TABLE load (x int, y text)")
        for node in ("node1", "node2"):
            found.on(node, "mkdir -p /backup")
        yield found


def words(bench: Bench) -> list[str]:
    return bench.run("psql", "-q", "-A", "-t", "-c", "SELECT word FROM kept ORDER BY word").stdout.split()


def data(bench: Bench) -> str:
    return bench.on(bench.primary, "ls -d /srv/pgdata/*/main").strip()


def beside(bench: Bench) -> list[str]:
    return sorted(bench.on(bench.primary, "ls /srv/pgdata/1*").split())


def last_backup(bench: Bench) -> str:
    return bench.on(bench.primary, "ls -d /backup/*-*Z | tail -n1").strip()


def kill_after(bench: Bench, until: str, *arguments: str) -> None:
    """Run the command and kill it when it says something."""
    process = subprocess.Popen(
        (str(PROGRAM), *arguments), cwd=bench.folder, env=bench.environment, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if until in line:
            break
    else:
        raise AssertionError("".join(said))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_backup_is_made_and_verified_while_clients_write(bench: Bench) -> None:
    node = bench.primary
    bench.on(node, f"({LOAD}) > /tmp/load.sql; chmod 644 /tmp/load.sql")
    bench.on(node, "runuser -u postgres -- psql -q -h /run/postgresql -f /tmp/load.sql > /dev/null 2>&1 &")
    made = json.loads(bench.run("backup", "--to", "/backup", "--json").stdout)
    assert made["node"] == node
    versions = bench.on(node, "ls /usr/lib/postgresql").split()
    bench.on(
        node, f"runuser -u postgres -- /usr/lib/postgresql/{versions[0]}/bin/pg_verifybackup -q {made['path']}/data"
    )
    assert json.loads(bench.on(node, f"cat {made['path']}/backup.json"))["cluster"] == bench.status()["cluster"]
    assert bench.status()["proofs"]["backed_up"] == made["at"]
    bench.await_health()


def test_a_backup_goes_on_when_its_command_is_killed_and_the_next_run_follows_it(bench: Bench) -> None:
    kill_after(bench, "makes a base backup", "backup", "--to", "/backup", "--max-rate", "4")
    assert bench.on(bench.primary, "systemctl is-active pcmk-ha-backup || true").strip() == "active"
    said = bench.run("backup", "--to", "/backup")
    assert "following that one" in said.stderr
    assert not bench.on(bench.primary, "ls -d /backup/.*.partial 2>/dev/null || true")


def test_a_backup_whose_node_lost_power_leaves_nothing_that_looks_whole(bench: Bench) -> None:
    before = bench.on(bench.primary, "ls /backup")
    node = bench.primary
    kill_after(bench, "makes a base backup", "backup", "--to", "/backup", "--max-rate", "2")
    bench.on(node, "systemctl kill -s KILL pcmk-ha-backup")
    assert bench.on(node, "ls /backup") == before
    assert bench.on(node, "ls -d /backup/.*.partial")
    bench.run("backup", "--to", "/backup")
    assert not bench.on(node, "ls -d /backup/.*.partial 2>/dev/null || true")


def test_no_backup_goes_into_the_volume_or_to_where_there_is_nothing(bench: Bench) -> None:
    for to, says in (("/srv/pgdata", "in the replicated volume"), ("/nowhere", "is no directory")):
        refused = bench.run("backup", "--to", to, ok=(4,))
        assert says in refused.stderr


def test_a_restore_brings_the_old_state_back_and_keeps_what_it_replaced(bench: Bench) -> None:
    backup = last_backup(bench)
    bench.run("psql", "-c", "INSERT INTO kept VALUES ('after')")
    refused = bench.run("restore", backup, ok=(4,))
    assert "--yes" in refused.stderr
    begin = time.monotonic()
    bench.run("restore", backup, "--yes", timeout=600)
    assert time.monotonic() - begin < 300
    assert words(bench) == ["before"]
    kept = [name for name in beside(bench) if name.startswith("main.before-")]
    assert beside(bench) == sorted(["main", *kept])
    assert len(kept) == 1
    bench.await_health()
    assert bench.run("plan", "--check").returncode == 0


@pytest.mark.parametrize(
    "until",
    ["note what is restored", "beside the data directory", "stop PostgreSQL through", "set the present data aside"],
)
def test_a_restore_killed_anywhere_is_finished_by_the_next(bench: Bench, until: str) -> None:
    for name in beside(bench):
        if name.startswith("main.before-"):  # the volume is small
            bench.on(bench.primary, f"rm -r /srv/pgdata/1*/{name}")
    bench.run("psql", "-c", "INSERT INTO kept VALUES ('lost')")
    kill_after(bench, until, "restore", last_backup(bench), "--yes")
    if "aside" in until:
        found = bench.status(ok=(11,))
        assert any("pcmk-ha restore" in finding["todo"] for finding in found["findings"])
        bench.run("apply", "--yes", ok=(4,))
    bench.run("restore", "--yes", timeout=600)
    assert words(bench) == ["before"]
    assert [name for name in beside(bench) if not name.startswith("main.before-")] == ["main"]
    bench.await_health()


def test_a_failover_in_the_middle_serves_the_old_data_and_the_restore_goes_on_there(bench: Bench) -> None:
    backup, first = last_backup(bench), bench.primary
    for name in beside(bench):
        if name.startswith("main.before-"):
            bench.on(first, f"rm -r /srv/pgdata/1*/{name}")
    bench.run("psql", "-c", "INSERT INTO kept VALUES ('served')")
    kill_after(bench, "beside the data directory", "restore", backup, "--yes")
    bench.lab("power", "off", first)
    bench.await_health(timeout=300)
    assert bench.primary != first
    assert words(bench) == ["before", "served"]
    bench.run("restore", "--yes", timeout=600)
    assert words(bench) == ["before"]
    bench.await_health()


def test_a_label_that_somebody_left_is_named_and_nothing_starts_postgresql(bench: Bench) -> None:
    label = f"{data(bench)}/backup_label"
    bench.on(bench.primary, f"touch {label}")
    found = bench.status(ok=(10,))
    assert any("backup_label is there" in finding["what"] for finding in found["findings"])
    for command in (("apply", "--yes"), ("switchover", "--yes"), ("bootstrap", "--yes")):
        refused = bench.run(*command, ok=(4,))
        assert "backup_label is there" in refused.stderr, command
    bench.run("maintenance", "on", "--yes")
    for command in (("maintenance", "off", "--yes"), ("maintenance", "off", "--force", "--yes")):
        assert "backup_label is there" in bench.run(*command, ok=(4,)).stderr
    bench.on(bench.primary, f"rm {label}")
    bench.run("maintenance", "off", "--yes")
    bench.await_health()


def test_a_cluster_does_not_start_postgresql_over_a_label(bench: Bench) -> None:
    label = f"{data(bench)}/backup_label"
    bench.on(bench.primary, f"touch {label}")
    bench.run("stop", "--force", "--yes")
    refused = bench.run("start", ok=(1,), timeout=400)
    assert "backup_label is there" in refused.stderr
    holder = bench.status(ok=(11,))["service"]["volume_on"]
    assert bench.on(holder, f"ls {label}").strip() == label
    assert not bench.on(holder, "pgrep -x postgres || true")
    bench.on(holder, f"rm {label}")
    bench.run("start", timeout=400)
    assert words(bench) == ["before"]
    bench.await_health()


def test_the_service_moves_after_a_restore(bench: Bench) -> None:
    for _there_and_back in range(2):
        bench.run("switchover", "--yes")
        assert words(bench) == ["before"]
    bench.await_health()
