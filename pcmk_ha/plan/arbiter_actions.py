"""What only a change of the number of votes needs beyond what builds and changes a cluster, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ForgetFormerLife:
    """Remove the configuration that Pacemaker kept here in an earlier life: a newer one would be taken for ours."""

    node: str

    def __str__(self) -> str:
        return "forget what an earlier cluster left here"


@dataclass(frozen=True)
class AskDevices:
    """Have this node's fence devices answer every other member, and theirs answer this node."""

    node: str

    def __str__(self) -> str:
        return "ask every fence device it has to do with"


@dataclass(frozen=True)
class StartCorosync:
    """Start Corosync without Pacemaker: one vote of three, alone, which decides nothing."""

    node: str

    def __str__(self) -> str:
        return "start Corosync alone, with one vote of three"


@dataclass(frozen=True)
class CountVotes:
    """Have every running Corosync read its file at the same moment, and see that all count so many votes."""

    node: str
    votes: int

    def __str__(self) -> str:
        return f"reload Corosync: {self.votes} votes from now on, and every member sees the others"


@dataclass(frozen=True)
class LeavePacemaker:
    """Stop Pacemaker in good order and keep it from starting at boot; the node's vote still counts."""

    node: str

    def __str__(self) -> str:
        return "stop Pacemaker, and do not start it at boot"


@dataclass(frozen=True)
class AwaitLeft:
    """Wait until Pacemaker is at rest without a node, and every device runs elsewhere."""

    node: str
    left: str

    def __str__(self) -> str:
        return f"wait until nothing runs on {self.left} and every device runs elsewhere"


@dataclass(frozen=True)
class ProveOff:
    """Make certain that a node that does not answer is off: by its device, or by the operator's word."""

    node: str
    target: str
    by_word: bool = False

    def __str__(self) -> str:
        if self.by_word:
            return f"take your word for it that {self.target} is off for good"
        return f"switch {self.target} off by its fence device"


@dataclass(frozen=True)
class StopCorosync:
    """Stop Corosync on a node whose vote nobody counts."""

    node: str

    def __str__(self) -> str:
        return "stop Corosync"


@dataclass(frozen=True)
class ForgetMember:
    """Have Pacemaker forget a node: its entry, its attributes, and what its daemons remember."""

    node: str
    target: str

    def __str__(self) -> str:
        return f"have Pacemaker forget {self.target}"


@dataclass(frozen=True)
class UndoMember:
    """Remove from a node what was written there for the cluster; packages stay."""

    node: str

    def __str__(self) -> str:
        return "remove the cluster's files and state"


ArbiterAction = (
    ForgetFormerLife
    | AskDevices
    | StartCorosync
    | CountVotes
    | LeavePacemaker
    | AwaitLeft
    | ProveOff
    | StopCorosync
    | ForgetMember
    | UndoMember
)
