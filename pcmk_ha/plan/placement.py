"""Which steps bring the service, or a node, where it should be. Everything follows from what was found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pcmk_ha.model.cluster import Cluster
from pcmk_ha.plan.moves import (
    AwaitCopies,
    AwaitEmpty,
    AwaitJoined,
    AwaitServedBy,
    AwaitSettled,
    Checkpoint,
    Forget,
    Move,
    Prefer,
    SetProperty,
    SetStandby,
)

MAINTENANCE = "maintenance-mode"


@dataclass(frozen=True)
class Placement:
    """Where things are, as found in one look."""

    serves: str  # empty: nobody
    preferred: str = ""  # by our constraint; empty: there is none
    standby: frozenset[str] = frozenset()  # nodes with the attribute
    online: frozenset[str] = frozenset()
    maintenance: bool = False


def other_data_node(cluster: Cluster, node: str) -> str:
    """Return the data node that is not this one."""
    return next(other.name for other in cluster.nodes if other.name != node)


def find_target(cluster: Cluster, found: Placement, wanted: str) -> str:
    """Return where a switchover goes: as told, where a run that was killed was going, or to the other side.

    Without a name a second run finishes the first, and never moves the service back.
    """
    return wanted or found.preferred or other_data_node(cluster, found.serves)


def plan_switchover(found: Placement, target: str) -> tuple[Move, ...]:
    """From what was found to a service on the target, with no constraint of ours left; empty when that is so."""
    return tuple(_switchover(found, target))


def _switchover(found: Placement, target: str) -> Iterator[Move]:
    if found.preferred:  # of a run that was killed
        yield Forget(found.preferred)
    if found.serves == target:
        return
    yield Checkpoint(found.serves)
    yield Prefer(target)
    yield AwaitServedBy(target)
    yield Forget(target)
    yield AwaitServedBy(target)  # it stays where it is without the constraint


def plan_standby(cluster: Cluster, found: Placement, node: str) -> tuple[Move, ...]:
    """From what was found to a node that runs nothing; a service that is there leaves first, by a switchover."""
    return tuple(_standby(cluster, found, node))


def _standby(cluster: Cluster, found: Placement, node: str) -> Iterator[Move]:
    if found.serves == node and node not in found.standby:
        yield from _switchover(found, other_data_node(cluster, node))
    elif found.preferred:
        yield Forget(found.preferred)
    if node not in found.standby:
        yield SetStandby(node, on=True)
    yield AwaitEmpty(node)


def plan_unstandby(cluster: Cluster, found: Placement, node: str) -> tuple[Move, ...]:
    """From what was found to a node that takes part again, with a good copy if it holds data."""
    data_nodes = {data_node.name for data_node in cluster.nodes}
    done: list[Move] = []
    if node in found.standby:
        done.append(SetStandby(node, on=False))
    done.append(AwaitJoined(node))
    others = data_nodes - {node}
    if node in data_nodes and others <= found.online - found.standby:
        done.append(AwaitCopies())
    return tuple(done)


def plan_maintenance(found: Placement, *, on: bool) -> tuple[Move, ...]:
    """From what was found to a cluster that Pacemaker leaves alone, or takes care of again."""
    if found.maintenance == on:
        return ()
    if on:
        return (AwaitSettled(), SetProperty(MAINTENANCE, "true"), AwaitSettled())
    return (SetProperty(MAINTENANCE, ""), AwaitSettled())
