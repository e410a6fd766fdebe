"""The standby that an update sets, with Pacemaker's real tools and scheduler on a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.on_file import OnFile

from pcmk_ha.facts.aside import parse_aside, parse_node_id, release, set_aside
from pcmk_ha.facts.records import NODES
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.look.standing import look_closely
from pcmk_ha.operate.moves.foresee import foresee_change
from pcmk_ha.operate.moves.mover import Mover
from pcmk_ha.operate.moves.placement import set_standby
from pcmk_ha.plan.moves import SetStandby


@pytest.fixture
def cluster(minimal: Cluster, tmp_path: Path) -> OnFile:
    """Two good copies; node1 or node2 serves."""
    return OnFile.started(minimal, tmp_path)


def other(cluster: OnFile) -> str:
    return next(node for node in ("node1", "node2") if node != cluster.service.promoted_on)


def ours(cluster: OnFile, node: str) -> tuple[str, ...]:
    return set_aside(node, parse_node_id(cluster.tool(*NODES), node))


def standing(cluster: OnFile) -> frozenset[str]:
    return look_closely(cluster.members()).standby


def test_a_node_is_emptied_by_one_write_and_comes_back_by_one_and_the_service_stays(cluster: OnFile) -> None:
    serves, node = cluster.service.promoted_on, other(cluster)
    runner = cluster.members().nodes[serves]
    foreseen = foresee_change(runner, cluster.simulated.cluster, *ours(cluster, node))
    assert foreseen.after.promoted_on == serves
    assert foreseen.after.unpromoted_on == ()
    cluster.tool(*ours(cluster, node))
    assert standing(cluster) == {node}
    assert (cluster.service.promoted_on, cluster.service.unpromoted_on) == (serves, ())
    assert parse_aside(cluster.tool(*NODES)) == {node}
    cluster.tool(*release(node))
    assert (standing(cluster), parse_aside(cluster.tool(*NODES))) == (frozenset(), frozenset())
    assert cluster.service.unpromoted_on == (node,)


def test_it_counts_where_somebody_once_took_a_node_back_by_setting_its_attribute_to_off(cluster: OnFile) -> None:
    node = other(cluster)
    cluster.tool("crm_attribute", "--node", node, "--name", "standby", "--update", "off")
    cluster.tool(*ours(cluster, node))
    assert standing(cluster) == {node}
    cluster.tool(*release(node))
    assert standing(cluster) == frozenset()


def test_an_administrators_standby_stays_when_ours_ends(cluster: OnFile) -> None:
    node = other(cluster)
    cluster.tool(*set_standby(node, on=True))
    assert parse_aside(cluster.tool(*NODES)) == frozenset()
    cluster.tool(*ours(cluster, node))
    cluster.tool(*release(node))
    assert standing(cluster) == {node}


def test_unstandby_takes_a_node_back_from_an_update(cluster: OnFile) -> None:
    node = other(cluster)
    cluster.tool(*ours(cluster, node))
    members = cluster.members()
    Mover(members.cluster, members.nodes)(SetStandby(node, on=False))
    assert standing(cluster) == frozenset()
    Mover(members.cluster, members.nodes)(SetStandby(node, on=False))


def test_status_says_that_a_node_is_being_updated_and_what_ends_that(cluster: OnFile) -> None:
    node = other(cluster)
    cluster.tool(*ours(cluster, node))
    found = {finding.what: finding.todo for finding in look_closely(cluster.members()).status.findings}
    assert "`pcmk-ha update`" in found[f"{node} is being updated: it runs nothing, and cannot take over"]
