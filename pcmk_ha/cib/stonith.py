"""STONITH devices: one for each node that can be switched off, kept off its own target."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from pcmk_ha.cib.elements import Element, Op, avoid, keep_away, order_if_both, primitive
from pcmk_ha.cib.names import HEAD_START, HEAD_START_AGENT
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.parts import Fence, Node
from pcmk_ha.model.scalars import Scalar
from pcmk_ha.model.secret import Secrets

# What an agent needs beyond address and login, unless the cluster file says otherwise.
# ipmilan: IPMI 2.0; 1.5 sends the password nearly in clear. redfish, pve, vmware: their certificates are
# self-signed as delivered, verification is the administrator's choice (`ssl_insecure: 0`).
DEFAULTS: dict[str, dict[str, Scalar]] = {
    "fence_ipmilan": {"lanplus": 1},
    "fence_redfish": {"ssl": 1, "ssl_insecure": 1},
    "fence_pve": {"ssl_insecure": 1},
    "fence_vmware_rest": {"ssl": 1, "ssl_insecure": 1},
    "fence_virsh": {},
    "fence_vbox": {},
}
# Agents whose device switches many machines: they must be told which one. Default: named as the node is.
NEEDS_PLUG = ("fence_virsh", "fence_vbox", "fence_vmware_rest", "fence_pve")


def device_id(node: Node, index: int) -> str:
    """Return `fence_<node>`, numbered from the second device of a node on."""
    return f"fence_{node.name}" if index == 0 else f"fence_{node.name}_{index + 1}"


def devices(cluster: Cluster, secrets: Secrets) -> Iterator[Element]:
    """Yield every device as a primitive."""
    for node in cluster.members:
        for index, fence in enumerate(node.fence_devices):
            yield primitive(
                device_id(node, index),
                f"stonith:{agent_of(cluster, fence)}",
                parameters=_for_pacemaker(cluster, node, fence) | device_parameters(cluster, secrets, node, index),
                ops=(
                    Op("start", cluster.stonith.timeout_s),
                    Op("monitor", cluster.stonith.timeout_s, cluster.stonith.monitor_s),
                ),
            )
    if cluster.asks_before_head_start:
        yield _head_start(cluster)


def _head_start(cluster: Cluster) -> Element:
    """Return the device of the first level: it asks whether the target is off, and else gives the Primary a head start.

    It may run on both nodes: neither is asked to have itself fenced.
    """
    parameters: dict[str, str | int] = {
        "pcmk_host_list": " ".join(node.name for node in cluster.nodes),
        "pcmk_host_check": "static-list",
        "pcmk_reboot_retries": 1,  # once is all: a second try would wait for the head start again
        "pcmk_off_retries": 1,
        "drbd_resource": cluster.drbd.resource,
        "minor": cluster.drbd.minor,
        "head_start": cluster.fencing_delay_s,
    }
    if cluster.stonith.action == "off":
        parameters["pcmk_reboot_action"] = "off"
    ops = (Op("start", 20), Op("monitor", 20, cluster.stonith.monitor_s))
    return primitive(HEAD_START, f"stonith:{HEAD_START_AGENT}", parameters=parameters, ops=ops)


def agent_of(cluster: Cluster, fence: Fence) -> str:
    """Return the fence agent of a device."""
    return fence.agent or cluster.stonith.agent


def device_parameters(cluster: Cluster, secrets: Secrets, node: Node, index: int) -> dict[str, str]:
    """Return what the agent itself is given, secrets resolved; never to be printed."""
    fence = node.fence_devices[index]
    agent = agent_of(cluster, fence)
    plug: dict[str, Scalar] = {"plug": node.name} if agent in NEEDS_PLUG else {}
    given = {**DEFAULTS.get(agent, {}), **plug, **cluster.stonith.parameters, **fence.parameters}
    return {name: _value(secrets, (node.name, index, name), value) for name, value in given.items()}


def _value(secrets: Secrets, key: tuple[str, int, str], value: object) -> str:
    if key in secrets.fence:
        return secrets.fence[key]
    return str(int(value)) if isinstance(value, bool) else str(value)


def _for_pacemaker(cluster: Cluster, node: Node, fence: Fence) -> dict[str, str]:
    """Return the fencer's own parameters of a device."""
    values = {"pcmk_host_list": node.name, "pcmk_host_check": "static-list"}
    if fence.delay_s:  # a bare 0 is logged as an empty value by Pacemaker 3
        values["pcmk_delay_base"] = f"{fence.delay_s}s"
    if cluster.stonith.action == "off":
        values["pcmk_reboot_action"] = "off"
    return values


def locations(cluster: Cluster) -> Iterator[Element]:
    """Yield what keeps each device off its target: a node that hangs cannot watch its own device."""
    for node in cluster.members:
        for index, _fence in enumerate(node.fence_devices):
            ident = device_id(node, index)
            yield avoid(f"{ident}-not-on-{node.name}", ident, node.name)


def beside_the_service(cluster: Cluster) -> Iterator[Element]:
    """Yield what has the device of the first level run where it will be needed: nothing starts it in a failover.

    It keeps away from the Promoted node as long as there is another (finite, and more than its stickiness), and when
    the service moves, the device starts after the promotion. The fencer has it on both nodes, wherever it runs.
    """
    if cluster.asks_before_head_start:
        drbd = f"{cluster.drbd_id}-clone"
        score = 2 * cluster.properties.resource_stickiness + 1
        yield keep_away(f"{HEAD_START}-away-from-{drbd}", HEAD_START, drbd, with_role="Promoted", score=score)
        yield order_if_both(f"{drbd}-then-{HEAD_START}", drbd, "promote", HEAD_START, "start")


def topology(cluster: Cluster) -> Element | None:
    """Return fencing levels, where a node has more than one."""
    found = etree.Element("fencing-topology")
    for node in cluster.members:
        levels: dict[int, list[str]] = {}
        if cluster.asks_before_head_start:
            levels = {1: [HEAD_START], 2: [device_id(node, 0)]}
        elif len(node.fence_devices) > 1:
            for index, fence in enumerate(node.fence_devices):
                levels.setdefault(fence.level, []).append(device_id(node, index))
        for level, names in sorted(levels.items()):
            ident = f"fencing-{node.name}-{level}"
            attributes = {"id": ident, "target": node.name, "index": str(level), "devices": ",".join(names)}
            etree.SubElement(found, "fencing-level", attributes)
    return found if len(found) else None
