"""What is found about votes, and about the node that is to have, or to lose, the third one. Read-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lxml import etree

from pcmk_ha.desired.build import build_desired
from pcmk_ha.desired.names import PACEMAKER
from pcmk_ha.facts import corosync
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.change.applied import read_record
from pcmk_ha.operate.look.observe import SAVED_CIB
from pcmk_ha.operate.look.service import look_at_service
from pcmk_ha.operate.look.status import Status, gather, summarise
from pcmk_ha.operate.look.whole import is_whole, require_whole
from pcmk_ha.operate.session import Session, find_platform
from pcmk_ha.plan.arbiter import Seen, Sides
from pcmk_ha.remote.parallel import on_all
from pcmk_ha.remote.runner import Runner

NODES = ("cibadmin", "--query", "--scope", "nodes")


def both_sides(session: Session) -> Sides:
    """Return what the nodes should hold without and with the arbiter of the file."""
    platform = find_platform(session.nodes)
    two = build_desired(without_arbiter(session.cluster), session.secrets, platform)
    return Sides(two, build_desired(session.cluster, session.secrets, platform))


def without_arbiter(cluster: Cluster) -> Cluster:
    """Return the same cluster with its two data nodes alone."""
    return cluster.model_copy(update={"arbiter": None})


def data_nodes(session: Session) -> dict[str, Runner]:
    """Return the data nodes that answer."""
    return {node.name: session.nodes[node.name] for node in session.cluster.nodes if node.name in session.nodes}


def see(nodes: Mapping[str, Runner], cluster: Cluster, *, pacemaker_of_third: bool) -> Seen:
    """Ask every Corosync what it counts, and Pacemaker whom it knows; `cluster` is the one with the arbiter."""
    first = nodes[cluster.nodes[0].name]
    third = nodes.get(cluster.arbiter.name) if cluster.arbiter else None
    listed = first.run(NODES, ok=None)
    left = third is not None and not pacemaker_of_third and third.read(SAVED_CIB) is not None
    return Seen(
        counts=count_votes(nodes),
        online=frozenset(look_at_service(first, cluster).online),
        known=known_nodes(listed.stdout) if listed.status == 0 else frozenset(),
        left_cib=left,
        left_record=third is not None and read_record(third) is not None,
    )


def count_votes(nodes: Mapping[str, Runner]) -> dict[str, corosync.Quorum]:
    """Return what every running Corosync counts."""
    found = on_all(nodes, _count)
    return {name: count for name, count in found.items() if isinstance(count, corosync.Quorum)}


def _count(runner: Runner) -> corosync.Quorum | None:
    # A shell, for a node without Corosync has no such program.
    return corosync.parse_quorum(runner.run(("sh", "-c", " ".join(corosync.QUORUM)), ok=None, timeout=10).stdout)


def known_nodes(text: str) -> frozenset[str]:
    """Read the names in the nodes section of a CIB."""
    return frozenset(str(node.get("uname")) for node in etree.fromstring(text.encode()).iter("node"))


def is_pacemaker_active(runner: Runner) -> bool:
    """Whether systemd runs Pacemaker there."""
    return runner.run(("systemctl", "is-active", "-q", PACEMAKER), ok=None).status == 0


def look_at_two(session: Session) -> Status:
    """Look at the data nodes as a cluster of two votes; what becomes of the third is not said."""
    cluster = without_arbiter(session.cluster)
    nodes = data_nodes(session)
    down = {name: why for name, why in session.down.items() if name in [node.name for node in cluster.nodes]}
    return summarise(cluster, gather(cluster, nodes), down)


def look_at_three(session: Session) -> Status:
    """Look at all three as one cluster."""
    return summarise(session.cluster, gather(session.cluster, session.nodes), session.down)


def require_service(status: Status, third: str) -> None:
    """Raise Refused unless both data nodes serve as they should, whatever there is about the third."""
    about_others = tuple(event for event in status.fencings if event.target != third)
    judged = replace(status, fencings=about_others)
    if not is_whole(judged, failures_stay=True):
        require_whole(judged)
