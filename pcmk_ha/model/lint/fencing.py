"""Fence devices: every member has one, and no secret of it stands in the file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from pcmk_ha.errors import Problem
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.document import Path
from pcmk_ha.model.lint.finding import Finding, Rule, members_of
from pcmk_ha.model.parts import Fence, Node
from pcmk_ha.model.secret import EnvSecret, FileSecret, is_secret_name

# What each agent cannot do without (their metadata); `plug` defaults to the node's name where it names one.
REQUIRED = {
    "fence_ipmilan": ("ip",),
    "fence_redfish": ("ip", "systems_uri"),
    "fence_virsh": ("ip", "username"),
    "fence_vbox": ("ip", "username"),
    "fence_pve": ("ip", "username"),
    "fence_vmware_rest": ("ip", "username"),
}


def _devices(cluster: Cluster) -> Iterator[tuple[Path, Node, Fence]]:
    for place, node in members_of(cluster):
        for index, fence in enumerate(node.fence_devices):
            where = (*place, "fence", index) if isinstance(node.fence, tuple) else (*place, "fence")
            yield where, node, fence


def _missing_devices(cluster: Cluster) -> Iterator[Finding]:
    for place, node in members_of(cluster):
        if not node.fence_devices:
            yield (
                (*place, "fence"),
                Problem(f"{node.name} has no fence device", "STONITH is not optional here"),
            )


def _same_devices(cluster: Cluster) -> Iterator[Finding]:
    owner: dict[tuple[str, str, str], str] = {}
    levels: dict[tuple[str, int], int] = defaultdict(int)
    for place, node, fence in _devices(cluster):
        given = {**cluster.stonith.parameters, **fence.parameters}
        agent = fence.agent or cluster.stonith.agent
        plug = given.get(
            "plug", given.get("port", node.name if agent not in ("fence_ipmilan", "fence_redfish") else "")
        )
        key = (
            agent,
            f"{given.get('ip')}:{given.get('ipport', '')}",
            str(plug) + str(given.get("systems_uri", "")),
        )
        if key in owner and given.get("ip") is not None:
            whom = f"{node.name} has it twice" if owner[key] == node.name else f"{owner[key]} has it already"
            yield place, Problem(f"two devices for one target: {agent} at {key[1].rstrip(':')}: {whom}")
        owner.setdefault(key, node.name)
        levels[node.name, fence.level] += 1


def _required_parameters(cluster: Cluster) -> Iterator[Finding]:
    for place, node, fence in _devices(cluster):
        agent = fence.agent or cluster.stonith.agent
        given = {**cluster.stonith.parameters, **fence.parameters}
        for name in REQUIRED.get(agent, ()):
            if name not in given:
                yield (
                    place,
                    Problem(f"{node.name}: {agent} needs `{name}`", f"{agent} -o metadata lists them all"),
                )
        for name in given:
            if name.startswith("pcmk_"):
                yield (
                    (*place, name),
                    Problem(f"{name} is set by pcmk-ha", "use delay_s, level and stonith.action"),
                )


def _plain_secrets(cluster: Cluster) -> Iterator[Finding]:
    sources: list[tuple[Path, dict[str, object]]] = [(("stonith", "parameters"), dict(cluster.stonith.parameters))]
    sources += [(place, dict(fence.parameters)) for place, _node, fence in _devices(cluster)]
    for place, values in sources:
        for name, value in values.items():
            if is_secret_name(name) and not isinstance(value, EnvSecret | FileSecret):
                yield (
                    (*place, name),
                    Problem(
                        f"{name} stands in the file in plain text",
                        f"{name}: {{env: NAME}} or {name}: {{file: PATH}}",
                    ),
                )


RULES: tuple[Rule, ...] = (
    _missing_devices,
    _same_devices,
    _required_parameters,
    _plain_secrets,
)
