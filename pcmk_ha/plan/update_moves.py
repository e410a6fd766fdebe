"""The steps of an update, as frozen values; each is chosen from what was found just before."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SwitchOver:
    """Move the service to a node."""

    node: str

    def __str__(self) -> str:
        return f"move the service to {self.node}"


@dataclass(frozen=True)
class SetAside:
    """Put a node into standby, as ours, and wait until it runs nothing."""

    node: str

    def __str__(self) -> str:
        return f"put {self.node} into standby"


@dataclass(frozen=True)
class AwaitNode:
    """Wait until a node that boots answers."""

    node: str

    def __str__(self) -> str:
        return f"{self.node} answers"


@dataclass(frozen=True)
class AwaitPackages:
    """Wait until an installation that an earlier run began has ended."""

    node: str

    def __str__(self) -> str:
        return f"the installation on {self.node} has ended"


@dataclass(frozen=True)
class StopMember:
    """Stop Pacemaker, and then Corosync."""

    node: str

    def __str__(self) -> str:
        return f"stop Pacemaker and Corosync on {self.node}"


@dataclass(frozen=True)
class Install:
    """Install what is to be updated, with nothing of the cluster started by it."""

    node: str
    count: int

    def __str__(self) -> str:
        return f"update {self.count} packages on {self.node}" if self.count else f"end the installation on {self.node}"


@dataclass(frozen=True)
class Reboot:
    """Boot a node anew, and wait until it answers."""

    node: str
    life: str  # its boot id before

    def __str__(self) -> str:
        return f"reboot {self.node}"


@dataclass(frozen=True)
class StartMember:
    """Start Corosync and Pacemaker, and wait until the node is online."""

    node: str

    def __str__(self) -> str:
        return f"start Corosync and Pacemaker on {self.node}"


@dataclass(frozen=True)
class Release:
    """End our standby, and wait until the node takes part and the cluster is whole."""

    node: str

    def __str__(self) -> str:
        return f"end the standby of {self.node}"


Step = SwitchOver | SetAside | AwaitNode | AwaitPackages | StopMember | Install | Reboot | StartMember | Release
