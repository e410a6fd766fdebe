"""What the replacement of a machine needs before the ordinary change that has its successor join, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ConfirmDead:
    """Tell Pacemaker that a lost machine is off for certain, so that it does not wait for its fencing any longer."""

    node: str

    def __str__(self) -> str:
        return "confirm that the old machine is off"


@dataclass(frozen=True)
class MarkReplacement:
    """Note on the new machine, and in the cluster, that the one takes its place in the other."""

    node: str

    def __str__(self) -> str:
        return "note that this is the new machine"


@dataclass(frozen=True)
class ForgetAttributes:
    """Delete what the cluster's configuration keeps about the old machine."""

    node: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"forget of the old machine: {', '.join(self.names)}"


@dataclass(frozen=True)
class ForgetStatus:
    """Delete what became of actions on the old machine: failures, fail counts, promotion scores."""

    node: str

    def __str__(self) -> str:
        return "forget the old machine's failures and scores"


ReplaceAction = ConfirmDead | MarkReplacement | ForgetAttributes | ForgetStatus
