"""What keeps a cluster trustworthy in service, on real nodes. The order of tests is its story."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from conftest_lab import Bench, kill_after, lab_of

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1800)]
LABS = {"p13": (), "p12": ("--suite", "bookworm", "--arbiter")}
SMALL = 1 << 30  # of the data disk's 2 GiB: the rest is room to grow
RESIZE = "dmsetup suspend --noflush data; dmsetup reload data --table '0 {} linear /dev/ubdb 0'; dmsetup resume data"
GARBAGE_AT = 700  # MiB from the beginning, where the file system has nothing


@pytest.fixture(scope="module", params=LABS)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A cluster on small disks, two votes on Debian 13 and three on Debian 12."""
    for found in lab_of(request.param, *LABS[request.param]):
        for node in ("node1", "node2"):
            resize_disk(found, node, SMALL)
        found.run("bootstrap", "--yes", timeout=600)
        found.await_health()
        yield found


def resize_disk(bench: Bench, node: str, size: int = 0) -> None:
    """Give the data disk another size under whatever uses it, as lvextend would; its whole size without one."""
    sectors = str(size // 512) if size else bench.on(node, "blockdev --getsz /dev/ubdb").strip()
    bench.on(node, RESIZE.format(sectors))


def members(bench: Bench) -> list[str]:
    return list(bench.status()["nodes"])


def boot_ids(bench: Bench) -> dict[str, str]:
    return {name: bench.on(name, "cat /proc/sys/kernel/random/boot_id").strip() for name in members(bench)}


def spoil(bench: Bench, node: str) -> None:
    """Change four blocks of a node's disk behind DRBD's back."""
    where = f"of=/dev/mapper/data bs=4096 seek={GARBAGE_AT * 256} count=4"
    bench.on(node, f"dd if=/dev/urandom {where} oflag=direct conv=notrunc status=none")


def fingerprint(bench: Bench, node: str) -> str:
    where = f"if=/dev/mapper/data bs=4096 skip={GARBAGE_AT * 256} count=4"
    return bench.on(node, f"dd {where} iflag=direct status=none | sha256sum").strip()


# --- comparing and mending both copies


def test_a_new_cluster_says_that_nothing_was_proven_yet_and_is_healthy(bench: Bench) -> None:
    said = bench.run("status").stdout
    assert "fencing last proven: node1 never, node2 never" in said
    assert "copies last compared: never (pcmk-ha verify)" in said
    for node in ("node1", "node2"):
        assert bench.on(node, "systemctl is-enabled pcmk-ha-verify.timer").strip() == "enabled"
        assert bench.on(node, "systemctl is-active pcmk-ha-verify.timer").strip() == "active"
    assert "Nothing to do" in bench.run("bootstrap").stdout


def test_another_schedule_is_applied_and_shown_as_nothing_to_do_afterwards(bench: Bench) -> None:
    path = bench.folder / "cluster.yaml"
    good = path.read_text()
    path.write_text(good + "drbd: {verify: never}\n")
    assert "do not compare both copies regularly" in bench.run("bootstrap", "--yes").stdout
    assert bench.on("node1", "systemctl is-active pcmk-ha-verify.timer", ok=(3,)).strip() == "inactive"
    path.write_text(good + "drbd: {verify: weekly}\n")
    bench.run("bootstrap", "--yes")
    assert "Sun *-*-* 03:30" in bench.on("node1", "systemctl cat pcmk-ha-verify.timer")
    assert "Sun *-*-* 03:30" in bench.on("node1", "systemctl show -p TimersCalendar pcmk-ha-verify.timer")
    assert "Nothing to do" in bench.run("bootstrap").stdout


def test_equal_copies_are_found_equal_and_it_is_recorded(bench: Bench) -> None:
    assert "Both copies are equal" in bench.run("verify", timeout=900).stdout
    found = bench.status(ok=(0,))
    assert found["proofs"]["differing_kib"] == 0
    assert "copies last compared: just now, equal" in bench.run("status").stdout


def test_the_service_of_the_timer_does_nothing_on_the_standby(bench: Bench) -> None:
    before = bench.status()["proofs"]["verified"]
    bench.on(bench.standby, "systemctl start pcmk-ha-verify.service")
    assert bench.status()["proofs"]["verified"] == before
    time.sleep(1)
    bench.on(bench.primary, "systemctl start pcmk-ha-verify.service")
    assert bench.status()["proofs"]["verified"] != before


def test_blocks_that_differ_are_found_and_the_cluster_is_not_healthy_until_they_are_mended(bench: Bench) -> None:
    primary, standby = bench.primary, bench.standby
    good = fingerprint(bench, primary)
    spoil(bench, standby)
    assert "16384 bytes differ" in bench.run("verify", ok=(3,), timeout=900).stdout
    found = bench.status(ok=(10,))
    assert [finding["what"] for finding in found["findings"]] == ["both copies are not the same: 16 KiB differ"]
    assert "both copies are not the same" in bench.run("fence-test", "--yes", ok=(4,)).stderr
    assert fingerprint(bench, standby) != good

    assert "--yes" in bench.run("resync", ok=(4,)).stderr
    said = bench.run("resync", "--yes", timeout=300).stdout
    assert f"{primary} serves: its copy is the one to go by" in said
    assert f"{standby} has what {primary} has" in said
    assert fingerprint(bench, standby) == fingerprint(bench, primary) == good
    assert bench.primary == primary
    found = bench.await_health()
    assert found["leftover_constraints"] == []
    assert "16 KiB differed, copied since" in bench.run("status").stdout
    assert "Nothing to do" in bench.run("resync", "--yes").stdout


def test_a_comparison_goes_on_when_the_command_is_killed_and_the_next_run_follows_it(bench: Bench) -> None:
    before = bench.status()["proofs"]["verified"]
    bench.run("verify", "--background")
    assert "Both copies are equal" in bench.run("verify", timeout=900).stdout
    assert bench.status(ok=(0,))["proofs"]["verified"] != before


def test_everything_is_copied_only_to_the_named_standby_and_goes_on_after_a_kill(bench: Bench) -> None:
    primary, standby = bench.primary, bench.standby
    assert "its data is never touched" in bench.run("resync", "--full", primary, "--yes", ok=(4,)).stderr
    spoil(bench, standby)
    kill_after(bench, "declare the secondary's whole copy", "resync", "--full", standby, "--yes", seconds=2)
    bench.run("resync", "--yes", timeout=900)
    assert fingerprint(bench, standby) == fingerprint(bench, primary)
    bench.await_health()
    assert "Both copies are equal" in bench.run("verify", timeout=900).stdout


# --- growing


def test_nothing_grows_until_both_disks_are_larger(bench: Bench) -> None:
    assert "Nothing to do: no disk is larger" in bench.run("grow", "--yes").stdout
    resize_disk(bench, "node1")
    refused = bench.run("grow", "--yes", ok=(4,)).stderr
    assert "node2: /dev/mapper/data has 1.00 GiB, all in use by DRBD" in refused
    resize_disk(bench, "node2")


def test_the_volume_grows_while_the_service_runs_and_a_killed_run_is_finished(bench: Bench) -> None:
    primary = bench.primary
    pid = bench.on(primary, "pgrep -o postgres")
    kill_after(bench, "growing DRBD's device", "grow", "--yes")
    bench.run("grow", "--yes", timeout=900)
    device = int(bench.on(primary, "blockdev --getsize64 /dev/drbd0"))
    used = int(bench.on(primary, "df --output=size -B1 /srv/pgdata | tail -1"))
    assert device > 1.99 * (1 << 30)
    assert used > 1.85 * (1 << 30)
    assert bench.on(primary, "pgrep -o postgres") == pid
    bench.await_health()
    assert "Nothing to do" in bench.run("grow", "--yes").stdout
    assert "Both copies are equal" in bench.run("verify", timeout=900).stdout


# --- fencing


def test_fencing_every_node_asks_first_and_refuses_without_an_answer(bench: Bench) -> None:
    before = boot_ids(bench)
    done = bench.run("fence-test", ok=(4,))
    assert "--yes" in done.stderr
    assert f"{bench.primary} serves: the service moves to {bench.standby}" in done.stdout
    assert boot_ids(bench) == before


def test_a_device_that_is_dead_is_found_before_anything_is_fenced(bench: Bench) -> None:
    before, standby = boot_ids(bench), bench.standby
    bench.lab("bmc", "off", standby)
    try:
        assert f"the device of {standby} does not answer" in bench.run("fence-test", "--yes", ok=(4,)).stderr
    finally:
        bench.lab("bmc", "on", standby)
    assert boot_ids(bench) == before
    bench.on(bench.primary, "crm_resource --cleanup")
    bench.await_health()


def test_every_node_is_fenced_and_comes_back_and_the_service_moves_once(bench: Bench) -> None:
    before, primary, standby = boot_ids(bench), bench.primary, bench.standby
    done = bench.run("fence-test", "--yes", "--json", timeout=1200)
    proven = [entry["node"] for entry in json.loads(done.stdout)["proven"]]
    assert (proven[0], proven[-1]) == (standby, primary)
    assert sorted(proven) == sorted(before)
    after = boot_ids(bench)
    assert all(after[name] != before[name] for name in before)
    assert bench.primary == standby
    found = bench.await_health()
    assert all(found["proofs"]["fenced"].values())
    assert found["leftover_constraints"] == []
    assert "Nothing to do" in bench.run("fence-test", "--older-than", "1", "--yes").stdout


@pytest.mark.parametrize("seconds", [0.5, 15])
def test_a_run_that_was_killed_is_gone_on_with(bench: Bench, seconds: float) -> None:
    begun = bench.on("node1", "date -u +%FT%TZ").strip()
    kill_after(bench, f"fencing {bench.standby}", "fence-test", "--yes", seconds=seconds)
    bench.run("fence-test", "--yes", timeout=1200)
    assert all(when >= begun for when in bench.status(ok=(0,))["proofs"]["fenced"].values())


def test_with_failover_the_node_that_serves_is_fenced_and_the_other_takes_over(bench: Bench) -> None:
    primary = bench.primary
    bench.on(bench.standby, f"crm_attribute --node {primary} --name pcmk-ha-fenced --delete")
    done = bench.run("fence-test", "--with-failover", "--older-than", "1", "--yes", timeout=900)
    assert f"{primary} serves: it is switched off while it does" in done.stdout
    assert bench.primary != primary
    bench.await_health()
