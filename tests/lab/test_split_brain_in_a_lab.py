"""A real split brain, made by hands: shown, saved and settled while the kept side serves. In the order of its story."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from conftest_lab import PROGRAM, Bench, lab_of
from ruamel.yaml import YAML
from support.terminal import Terminal

from pcmk_ha.client.process import WriterProcess
from pcmk_ha.model.load import load_cluster

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(900)]
WORD = "thrown-away-by-the-operator"
PLACE = "/var/lib/pcmk-ha/split-brain"
DATA = "/srv/pgdata/17/main"
AS_POSTGRES = "runuser -u postgres -- env -C /"
PG_CTL = f"{AS_POSTGRES} /usr/lib/postgresql/17/bin/pg_ctl -w -D {DATA} -l /tmp/by-hand.log"
ALONE = f"""set -e
drbdadm disconnect pgdata; drbdadm primary --force pgdata
mkdir -p /srv/pgdata; mount /dev/drbd0 /srv/pgdata
{PG_CTL} start
{AS_POSTGRES} psql -h /run/postgresql -qc "INSERT INTO story VALUES ('{WORD}')" \
  -c "CREATE TABLE bulk AS SELECT repeat(md5(i::text), 30) FROM generate_series(1, 50000) i" -c CHECKPOINT
{PG_CTL} -m fast stop
umount /srv/pgdata; drbdadm secondary pgdata
dd if=/dev/mapper/data of=/root/before.img bs=1M iflag=direct conv=sparse status=none
"""
SLOWLY = "drbdsetup disk-options 0 --c-plan-ahead=0 --resync-rate=5M"
COMPARE = f"""import glob, json
(folder,) = glob.glob("{PLACE}/*")
with open("/root/before.img", "rb") as before, open("/root/put.img", "rb") as put:
    for at, length in json.load(open(folder + "/manifest.json"))["extents"]:
        before.seek(at), put.seek(at)
        assert before.read(length) == put.read(length), at
print("the same")
"""


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    for found in lab_of("w-sb13"):
        found.run("bootstrap", "--yes", timeout=600)
        found.await_health()
        yield found


def sql(bench: Bench, statement: str) -> str:
    return bench.run("psql", "--", "-qAtc", statement).stdout.strip()


def evidence(bench: Bench, ok: tuple[int, ...]) -> dict[str, dict[str, dict[str, str]]]:
    found: dict[str, dict[str, dict[str, str]]] = json.loads(bench.run("split-brain", "--json", ok=ok).stdout)
    return found


def kill_after(bench: Bench, until: str, *, seconds: float = 0) -> None:
    """Settle it, and kill the command some time after it says something."""
    process = subprocess.Popen(
        [str(PROGRAM), "split-brain", "--discard", bench.standby, "--yes"], cwd=bench.folder, env=bench.environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if until in line:
            break
    else:
        pytest.fail(f"it ended without `{until}`: {''.join(said)}")
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_healthy_cluster_has_no_split_brain(bench: Bench) -> None:
    sql(bench, "CREATE TABLE story (word text)")
    sql(bench, "INSERT INTO story VALUES ('before')")
    assert "No split brain: both sides are connected." in bench.run("split-brain").stdout
    assert "No split brain" in bench.run("split-brain", "--discard", bench.standby, "--yes").stdout


def test_both_sides_are_named_with_what_they_hold_once_both_have_written(bench: Bench) -> None:
    primary, standby = bench.primary, bench.standby
    bench.run("maintenance", "on", "--yes")
    bench.on(standby, ALONE)
    sql(bench, "INSERT INTO story VALUES ('kept')")
    bench.on(standby, "drbdadm connect pgdata; sleep 4")
    for node in (primary, standby):
        assert "cs:StandAlone" in bench.on(node, "cat /proc/drbd")
    said = bench.run("split-brain", ok=(3,))
    sys.stderr.write(said.stdout)
    assert "SPLIT BRAIN" in said.stdout
    assert "Split-Brain detected" in said.stdout
    found = evidence(bench, ok=(3,))
    assert found["sides"][standby]["database"]["state"] == "shut down"
    assert found["sides"][primary]["database"]["state"] == "in production"
    assert found["sides"][standby]["database"]["last_commit"] < found["sides"][primary]["database"]["last_commit"]
    assert any("`pcmk-ha split-brain`" in finding["todo"] for finding in bench.status()["findings"])


def test_nothing_is_proposed_when_the_side_without_the_service_has_changed_more(bench: Bench) -> None:
    found = evidence(bench, ok=(3,))
    assert found["proposal"]["give_up"] == ""
    assert {reason["node"] for reason in found["proposal"]["reasons"]} == {"node1", "node2"}  # type: ignore[index]


def test_nothing_is_given_up_without_an_answer_and_never_what_serves(bench: Bench) -> None:
    primary, standby = bench.primary, bench.standby
    assert "--yes" in bench.run("split-brain", "--discard", standby, ok=(4,)).stderr
    assert f"{primary}'s copy is in use" in bench.run("split-brain", "--discard", primary, "--yes", ok=(4,)).stderr
    for options, question, words, status in (
        ((), "Whose data is given up (node1 or node2; nothing leaves all as it is)", "", 3),
        ((), "Whose data is given up", primary, 4),
        (("--discard", standby), "Type its name to go on", primary, 4),
    ):
        terminal = Terminal([str(PROGRAM), "split-brain", *options], cwd=bench.folder, env=bench.environment)
        terminal.expect(question, timeout_s=90)
        terminal.answer(question, words)
        assert terminal.wait() == status, terminal.text
    assert "--directory" in bench.run(
        "split-brain", "--discard", standby, "--yes", "--directory", "/run", ok=(4,)
    ).stderr  # fmt: skip
    assert "--save blocks" in bench.run(
        "split-brain", "--discard", standby, "--yes", "--save", "snapshot", ok=(4,)
    ).stderr  # fmt: skip
    assert "cs:StandAlone" in bench.on(standby, "cat /proc/drbd")
    assert bench.on(standby, f"ls {PLACE} 2>/dev/null | wc -l").strip() == "0"


def test_one_side_alone_is_shown_and_settles_nothing(bench: Bench) -> None:
    primary, standby = bench.primary, bench.standby
    bench.on(standby, "systemd-run --quiet --on-active=30 systemctl start ssh; systemctl stop ssh")
    alone = bench.run("split-brain", "--discard", standby, "--yes", ok=(4,))
    assert f"{standby} does not answer" in alone.stderr
    assert "in production" in alone.stdout
    assert "not known" in alone.stdout
    deadline = time.monotonic() + 120
    while bench.status()["unreachable"]:
        assert time.monotonic() < deadline
        time.sleep(2)
    assert bench.primary == primary


def test_it_is_settled_though_killed_three_times_and_clients_notice_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", bench.environment["XDG_STATE_HOME"])
    standby = bench.standby
    bench.on(standby, SLOWLY)
    secrets = YAML(typ="safe").load((bench.folder / "cluster.secrets.yaml").read_text())
    with WriterProcess(load_cluster(bench.folder / "cluster.yaml"), str(secrets["superuser"])) as writer:
        writer.await_writes(10, timeout_s=60)
        kill_after(bench, "save what the side", seconds=1)
        kill_after(bench, "connect both sides")
        assert "cs:SyncTarget" not in bench.on(standby, "cat /proc/drbd")
        kill_after(bench, "wait for the resync", seconds=1)
        assert "cs:SyncTarget" in bench.on(standby, "cat /proc/drbd")
        done = bench.run("split-brain", timeout=600)
        sys.stderr.write(done.stderr + done.stdout)
        writer.await_writes(10, timeout_s=60)
        ledger = writer.finish()
    assert f"{standby} gave up its own" in done.stdout
    assert ledger.lost == ()
    assert ledger.outage_s < 3.0, "writes stood still"


def test_the_kept_rows_are_there_on_both_sides_and_the_other_ones_are_in_what_was_saved(bench: Bench) -> None:
    standby = bench.standby
    assert sql(bench, "SELECT string_agg(word, ',' ORDER BY word) FROM story") == "before,kept"
    assert bench.on(standby, f"grep -c {WORD} {PLACE}/*/blocks").strip() != "0"
    bench.on(standby, f"truncate -s 2G /root/put.img; cd {PLACE}/*; python3 saved_blocks.py put-back . /root/put.img")
    assert "the same" in bench.on(standby, f"python3 -c '{COMPARE}'")
    assert bench.on(standby, f"stat -c %a {PLACE}/*/blocks").strip() == "600"
    assert "No split brain" in bench.run("split-brain").stdout


def test_the_cluster_is_whole_and_the_other_node_can_serve_what_was_kept(bench: Bench) -> None:
    for node in ("node1", "node2"):  # either may have been slowed down
        bench.on(node, "drbdadm adjust pgdata")
    bench.run("maintenance", "off", "--yes")
    bench.await_health()
    assert "Both copies are equal" in bench.run("verify", timeout=600).stdout
    bench.run("switchover", "--yes")
    assert sql(bench, "SELECT string_agg(word, ',' ORDER BY word) FROM story") == "before,kept"
