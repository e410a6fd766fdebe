"""Our resource agents on two real nodes: every answer they give, every failure they meet. The order is the story."""

from __future__ import annotations

import time

import pytest
from conftest_lab import Bench
from test_apply import apply, change

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(900)]
DATA = "/srv/pgdata/17/main"


def serving(bench: Bench) -> str:
    return str(bench.status()["service"]["promoted_on"])


def agent(bench: Bench, node: str, name: str, action: str, **parameters: str) -> int:
    words = " ".join(f"OCF_RESKEY_{key}={value}" for key, value in parameters.items())
    script = (
        f"OCF_RESOURCE_INSTANCE=probe {words} /usr/lib/ocf/resource.d/pcmk-ha/{name} {action} >/dev/null 2>&1; echo $?"
    )
    return int(bench.on(node, script).split()[-1])


def drill(bench: Bench, name: str) -> float:
    """Play a drill, which must pass, and return its outage."""
    done = bench.run("drill", "run", name, timeout=500)
    line = next(line for line in done.stdout.splitlines() if line.startswith("outage"))
    return float(line.split()[1])


def test_a_cluster_of_our_own_agents_serves(trixie: Bench) -> None:
    trixie.run("bootstrap", "--yes", timeout=500)
    assert "ocf:pcmk-ha:postgresql" in trixie.on("node1", "crm_resource --list")


def test_monitors_tell_the_side_that_serves_from_the_one_that_waits(trixie: Bench) -> None:
    active = serving(trixie)
    for node, codes in ((active, (8, 0, 0, 0)), ({"node1": "node2", "node2": "node1"}[active], (0, 7, 7, 7))):
        found = (
            agent(trixie, node, "drbd", "monitor", drbd_resource="pgdata"),
            agent(trixie, node, "filesystem", "monitor", device="/dev/drbd0", directory="/srv/pgdata", fstype="ext4"),
            agent(trixie, node, "postgresql", "monitor", pgdata=DATA, bindir="/usr/lib/postgresql/17/bin"),
            agent(trixie, node, "vip", "monitor", ip="10.77.0.100"),
        )
        assert found == codes


@pytest.mark.parametrize(
    "name", ["postgresql-killed", "switchover", "primary-power-loss", "primary-frozen-20s", "standby-power-loss"]
)
def test_drills_pass(trixie: Bench, name: str) -> None:
    drill(trixie, name)


def test_a_backup_that_was_not_recovered_is_refused_with_its_reason(trixie: Bench) -> None:
    active = serving(trixie)
    trixie.on(active, f"touch {DATA}/backup_label && kill -9 $(head -1 {DATA}/postmaster.pid)")
    for _try in range(60):
        seen = trixie.on("node1", "crm_mon --one-shot --show-detail 2>&1; true")
        if "backup_label" in seen:
            break
        time.sleep(1)
    assert "backup_label" in seen
    trixie.on(active, f"test -e {DATA}/backup_label")
    trixie.on(active, f"rm {DATA}/backup_label; crm_resource --cleanup --resource pg_server")
    trixie.on(active, "crm_resource --wait --timeout=120s")
    assert serving(trixie)


def test_a_cluster_that_serves_gets_the_packaged_agents_and_ours_again(trixie: Bench) -> None:
    for kind, name in (("packaged", "ocf:heartbeat:pgsql"), ("own", "ocf:pcmk-ha:postgresql")):
        change(trixie, agents=kind)
        assert "--allow-outage agrees" in trixie.run("apply", "--yes", ok=(4,)).stderr
        began = time.monotonic()
        apply(trixie, "--allow-outage")
        assert time.monotonic() - began < 80, "a demotion waited for its time-out"
        assert name in trixie.on("node1", "crm_resource --list")
        assert "Failed" not in trixie.on("node1", "crm_mon --one-shot")
