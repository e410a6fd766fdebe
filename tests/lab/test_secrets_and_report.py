"""New secrets for a cluster that serves all along, and a support bundle that holds none. In the order of its story."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest
from conftest_lab import PROGRAM, Bench
from ruamel.yaml import YAML

from pcmk_ha.client.process import WriterProcess
from pcmk_ha.model.load import load_cluster

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(600)]
RING = "corosync-quorumtool -s | sed -n 's/^Ring ID: *//p'"
FENCINGS = "stonith_admin --history '*' --verbose | grep -c 'was able\\|turned' || true"
UNKNOWN = "hunter2unknown"


def secrets_of(bench: Bench) -> dict[str, str]:
    found = YAML(typ="safe").load((bench.folder / "cluster.secrets.yaml").read_text())
    return {name: str(value) for name, value in found.items()}


def bmc_password(bench: Bench) -> Path:
    return Path(bench.environment["XDG_STATE_HOME"]) / f"pcmk-ha/labs/{bench.name}/bmc.password"


def bundle(bench: Bench, *arguments: str) -> tuple[dict[str, object], dict[str, str]]:
    said = json.loads(bench.run("report", "--json", *arguments, timeout=400).stdout)
    with tarfile.open(said["path"]) as tar:
        files = {m.name.partition("/")[2]: tar.extractfile(m).read().decode() for m in tar}  # type: ignore[union-attr]
    return said, files


def test_a_cluster_is_built(trixie: Bench) -> None:
    """Its fence password stands in a file of its own, as it would outside a lab."""
    (trixie.folder / "fence.password").write_text(bmc_password(trixie).read_text())
    path = trixie.folder / "cluster.yaml"
    path.write_text(path.read_text().replace(str(bmc_password(trixie)), "fence.password"))
    trixie.run("bootstrap", "--yes")
    trixie.await_health()


def test_canaries_on_real_nodes_are_not_in_the_bundle(trixie: Bench) -> None:
    values = [*secrets_of(trixie).values(), bmc_password(trixie).read_text().strip()]
    for number, value in enumerate(values):
        half = len(value) // 2
        forms = (
            value,
            escape(value),
            quote(value, safe=""),
            b64encode(f"a:{value}".encode()).decode(),
            value.encode().hex(),
        )
        lines = [*forms, f"{value[:half]}\n    {value[half:]}", f"password={UNKNOWN}"]
        (trixie.folder / "planted").write_text("\n".join(f"planted {number} {line}" for line in lines) + "\n")
        text = (trixie.folder / "planted").read_text()
        for node in ("node1", "node2"):
            plant(trixie, node, text, number)
    said, files = bundle(trixie)
    assert said["members"] == ["node1", "node2"]
    assert said["unreachable"] == {}
    everything = "".join(files.values())
    joined = "".join(everything.split())
    for value in values:
        for form in (value, escape(value), quote(value, safe=""), b64encode(f"a:{value}".encode()).decode()[4:-4]):
            assert form not in everything
            assert form not in joined
        assert value.encode().hex() not in everything
    assert UNKNOWN not in everything
    for name in (
        "node1/journal.txt",
        "node1/pacemaker.log",
        "node2/postgresql/server.log",
        "node1/pe-inputs/pe-input-99990.xml",
    ):
        assert "planted 0" in files[name], sorted(files)
    assert "shared-secret" in files["node1/drbd/files.txt"]
    assert 'name="password"' in files["node1/cib.xml"]
    assert any(name.startswith("local/logs/") for name in files)


def plant(bench: Bench, node: str, text: str, number: int) -> None:
    """Put canaries where programs write: the journal, logs, and a scheduler input."""
    state = Path(bench.environment["XDG_STATE_HOME"]) / f"pcmk-ha/labs/{bench.name}/ssh_config"
    script = (
        "cat > /root/planted; logger -t planted -f /root/planted; "
        "cat /root/planted >> /var/log/pacemaker/pacemaker.log; "
        "mkdir -p /var/log/postgresql; cat /root/planted >> /var/log/postgresql/planted.log; "
        f'python3 -c \'import bz2; open("/var/lib/pacemaker/pengine/pe-input-9999{number}.bz2", "wb").write('
        'bz2.compress(open("/root/planted", "rb").read()))\'; rm /root/planted'
    )
    subprocess.run(["ssh", "-F", str(state), node, script], input=text, text=True, check=True, timeout=60)


def test_a_bundle_explains_what_happened(trixie: Bench) -> None:
    _, files = bundle(trixie, "--since", "2h")
    for name, says in (
        ("node1/crm_mon.txt", "pg_server"), ("node1/corosync/cmap.txt", "totem.token (u32) = 1000"),
        ("node1/corosync/quorum.txt", "Quorate"), ("node1/drbd/proc.txt", "ds:UpToDate/UpToDate"),
        (f"{trixie.primary}/postgresql/settings.txt", "wal"), ("node2/packages.txt", "pacemaker "),
        ("node2/units.txt", "corosync.service"), ("README.txt", "Members that answered: node1, node2"),
        ("node1/proc.txt", "MemTotal"),
    ):  # fmt: skip
        assert says in files[name], f"{name}: {files.get(name, '')[:2000]}"
    assert [name for name in files if name.startswith(("node1/pe-inputs/", "node2/pe-inputs/"))]


def test_a_dead_node_is_said_and_does_not_stop_the_bundle(trixie: Bench) -> None:
    standby = trixie.standby
    trixie.run("fence", standby, "--off", "--yes")
    said, files = bundle(trixie)
    assert list(said["unreachable"]) == [standby]  # type: ignore[call-overload]
    assert f"Did not answer: {standby}" in files["README.txt"]
    refused = trixie.run("rotate-secrets", "corosync", "--yes", ok=(1, 4)).stderr
    assert "needs every member" in refused
    assert "next" not in secrets_of(trixie)
    trixie.run("unfence", standby)
    trixie.await_health()


def test_corosync_and_drbd_take_new_secrets_while_clients_write(trixie: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    before = secrets_of(trixie)
    ring, fenced = trixie.on("node1", RING), trixie.on("node1", FENCINGS)
    monkeypatch.setenv("XDG_STATE_HOME", trixie.environment["XDG_STATE_HOME"])
    with WriterProcess(load_cluster(trixie.folder / "cluster.yaml"), before["superuser"]) as writer:
        writer.await_writes(20, timeout_s=60)
        said = trixie.run("rotate-secrets", "corosync", "drbd", "--yes").stdout
        writer.await_writes(20, timeout_s=60)
        ledger = writer.finish()
    assert ledger.lost == ()
    assert ledger.outage_s < 2.0, "writes stood still"
    sys.stderr.write(f"longest pause of writes: {ledger.outage_s:.2f} s\n{said}")
    after = secrets_of(trixie)
    assert after["authkey"] != before["authkey"]
    assert after["drbd"] != before["drbd"]
    assert "next" not in after
    assert trixie.on("node1", RING) == ring, "a member left"
    assert trixie.on("node1", FENCINGS) == fenced
    for node in ("node1", "node2"):
        assert "reconfigured on index" in trixie.on(node, "journalctl -b -u corosync --no-pager | grep crypto")
        assert not trixie.on(node, "drbdadm --dry-run adjust pgdata")
    assert "Nothing to do" in trixie.run("bootstrap").stdout


def test_the_next_connection_uses_the_new_secrets(trixie: Bench) -> None:
    trixie.lab("link", "cut", trixie.standby, "replication")
    time.sleep(6)
    trixie.lab("link", "heal", trixie.standby, "replication")
    trixie.await_health()
    trixie.lab("power", "reset", trixie.standby)
    time.sleep(5)
    trixie.await_health(timeout=240)


def test_a_rotation_killed_half_way_is_refused_by_bootstrap_and_finished_by_the_next_run(trixie: Bench) -> None:
    ring = trixie.on("node1", RING)
    process = subprocess.Popen(
        (str(PROGRAM), "rotate-secrets", "corosync", "drbd", "--yes"),
        cwd=trixie.folder, env=trixie.environment, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if "write /etc/corosync/authkey" in line:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert "next" in secrets_of(trixie)
    assert "rotate-secrets" in trixie.run("bootstrap", "--yes", ok=(4,)).stderr
    done = trixie.run("rotate-secrets", "--yes")
    assert "Going on with an earlier run" in done.stderr
    assert "next" not in secrets_of(trixie)
    assert trixie.on("node1", RING) == ring
    trixie.await_health()


def test_passwords_change_under_open_sessions(trixie: Bench) -> None:
    before = secrets_of(trixie)
    argv = (str(PROGRAM), "psql", "-A", "-t", "-c", "SELECT pg_sleep(25), 'still here'")
    with subprocess.Popen(
        argv, cwd=trixie.folder, env=trixie.environment, stdout=subprocess.PIPE, text=True
    ) as session:
        time.sleep(5)
        said = trixie.run("rotate-secrets", "postgresql", "--yes").stdout
        assert "Its next connection needs the new password" in said
        assert "still here" in session.communicate(timeout=60)[0]
    after = secrets_of(trixie)
    assert after["superuser"] != before["superuser"]
    assert trixie.run("psql", "-A", "-t", "-c", "SELECT 1").stdout.strip() == "1"
    login = "psql 'host=10.77.0.100 user=app dbname=app' -Atc 'SELECT 1'"
    assert trixie.on("node1", f"PGPASSWORD={after['application']} {login}").strip() == "1"
    trixie.on("node1", f"PGPASSWORD={before['application']} {login}", ok=(1, 2))
    assert "Nothing to do" in trixie.run("bootstrap").stdout
    for node in ("node1", "node2"):
        assert "SCRAM-SHA-256$" not in trixie.on(node, "cat /var/log/postgresql/*.log 2>/dev/null || true")


def test_a_fence_password_the_device_does_not_take_never_reaches_the_cluster(trixie: Bench) -> None:
    (trixie.folder / "fence.password").write_text("canary-wrong\n")
    said = trixie.run("rotate-secrets", "fencing", "--yes", ok=(1,))
    assert "does not take the new password" in said.stderr
    assert "canary" not in said.stdout + said.stderr
    assert "canary" not in trixie.on("node1", "cibadmin --query")


def test_a_fence_password_changed_on_the_devices_is_proven_and_given_to_the_cluster(trixie: Bench) -> None:
    bmc_password(trixie).write_text("canary-right-01\n")
    for node in ("node1", "node2"):  # a BMC reads its password when it starts
        trixie.lab("bmc", "off", node)
        trixie.lab("bmc", "on", node)
    (trixie.folder / "fence.password").write_text("canary-right-01\n")
    time.sleep(3)
    said = trixie.run("rotate-secrets", "fencing", "--yes").stdout
    assert "canary" not in said
    assert trixie.on("node1", "cibadmin --query").count('value="canary-right-01"') == 2
    assert "Nothing to do" in trixie.run("rotate-secrets", "fencing", "--yes").stdout
    trixie.await_health()
    standby = trixie.standby
    trixie.run("fence", standby, "--yes")
    trixie.await_health(timeout=240)


def test_no_secret_old_or_new_is_in_a_log(trixie: Bench) -> None:
    state = Path(trixie.environment["XDG_STATE_HOME"]) / "pcmk-ha/logs"
    seen = "".join(path.read_text() for path in state.iterdir())
    for node in ("node1", "node2"):
        seen += trixie.on(node, "journalctl --no-pager | grep -v planted; ps axww")
    for value in (*secrets_of(trixie).values(), "canary-right-01"):
        assert value not in seen
