"""A move, a stop and a start are planned from what is found, and finished from where they are."""

from __future__ import annotations

from dataclasses import replace

from pcmk_ha.desired.names import COROSYNC, PACEMAKER
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.plan.halt import Running, plan_start, plan_stop
from pcmk_ha.plan.moves import (
    AwaitServedBy,
    AwaitService,
    AwaitVolume,
    CheckFiles,
    Checkpoint,
    Forget,
    Hold,
    Prefer,
    Release,
    SetProperty,
    StartMembers,
    StopUnit,
)
from pcmk_ha.plan.placement import Placement, find_target, plan_standby, plan_switchover

BOTH = frozenset((COROSYNC, PACEMAKER))


def test_a_switchover_is_planned_from_what_is_found(minimal: Cluster) -> None:
    assert plan_switchover(Placement("node1"), "node2") == (
        Checkpoint("node1"), Prefer("node2"), AwaitServedBy("node2"), Forget("node2"), AwaitServedBy("node2"),
    )  # fmt: skip
    assert plan_switchover(Placement("node2"), "node2") == ()
    assert plan_switchover(Placement("node2", preferred="node2"), "node2") == (Forget("node2"),)
    assert find_target(minimal, Placement("node1"), "") == "node2"
    assert find_target(minimal, Placement("node2", preferred="node2"), "") == "node2"
    assert find_target(minimal, Placement("node2", preferred="node2"), "node1") == "node1"


def test_a_node_in_standby_is_only_waited_for(minimal: Cluster) -> None:
    found = Placement("node1", standby=frozenset({"node1"}))
    assert [str(move) for move in plan_standby(minimal, found, "node1")] == ["node1 runs nothing of the service"]


def test_no_corosync_is_stopped_before_every_resource_is() -> None:
    plan = plan_stop(Running({"node1": BOTH, "node2": BOTH}, stop_all=False, serves="node1", is_serving=True))
    assert [str(move) for move in plan] == [
        "CHECKPOINT on node1", "set stop-all-resources=true", "PostgreSQL, file system, VIP and DRBD are stopped",
        "both disks are UpToDate, and neither is Primary", "stop pacemaker.service on node1, node2",
        "stop corosync.service on node1, node2",
    ]  # fmt: skip


def test_a_half_stopped_cluster_is_stopped_from_where_it_is() -> None:
    one_left = Running({"node1": frozenset({COROSYNC}), "node2": BOTH}, stop_all=True)
    assert plan_stop(one_left)[-2:] == (StopUnit(PACEMAKER, ("node2",)), StopUnit(COROSYNC, ("node1", "node2")))
    assert plan_stop(Running({"node1": frozenset({COROSYNC})})) == (StopUnit(COROSYNC, ("node1",)),)
    assert plan_stop(Running({"node1": frozenset()})) == ()


def test_a_start_clears_what_a_stop_set_also_where_nobody_could_be_asked() -> None:
    stopped = Running({"node1": frozenset(), "node2": frozenset()})
    assert plan_start(stopped)[0] == StartMembers(("node1", "node2"))
    assert plan_start(stopped)[-5:-3] == (SetProperty("stop-all-resources", ""), AwaitVolume())
    half = Running({"node1": BOTH, "node2": frozenset({COROSYNC})}, stop_all=False, is_serving=True)
    assert plan_start(half)[0] == StartMembers(("node2",))
    assert plan_start(Running({"node1": BOTH}, stop_all=False, is_serving=True)) == ()


def test_a_start_looks_at_the_data_directory_before_postgresql_may_run() -> None:
    stopped = Running({"node1": BOTH, "node2": BOTH}, stop_all=True)
    clear = SetProperty("stop-all-resources", "")
    assert plan_start(stopped) == (Hold(), clear, AwaitVolume(), CheckFiles(), Release(), AwaitService())
    killed = replace(stopped, stop_all=False, held=True)
    assert plan_start(killed) == (AwaitVolume(), CheckFiles(), Release(), AwaitService())
