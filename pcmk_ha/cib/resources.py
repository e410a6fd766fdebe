"""The service: DRBD, file system, PostgreSQL and VIP, and what ties them together."""

from __future__ import annotations

from collections.abc import Iterator

from pcmk_ha.cib.agents import Agent, choose_agents
from pcmk_ha.cib.elements import Element, Op, avoid, clone, colocation, group, order, order_if_both, primitive
from pcmk_ha.cib.names import FILESYSTEM, GROUP, SERVER, VIP
from pcmk_ha.model.cluster import Cluster

__all__ = ("FILESYSTEM", "GROUP", "SERVER", "VIP", "constraints", "resources")


def resources(cluster: Cluster, version: int, data: str) -> Iterator[Element]:
    """Yield the service's resources; op timeouts are never below the agents' own metadata."""
    agents = choose_agents(cluster, version, data)
    yield clone(
        _drbd(cluster, agents.drbd),
        {
            "promotable": "true", "promoted-max": 1, "promoted-node-max": 1, "clone-max": 2, "clone-node-max": 1,
            "interleave": "true", "notify": "false",
        },
    )  # fmt: skip
    mounted = (Op("start", 60), Op("stop", 60), Op("monitor", 40, 20))
    serving = (
        Op("start", cluster.timeouts.start_s),
        Op("stop", cluster.timeouts.stop_s),
        Op("monitor", 30, agents.look_at_server_s),
    )
    yield group(GROUP, (_primitive(FILESYSTEM, agents.filesystem, mounted), _primitive(SERVER, agents.server, serving)))
    yield _primitive(VIP, agents.vip, (Op("start", 20), Op("stop", 20), Op("monitor", 20, 10)))


def _drbd(cluster: Cluster, agent: Agent) -> Element:
    return primitive(
        cluster.drbd_id,
        agent.name,
        parameters=agent.parameters,
        # What priority-fencing-delay looks at: the node with the promoted instance is worth more.
        meta={"priority": 10},
        ops=(
            Op("start", 240),
            Op("promote", cluster.timeouts.promote_s),
            Op("demote", 90),
            Op("stop", 100),
            Op("monitor", 30, 10, role="Promoted"),
            Op("monitor", 30, 20, role="Unpromoted"),
        ),
    )


def _primitive(ident: str, agent: Agent, ops: tuple[Op, ...]) -> Element:
    return primitive(ident, agent.name, parameters=agent.parameters, ops=ops)


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
    yield order_if_both(f"{SERVER}-stops-before-{VIP}", SERVER, "stop", VIP, "stop")
    if cluster.arbiter:
        for resource in (drbd, GROUP, VIP):
            name = cluster.arbiter.name
            yield avoid(f"{resource}-not-on-{name}", resource, name, never_probe=True)
