"""What only a change of a cluster that runs needs beyond what builds one, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RestartPostgresql:
    """Restart the server through Pacemaker, for parameters that nothing less changes."""

    node: str

    def __str__(self) -> str:
        return "restart PostgreSQL through Pacemaker"


@dataclass(frozen=True)
class RestartMember:
    """Restart Corosync and Pacemaker on one node, the service moved away before."""

    node: str

    def __str__(self) -> str:
        return "restart Corosync and Pacemaker"


@dataclass(frozen=True)
class RemoveFiles:
    """Remove files that were ours and are not wanted any more."""

    node: str
    paths: tuple[str, ...]

    def __str__(self) -> str:
        return f"remove {', '.join(self.paths)}"


@dataclass(frozen=True)
class Remember:
    """Note on the node what this run may write, before it does."""

    node: str

    def __str__(self) -> str:
        return "note what is about to change"


@dataclass(frozen=True)
class KeepRecord:
    """Note on the node what was applied, once it is."""

    node: str
    generation: int

    def __str__(self) -> str:
        return f"record what was applied, number {self.generation}"


ChangeAction = RestartPostgresql | RestartMember | RemoveFiles | Remember | KeepRecord
