"""Packages of two real nodes are updated from a source of their own while clients write. The order is its story."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from conftest_lab import Bench, kill_after, lab_of

from pcmk_ha.client.process import WriterProcess
from pcmk_ha.model.load import load_cluster
from pcmk_ha.operate.secrets import load_secrets

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1500)]
DATA_NODES = ("node1", "node2")
REPACK = Path(__file__).with_name("repack.sh").read_text()
OF_THE_CLUSTER = ("corosync", "pacemaker", "resource-agents", "drbd-utils", "postgresql-17", "postgresql-common")
SOME = ("corosync", "dbus", "less")
FAKE = "99.9.9-fake"


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """A cluster that is built and healthy."""
    for found in lab_of("u13"):
        found.run("bootstrap", "--yes")
        found.await_health()
        yield found


def offer(bench: Bench, suffix: str, *packages: str, nodes: tuple[str, ...] = DATA_NODES) -> None:
    """Have newer versions of these packages in the only package source of these nodes."""
    for node in nodes:
        bench.on(node, f"cat > /root/repack <<'END'\n{REPACK}END\nsh /root/repack '{suffix}' {' '.join(packages)}")


def versions(bench: Bench, node: str, *packages: str) -> list[str]:
    return bench.on(node, f"dpkg-query -W -f '${{Version}}\\n' {' '.join(packages)}").split()


def boot_ids(bench: Bench) -> list[str]:
    return [bench.on(node, "cat /proc/sys/kernel/random/boot_id").strip() for node in DATA_NODES]


def assert_nothing_is_left(bench: Bench) -> None:
    """No mask, no standby of ours, no half installation, and nobody was fenced."""
    assert not bench.status(ok=(0,))["fencing_history"]
    assert "pcmk-ha-update" not in bench.on("node1", "cibadmin --query")
    for node in DATA_NODES:
        assert "/dev/null" not in bench.on(node, "ls -l /run/systemd/system")
        assert bench.on(node, "dpkg --audit") == ""
    for node in DATA_NODES:
        assert bench.on(node, "pgrep -c -x corosync; systemctl is-active pacemaker").split() == ["1", "active"]


def test_without_newer_packages_there_is_nothing_to_do(bench: Bench) -> None:
    offer(bench, "", "less")
    before = boot_ids(bench)
    assert "Nothing to do" in bench.run("update", "--yes").stdout
    assert boot_ids(bench) == before


def test_a_kernel_without_drbd_is_refused_with_what_would_be_done_and_nothing_is_touched(bench: Bench) -> None:
    offer(bench, "+u1", *OF_THE_CLUSTER, "dbus", "less")
    before, standby = boot_ids(bench), bench.standby
    bench.on(standby, f"mkdir -p /lib/modules/{FAKE}; touch /boot/vmlinuz-{FAKE}")
    done = bench.run("update", "--yes", ok=(4,))
    assert f"{standby}: kernel {FAKE}, which the next boot starts, has no DRBD module" in done.stderr
    assert "nothing was touched" in done.stderr
    assert f"{bench.primary} serves: the service moves to {standby} first" in done.stdout
    bench.on(standby, f"rmdir /lib/modules/{FAKE}; rm /boot/vmlinuz-{FAKE}")
    assert boot_ids(bench) == before
    assert bench.status(ok=(0,))["health"] == "healthy"


def test_an_administrators_standby_is_refused_and_stays(bench: Bench) -> None:
    node = bench.standby
    bench.run("standby", node, "--yes")
    assert f"{node} is in standby" in bench.run("update", "--yes", ok=(4,)).stderr
    assert bench.status(ok=(10,))["nodes"][node] == "standby"
    bench.run("unstandby", node)
    bench.await_health()


def test_a_dry_run_says_what_would_be_done_to_each_node(bench: Bench) -> None:
    before = boot_ids(bench)
    said = bench.run("update", "--dry-run").stdout
    for node in DATA_NODES:
        assert f"{node}: updates 8: corosync" in said
        assert f"{node}: reboots (dbus)" in said
    found = json.loads(bench.run("update", "--dry-run", "--json").stdout)
    assert [entry["node"] for entry in found["nodes"]] == [bench.standby, bench.primary]
    assert "--yes" in bench.run("update", ok=(4,)).stderr
    assert boot_ids(bench) == before


def test_everything_is_updated_and_booted_and_clients_notice_one_switchover(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", bench.environment["XDG_STATE_HOME"])
    path = bench.folder / "cluster.yaml"
    cluster = load_cluster(path)
    before, serves, other = boot_ids(bench), bench.primary, bench.standby
    with WriterProcess(cluster, load_secrets(cluster, path).superuser) as writer:
        writer.await_writes(20, timeout_s=20)
        done = bench.run("update", "--yes", "--json", timeout=900)
        writer.await_writes(20, timeout_s=20)
        ledger = writer.finish()
    said = json.loads(done.stdout)
    assert [(entry["node"], entry["rebooted"]) for entry in said["nodes"]] == [(other, True), (serves, True)]
    (move,) = said["switchover"]
    assert (move["to"], move["missing"]) == (other, 0)
    assert ledger.lost == ()
    times = sorted(at for _seq, at in ledger.acknowledged)
    gaps = sorted(late - early for early, late in pairwise(times))
    assert gaps[-1] < move["outage_s"] + 1
    assert gaps[-2] < 3, f"a second outage: {gaps[-3:]}"
    assert bench.primary == other
    assert all(new != old for new, old in zip(boot_ids(bench), before, strict=True))
    for node in DATA_NODES:
        assert all(v.endswith("+u1") for v in versions(bench, node, *OF_THE_CLUSTER, "dbus", "less"))
    assert_nothing_is_left(bench)
    assert "Nothing to do" in bench.run("update", "--yes").stdout


def test_a_run_killed_three_times_is_finished_by_the_next_with_one_switchover(bench: Bench) -> None:
    offer(bench, "+u2", *SOME)
    before, first, second = boot_ids(bench), bench.standby, bench.primary
    kill_after(bench, f"stop Pacemaker and Corosync on {first}", "update", "--yes", seconds=1)  # packages unpack
    found = bench.status(ok=(10,))
    assert any("`pcmk-ha update`" in finding["todo"] for finding in found["findings"])
    # What installs packages goes on when it is alone, and may have come to its end.
    kill_after(bench, f"reboot {first}", "update", "--yes", seconds=2)
    kill_after(bench, f"end the standby of {first}", "update", "--yes", seconds=5)  # the service moves
    bench.run("update", "--yes", timeout=900)
    assert bench.primary == first
    assert all(new != old for new, old in zip(boot_ids(bench), before, strict=True))
    for node in DATA_NODES:
        assert all(v.endswith("+u2") for v in versions(bench, node, *SOME))
    bench.await_health()
    assert_nothing_is_left(bench)
    assert "Nothing to do" in bench.run("update", "--yes").stdout
    assert bench.primary != second


def test_without_a_reason_to_boot_only_the_cluster_is_restarted(bench: Bench) -> None:
    before, standby = boot_ids(bench), bench.standby
    offer(bench, "+u3", "corosync", "less", nodes=(standby,))
    offer(bench, "", "less", nodes=(bench.primary,))
    pid = bench.on(standby, "pgrep -x corosync")
    said = bench.run("update", "--yes").stdout
    assert f"Updated: {standby}." in said
    assert boot_ids(bench) == before
    assert bench.on(standby, "pgrep -x corosync") != pid
    assert bench.standby == standby
    assert_nothing_is_left(bench)


def test_packages_that_cannot_be_installed_end_the_run_with_the_service_up(bench: Bench) -> None:
    node, serves = bench.standby, bench.primary
    offer(bench, "+u4", "less")
    unpack = "d=$(mktemp -d); dpkg-deb -R /srv/repository/less.deb $d"
    spoil = "printf '#!/bin/sh\\nexit 7\\n' > $d/DEBIAN/preinst; chmod 755 $d/DEBIAN/preinst"
    bench.on(node, f"{unpack}; {spoil}; dpkg-deb -b $d /srv/repository/less.deb")
    bench.on(node, f"cat > /root/repack <<'END'\n{REPACK}END\nsh /root/repack +none")
    done = bench.run("update", "--yes", ok=(1,))
    assert "packages could not be installed" in done.stderr
    assert "`pcmk-ha update` goes on" in done.stderr
    assert bench.primary == serves
    assert bench.status(ok=(10,))["nodes"][node] in ("offline", "standby")
    offer(bench, "", "less", nodes=(node,))
    bench.run("update", "--yes", timeout=600)
    bench.await_health()
    assert_nothing_is_left(bench)
