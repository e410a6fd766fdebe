"""The steps of a planned move of the service, and of the stop and start of a whole cluster, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Checkpoint:
    """Have PostgreSQL write out what is dirty, so that its stop and the other side's start are short."""

    node: str

    def __str__(self) -> str:
        return f"CHECKPOINT on {self.node}"


@dataclass(frozen=True)
class Prefer:
    """Have Pacemaker want the promoted role on a node, by a constraint of ours that ends by itself."""

    node: str

    def __str__(self) -> str:
        return f"have Pacemaker promote {self.node}"


@dataclass(frozen=True)
class Forget:
    """Remove that constraint."""

    node: str  # that it names

    def __str__(self) -> str:
        return f"remove the constraint that prefers {self.node}"


@dataclass(frozen=True)
class AwaitServedBy:
    """Wait until the service is up on a node, the other side follows, and nothing is under way."""

    node: str

    def __str__(self) -> str:
        return f"the service is up on {self.node}"


@dataclass(frozen=True)
class SetStandby:
    """Set or clear a node's standby attribute."""

    node: str
    on: bool

    def __str__(self) -> str:
        return f"{'set' if self.on else 'clear'} the standby attribute of {self.node}"


@dataclass(frozen=True)
class AwaitEmpty:
    """Wait until a node runs nothing of the service, and nothing is under way."""

    node: str

    def __str__(self) -> str:
        return f"{self.node} runs nothing of the service"


@dataclass(frozen=True)
class AwaitJoined:
    """Wait until a node takes part again, and nothing is under way."""

    node: str

    def __str__(self) -> str:
        return f"{self.node} takes part again"


@dataclass(frozen=True)
class AwaitCopies:
    """Wait until both copies are good and nothing forbids a promotion any more."""

    def __str__(self) -> str:
        return "both copies are good"


@dataclass(frozen=True)
class SetProperty:
    """Set a cluster property, or delete it where the value is empty."""

    name: str
    value: str

    def __str__(self) -> str:
        return f"set {self.name}={self.value}" if self.value else f"clear {self.name}"


@dataclass(frozen=True)
class AwaitSettled:
    """Wait until no transition is under way."""

    def __str__(self) -> str:
        return "nothing is under way"


@dataclass(frozen=True)
class AwaitStopped:
    """Wait until no resource runs anywhere, DRBD included."""

    def __str__(self) -> str:
        return "PostgreSQL, file system, VIP and DRBD are stopped"


@dataclass(frozen=True)
class CheckCopies:
    """Look into DRBD's metadata: every stopped copy is good and none is Primary."""

    def __str__(self) -> str:
        return "both disks are UpToDate, and neither is Primary"


@dataclass(frozen=True)
class Hold:
    """Keep PostgreSQL stopped where nothing may run yet, so that its files can be looked at first."""

    def __str__(self) -> str:
        return "keep PostgreSQL stopped until its files are looked at"


@dataclass(frozen=True)
class AwaitVolume:
    """Wait until the file system is mounted, and nothing is under way."""

    def __str__(self) -> str:
        return "the file system is mounted"


@dataclass(frozen=True)
class CheckFiles:
    """Look for a base backup that has not been recovered: the cluster's start would corrupt it."""

    def __str__(self) -> str:
        return "the data directory holds no backup that must be recovered first"


@dataclass(frozen=True)
class Release:
    """Let Pacemaker start PostgreSQL."""

    def __str__(self) -> str:
        return "let Pacemaker start PostgreSQL"


@dataclass(frozen=True)
class StopUnit:
    """Stop one unit on several members at once."""

    unit: str
    nodes: tuple[str, ...]

    def __str__(self) -> str:
        return f"stop {self.unit} on {', '.join(self.nodes)}"


@dataclass(frozen=True)
class StartMembers:
    """Start Corosync and Pacemaker on several members at once."""

    nodes: tuple[str, ...]

    def __str__(self) -> str:
        return f"start Corosync and Pacemaker on {', '.join(self.nodes)}"


@dataclass(frozen=True)
class AwaitMembers:
    """Wait for a DC, quorum and every member online."""

    def __str__(self) -> str:
        return "every member is online, and there is quorum"


@dataclass(frozen=True)
class AwaitService:
    """Wait until clients are served and every STONITH device runs."""

    def __str__(self) -> str:
        return "the service is up"


Move = (
    Checkpoint
    | Prefer
    | Forget
    | AwaitServedBy
    | SetStandby
    | AwaitEmpty
    | AwaitJoined
    | AwaitCopies
    | SetProperty
    | AwaitSettled
    | AwaitStopped
    | CheckCopies
    | Hold
    | AwaitVolume
    | CheckFiles
    | Release
    | StopUnit
    | StartMembers
    | AwaitMembers
    | AwaitService
)
