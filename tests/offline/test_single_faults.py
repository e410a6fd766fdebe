"""Every single fault, through Pacemaker's own scheduler: the service ends on one node, or for a reason on none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.files import ARBITER, MINIMAL
from support.simulated import Simulated

from pcmk_ha.cib.build import build_cib
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.load import load_cluster_text
from pcmk_ha.model.platform import DEBIAN_12
from pcmk_ha.operate.secrets import placeholder_secrets

CLUSTERS = {"two votes": MINIMAL, "three votes": MINIMAL + ARBITER}


@pytest.fixture(params=CLUSTERS)
def cluster(request: pytest.FixtureRequest) -> Cluster:
    return load_cluster_text(CLUSTERS[request.param])


@pytest.fixture
def running(cluster: Cluster, tmp_path: Path) -> Simulated:
    cib = build_cib(cluster, placeholder_secrets(cluster), DEBIAN_12)
    return Simulated.started(cib, cluster, tmp_path / "cib.xml")


def other(node: str) -> str:
    return {"node1": "node2", "node2": "node1"}[node]


def test_everything_starts_on_one_node(running: Simulated) -> None:
    service = running.service
    assert service.is_serving
    assert service.unpromoted_on == (other(service.promoted_on),)


def test_a_lost_primary_is_fenced_before_anything_is_promoted(running: Simulated) -> None:
    lost = running.service.promoted_on
    running.inject("--node-fail", lost)
    text = running.transition
    fencing = re.search(rf"Fencing {lost} \(reboot\)", text)
    promotion = re.search(rf"drbd_pgdata +promote on {other(lost)}", text)
    assert fencing is not None
    assert promotion is not None
    assert fencing.start() < promotion.start()
    assert running.service.is_up
    assert running.service.promoted_on == other(lost)


def test_the_vip_and_the_file_system_start_after_the_promotion(running: Simulated) -> None:
    lost = running.service.promoted_on
    running.inject("--node-fail", lost)
    steps = [m[1] for m in re.finditer(r"Resource action: +(\S+ +\w+) on", running.transition)]
    place = {" ".join(step.split()): number for number, step in enumerate(steps)}
    assert place["drbd_pgdata promote"] < place["pg_fs start"] < place["pg_server start"]
    assert place["drbd_pgdata promote"] < place["pg_vip start"]


def test_a_lost_standby_moves_nothing(running: Simulated) -> None:
    before = running.service.promoted_on
    running.inject("--node-fail", other(before))
    assert running.service.is_up
    assert running.service.promoted_on == before


def test_a_returning_node_moves_nothing(running: Simulated) -> None:
    lost = running.service.promoted_on
    running.inject("--node-fail", lost)
    running.inject("--node-up", lost)
    running.score(lost, "10000")
    running.settle()
    assert running.service.promoted_on == other(lost)
    assert running.service.unpromoted_on == (lost,)


@pytest.mark.parametrize(
    ("resource", "interval", "code"), [("pg_fs", 20000, 7), ("pg_server", 1000, 7), ("pg_vip", 10000, 7)]
)
def test_a_resource_that_dies_is_started_again_in_place(
    running: Simulated, resource: str, interval: int, code: int
) -> None:
    node = running.service.promoted_on
    running.inject("--op-inject", f"{resource}_monitor_{interval}@{node}={code}")
    running.settle()
    assert running.service.is_up
    assert running.service.promoted_on == node


@pytest.mark.parametrize("resource", ["pg_fs", "pg_server", "pg_vip"])
def test_what_cannot_start_here_starts_there(running: Simulated, resource: str) -> None:
    node = running.service.promoted_on
    running.fail_often(resource, node)
    running.settle()
    assert running.service.is_up
    assert running.service.promoted_on == other(node)


@pytest.mark.parametrize("resource", ["pg_fs", "pg_server", "pg_vip"])
def test_a_stop_that_fails_ends_in_fencing_and_the_service_elsewhere(running: Simulated, resource: str) -> None:
    node = running.service.promoted_on
    running.standby(node)
    running.inject("--op-fail", f"{resource}_stop_0@{node}=1")
    running.settle()
    assert running.service.is_up
    assert running.service.promoted_on == other(node)


def test_a_node_on_standby_hands_the_service_over(running: Simulated) -> None:
    node = running.service.promoted_on
    running.standby(node)
    running.settle()
    assert running.service.is_up
    assert running.service.promoted_on == other(node)


def test_nothing_is_promoted_where_the_fence_handler_forbids_it(running: Simulated) -> None:
    """The reason stated: the other side's data is older than the lost primary's."""
    lost = running.service.promoted_on
    running.configure(
        "constraints",
        '<rsc_location rsc="drbd_pgdata-clone" id="drbd-fence-by-handler-pgdata-drbd_pgdata-clone">'
        '<rule role="Promoted" score="-INFINITY" id="r">'
        f'<expression attribute="#uname" operation="ne" value="{lost}" id="e"/></rule></rsc_location>',
    )
    running.inject("--node-fail", lost)
    assert running.service.promoted_on == ""
    assert running.service.database_on == ""


def test_without_quorum_everything_stops(running: Simulated) -> None:
    running.lose_quorum()
    running.inject()
    assert not running.service.is_up
    assert running.service.promoted_on == ""


def test_maintenance_mode_moves_nothing(running: Simulated) -> None:
    node = running.service.promoted_on
    running.configure(
        "crm_config",
        '<cluster_property_set id="cib-bootstrap-options">'
        '<nvpair id="m" name="maintenance-mode" value="true"/></cluster_property_set>',
    )
    running.inject("--op-inject", f"pg_server_monitor_1000@{node}=7")
    assert "pg_server       start" not in running.transition
    assert running.service.promoted_on == node


def test_the_arbiter_runs_nothing_of_the_service_and_its_loss_moves_nothing(tmp_path: Path) -> None:
    cluster = load_cluster_text(CLUSTERS["three votes"])
    running = Simulated.started(
        build_cib(cluster, placeholder_secrets(cluster), DEBIAN_12), cluster, tmp_path / "c.xml"
    )
    before = running.service
    assert "arbiter" not in (before.promoted_on, *before.unpromoted_on, before.database_on, before.vip_on)
    running.inject("--node-fail", "arbiter")
    assert running.service.is_up
    assert running.service.promoted_on == before.promoted_on


def test_losing_both_data_nodes_leaves_nothing_running(running: Simulated) -> None:
    running.inject("--node-fail", "node1", "--node-fail", "node2")
    assert not running.service.is_up
