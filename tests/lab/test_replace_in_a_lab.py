"""A machine dies for good, and a new one takes its place, while clients write: on two votes, and with an arbiter."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest_lab import PROGRAM, Bench, lab_of

from pcmk_ha.client.ledger import Ledger
from pcmk_ha.client.process import WriterProcess
from pcmk_ha.model.load import load_cluster
from pcmk_ha.operate.secrets import load_secrets

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(900)]
PAUSE_S = 1.5  # no write waits longer: DRBD freezes I/O for a moment when the new copy connects


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """Two votes on Debian 13."""
    for bench in lab_of("rep13", "--disk", "1"):
        bench.run("bootstrap", "--yes")
        bench.await_health()
        bench.run("psql", "-c", "CREATE TABLE IF NOT EXISTS kept (word text); INSERT INTO kept VALUES ('precious')")
        yield bench


@pytest.fixture(scope="module")
def with_arbiter() -> Iterator[Bench]:
    """Three votes on Debian 12."""
    for bench in lab_of("rep12", "--suite", "bookworm", "--arbiter", "--disk", "1"):
        bench.run("bootstrap", "--yes")
        bench.await_health()
        yield bench


def replaced_while_clients_write(bench: Bench, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[str, Ledger]:
    """Return what `replace` said, and what became of every write meanwhile, the copy of all data included."""
    monkeypatch.setenv("XDG_STATE_HOME", bench.environment["XDG_STATE_HOME"])
    file = bench.folder / "cluster.yaml"
    cluster = load_cluster(file)
    with WriterProcess(cluster, load_secrets(cluster, file).superuser) as writer:
        writer.await_writes(20, timeout_s=30)
        said = bench.run("replace", *arguments, "--yes", "--accept-new-host-keys", timeout=580).stdout
        writer.await_writes(20, timeout_s=30)
        return said, writer.finish()


def killed_at(bench: Bench, node: str, line: str, *arguments: str) -> None:
    """Kill a replacement the moment it says that a step is done."""
    process = subprocess.Popen(
        (str(PROGRAM), "replace", node, "--yes", *arguments), cwd=bench.folder, env=bench.environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    said = []
    for text in process.stdout:
        said.append(text)
        if line in text and "✓" in text:  # what is planned was printed before
            break
    else:
        raise AssertionError("".join(said))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def data_disk(bench: Bench, node: str) -> Path:
    return Path(bench.environment["XDG_STATE_HOME"]) / f"pcmk-ha/labs/{bench.name}/{node}.data"


def node_ids(bench: Bench, node: str) -> list[str]:
    return bench.on(node, "corosync-cmapctl nodelist | grep -E 'nodeid|name' | sed 's/.*= //'").split()


def test_a_node_that_serves_is_not_replaced_and_one_that_takes_part_needs_nothing(bench: Bench) -> None:
    assert "serves: `pcmk-ha switchover` first" in bench.run("replace", bench.primary, "--yes", ok=(4,)).stderr
    assert "Nothing to do" in bench.run("replace", bench.standby, "--yes").stdout


def test_a_machine_that_may_be_alive_and_a_disk_that_holds_something_are_refused(bench: Bench) -> None:
    node = bench.standby
    bench.on(node, "systemctl stop pacemaker corosync")
    bench.lab("renew", node, "--off")
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-F", str(data_disk(bench, node))], check=True, timeout=60)
    bench.lab("power", "on", node)
    bench.await_answer(node)
    refused = bench.run("replace", node, "--yes", ok=(1,)).stderr
    assert "has CHANGED: it is ssh-ed25519 SHA256:" in refused
    assert "--accept-new-host-keys" in refused
    refused = bench.run("replace", node, "--yes", "--accept-new-host-keys", ok=(4,)).stderr
    assert f"nothing proves that the old machine of {node} is off" in refused
    assert f"{node}: /dev/mapper/data holds ext4" in refused
    assert "ext4" in bench.on(node, "wipefs /dev/mapper/data"), "it is still there"
    assert (
        "has nothing of this cluster" not in bench.run("plan", ok=(4,)).stderr
    )  # of that disk, too, only what it holds
    bench.on(node, "wipefs -q --all /dev/mapper/data")
    assert f"`pcmk-ha replace {node}`" in bench.run("bootstrap", "--yes", ok=(4,)).stderr
    refused = bench.run("replace", node, "--yes", ok=(4,)).stderr
    assert "holds ext4" not in refused
    assert "--confirmed-dead" in refused
    assert bench.on(node, "ls /etc/drbd.d/*.res 2>/dev/null || true") == "", "nothing was touched"


def test_a_replacement_killed_at_any_point_is_finished_by_the_next(bench: Bench) -> None:
    """The machine of the test before, which a person has to call dead."""
    node, ids = bench.standby, node_ids(bench, bench.primary)
    killed_at(bench, node, "note that this is the new machine", "--confirmed-dead")
    found = bench.status()
    assert any(f"the machine of {node} is being replaced" in finding["what"] for finding in found["findings"])
    killed_at(bench, node, "create DRBD metadata")
    killed_at(bench, node, "start Corosync and Pacemaker")
    said = bench.run("replace", node, "--yes", timeout=580).stdout
    assert f"{node} takes part on its new machine, with a good copy; the cluster is whole." in said
    found = bench.status(ok=(0,))
    assert found["health"] == "healthy"
    assert found["proofs"]["fenced"][node] is None
    assert node_ids(bench, node) == ids
    assert "Nothing to do" in bench.run("replace", node, "--yes").stdout
    assert "nothing to change" in bench.run("plan").stdout


def test_a_dead_standby_is_replaced_at_other_addresses_and_no_client_waits(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, serves = bench.standby, bench.primary
    bench.run("fence", "--off", node, "--yes")
    bench.lab("renew", node, "--address-suffix", "22")
    bench.run("init", "--lab", bench.name, "--force")
    said, ledger = replaced_while_clients_write(bench, monkeypatch, node)
    assert f"The old machine of {node}: it was fenced at" in said
    assert "reload Corosync" in said
    assert "restart" not in said
    assert ledger.lost == ()
    assert ledger.outage_s < PAUSE_S
    assert len({server.instance for server in ledger.servers}) == 1, "PostgreSQL was not restarted"
    found = bench.status(ok=(0,))
    assert found["health"] == "healthy"
    assert (found["service"]["promoted_on"], found["leftover_constraints"]) == (serves, [])
    assert "10.77.0.22" in bench.on(serves, "corosync-cfgtool -n; cat /etc/hosts")
    assert "10.77.0.112" in bench.on(serves, "crm_resource --query-xml --resource fence_" + node)
    assert "proven" in bench.run("fence-test", node, "--yes", "--json", timeout=580).stdout


def test_the_new_machine_takes_over_with_every_row(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    node, serves = bench.standby, bench.primary
    monkeypatch.setenv("XDG_STATE_HOME", bench.environment["XDG_STATE_HOME"])
    file = bench.folder / "cluster.yaml"
    cluster = load_cluster(file)
    with WriterProcess(cluster, load_secrets(cluster, file).superuser) as writer:
        writer.await_writes(20, timeout_s=30)
        bench.lab("power", "off", serves)
        writer.await_writes(20, timeout_s=120)
        ledger = writer.finish()
    assert ledger.lost == ()
    assert bench.primary == node
    assert "precious" in bench.run("psql", "-c", "TABLE kept").stdout
    bench.await_health()
    assert json.loads(bench.run("verify", "--json", timeout=580).stdout)["differing_kib"] == 0


def test_an_arbiter_is_replaced_and_nobody_notices(with_arbiter: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = with_arbiter
    bench.run("fence", "--off", "arbiter", "--yes")
    bench.lab("renew", "arbiter")
    said, ledger = replaced_while_clients_write(bench, monkeypatch, "arbiter")
    assert "arbiter takes part on its new machine; the cluster is whole." in said
    assert ledger.lost == ()
    assert ledger.outage_s < PAUSE_S
    found = bench.status(ok=(0,))
    assert [member["quorum"]["votes"] for member in found["members"].values()] == [3, 3, 3]
    assert found["failures"] == []
