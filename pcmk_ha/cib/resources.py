"""The service: DRBD, file system, PostgreSQL and VIP, and what ties them together."""

from __future__ import annotations

from collections.abc import Iterator

from pcmk_ha.cib import own, packaged
from pcmk_ha.cib.elements import Element, avoid, clone, colocation, group, order, stop_last
from pcmk_ha.cib.names import FILESYSTEM, GROUP, SERVER, VIP
from pcmk_ha.model.cluster import Cluster

__all__ = ("FILESYSTEM", "GROUP", "SERVER", "VIP", "constraints", "resources")


def resources(cluster: Cluster, version: int, data: str) -> Iterator[Element]:
    """Yield the service's resources; op timeouts are never below the agents' own metadata."""
    agents = own if cluster.agents == "own" else packaged
    yield clone(
        agents.drbd(cluster),
        {
            "promotable": "true", "promoted-max": 1, "promoted-node-max": 1, "clone-max": 2, "clone-node-max": 1,
            "interleave": "true", "notify": "false",
        },
    )  # fmt: skip
    yield group(GROUP, (agents.filesystem(cluster), agents.server(cluster, version, data)))
    yield agents.vip(cluster)


def constraints(cluster: Cluster) -> Iterator[Element]:
    """Yield where and in which order: everything on the promoted side, the VIP without waiting for PostgreSQL."""
    drbd = f"{cluster.drbd_id}-clone"
    yield colocation(f"{GROUP}-with-{drbd}", GROUP, drbd, with_role="Promoted")
    yield order(f"{drbd}-then-{GROUP}", drbd, "promote", GROUP)
    yield colocation(f"{VIP}-with-{GROUP}", VIP, GROUP)
    # Said of the promoted side itself, too: a node on which the address cannot start then loses the promotion. What
    # depends on a dependent has no say in it, and the service would stay where no client reaches it.
    yield colocation(f"{VIP}-with-{drbd}", VIP, drbd, with_role="Promoted")
    # With the address up early, clients are refused at once and try again, instead of waiting for silence.
    yield order(f"{drbd}-then-{VIP}", drbd, "promote", VIP)
    # Without the address PostgreSQL waits, for authentication_timeout, for whoever was just about to say who he is.
    yield stop_last(f"{SERVER}-stops-before-{VIP}", SERVER, VIP)
    if cluster.arbiter:
        for resource in (drbd, GROUP, VIP):
            name = cluster.arbiter.name
            yield avoid(f"{resource}-not-on-{name}", resource, name, never_probe=True)
