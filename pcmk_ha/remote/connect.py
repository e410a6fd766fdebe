"""Connections to every member of a cluster, opened side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pcmk_ha.errors import NodeUnreachable
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.parts import Node
from pcmk_ha.remote.log import CommandLog
from pcmk_ha.remote.runner import Runner

AskHostKey = Callable[[str, str], bool]  # host, fingerprint -> trust it


def never(_host: str, _fingerprint: str) -> bool:
    """Trust no key that is not known."""
    return False


@dataclass(frozen=True)
class Unreachable:
    """A member that does not answer, and why."""

    node: str
    reason: str


@dataclass(frozen=True)
class Nodes:
    """The members that answer, and those that do not."""

    runners: Mapping[str, Runner]
    down: Mapping[str, Unreachable]


@contextmanager
def open_nodes(
    cluster: Cluster, *, ask: AskHostKey = never, log: Path | None = None, timeout_s: float = 5,
    ask_changed: Mapping[str, AskHostKey] = MappingProxyType({}),
) -> Iterator[Nodes]:  # fmt: skip
    """Connect to every member at once; the connections end with the block.

    `timeout_s` bounds the wait for a member that does not answer. A host key that is not known is refused,
    with its fingerprint in the reason, unless `ask`, told host and fingerprint, says yes. A key that is another one
    than before is refused for every node but those in `ask_changed`, where that is asked.
    """
    from pcmk_ha.remote.ssh import SshRunner, open_ssh

    config = ssh_config_of(cluster)
    commands = CommandLog(log)

    def connect(node: Node) -> SshRunner | Unreachable:
        try:
            return open_ssh(
                node.name,
                host_of(cluster, node),
                ssh_config=config,
                ask=ask,
                log=commands,
                timeout_s=timeout_s,
                ask_changed=ask_changed.get(node.name),
            )
        except NodeUnreachable as error:
            reason = str(error).removeprefix(f"{node.name}: ")
            return Unreachable(node.name, f"{reason}; {error.hint}" if error.hint else reason)

    with ThreadPoolExecutor(len(cluster.members)) as pool:
        found = list(pool.map(connect, cluster.members))
    runners = {runner.node: runner for runner in found if not isinstance(runner, Unreachable)}
    try:
        yield Nodes(runners, {gone.node: gone for gone in found if isinstance(gone, Unreachable)})
    finally:
        for runner in runners.values():
            runner.close()


def host_of(cluster: Cluster, node: Node) -> str:
    """Return what ssh(1) calls a node, with the ssh_config of `ssh_config_of`."""
    return node.name if cluster.lab else node.ssh or str(node.address)


def open_node(cluster: Cluster, node: Node, *, timeout_s: float = 5) -> Runner:
    """Connect to one node; the caller closes it. Raises NodeUnreachable."""
    from pcmk_ha.remote.ssh import open_ssh

    config = ssh_config_of(cluster)
    return open_ssh(
        node.name, host_of(cluster, node), ssh_config=config, ask=never, log=CommandLog(None), timeout_s=timeout_s
    )


def ssh_config_of(cluster: Cluster) -> Path | None:
    """Return the ssh_config that reaches the members, None for the user's own."""
    if cluster.lab:
        from pcmk_ha.lab.state import load_lab

        return load_lab(cluster.lab).ssh_config
    return Path(cluster.ssh_config).expanduser() if cluster.ssh_config else None


def fetch_live_cib(cluster: Cluster) -> str:
    """Return the running cluster's CIB from the first member that has one; it holds fence secrets.

    Raises NodeUnreachable when no member answers.
    """
    with open_nodes(cluster) as nodes:
        for runner in nodes.runners.values():
            outcome = runner.run(("cibadmin", "--query"), ok=None)
            if outcome.status == 0:
                return outcome.stdout
        reasons = "; ".join(f"{name}: {gone.reason}" for name, gone in nodes.down.items())
        raise NodeUnreachable("no member runs a cluster" + (f" ({reasons})" if reasons else ""))
