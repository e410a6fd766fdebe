"""A new machine in a member's place: what is known of both, and what comes before the ordinary change. Pure.

Where a replacement is under way is kept twice: as a file on the new machine, and as an attribute of the node in the
cluster's configuration. Both hold the same word, by which a run that was killed knows the machine it began with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from pcmk_ha.facts.records import FENCED, REPLACING, RESYNCED, VERIFIED
from pcmk_ha.plan.actions import Action
from pcmk_ha.plan.replace_actions import ConfirmDead, ForgetAttributes, ForgetStatus, MarkReplacement
from pcmk_ha.plan.values import Plan, Step

# Proofs of the old machine prove nothing about the new one, and it is there to take part.
STALE = (FENCED, VERIFIED, RESYNCED, "standby", "maintenance", "terminate")


@dataclass(frozen=True)
class Place:
    """A member's place in the cluster, and the machine that answers there now."""

    node: str
    online: bool = False  # a member, as Pacemaker sees it
    unclean: bool = False  # lost, and not fenced yet
    mark_here: str = ""  # on the machine
    mark_there: str = ""  # in the cluster's configuration
    kept: frozenset[str] = frozenset()  # names of the attributes kept about it for good
    has_status: bool = False
    devices: tuple[str, ...] = ()  # ids of its STONITH devices

    @property
    def is_begun(self) -> bool:
        """An earlier run began with this very machine."""
        return bool(self.mark_here) and (self.online or self.mark_here == self.mark_there)


class Verdict(Enum):
    """What is known of the old machine."""

    DEAD = "dead"
    ALIVE = "alive"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Evidence:
    """What says whether the old machine has power."""

    unclean: bool = False
    fenced: datetime | None = None  # when the fencer last had it confirmed
    heard: datetime | None = None  # when it last did something for the cluster
    devices: Mapping[str, str] = field(default_factory=dict)  # its own, where the new one has another: "off", "on", why

    def judge(self) -> tuple[Verdict, str]:
        """Return what is known, and from what."""
        if on := [name for name, said in self.devices.items() if said == "on"]:
            return Verdict.ALIVE, f"its fence device {on[0]} says that it has power"
        if self.devices and all(said == "off" for said in self.devices.values()):
            return Verdict.DEAD, f"{', '.join(self.devices)}, its own, says that it has no power"
        silent = "".join(f"; {name}: {said}" for name, said in self.devices.items() if said != "off")
        if self.unclean:
            return Verdict.UNKNOWN, f"it is lost, and its fencing does not succeed{silent}"
        if self.fenced is None:
            return Verdict.UNKNOWN, f"it was not fenced{silent}"
        if self.heard and self.heard > self.fenced:
            return Verdict.UNKNOWN, f"it took part after it was last fenced, at {self.fenced:%Y-%m-%d %H:%M}{silent}"
        return Verdict.DEAD, f"it was fenced at {self.fenced:%Y-%m-%d %H:%M:%S %Z}, and has not taken part since"


def plan_replacement(place: Place, change: Plan) -> Plan:
    """Put before a change what makes room for the new machine, in its order; what is done already is left out."""
    first: list[Action] = []
    if place.unclean:
        first.append(ConfirmDead(place.node))
    if not place.is_begun:
        first.append(MarkReplacement(place.node))
    if not place.online:
        if stale := tuple(name for name in STALE if name in place.kept):
            first.append(ForgetAttributes(place.node, stale))
        if place.has_status or place.unclean:
            first.append(ForgetStatus(place.node))
    number = len(first)
    head = [Step(action, frozenset(range(position))) for position, action in enumerate(first)]
    begun = frozenset(range(number))
    return Plan((*head, *(Step(step.action, begun | {p + number for p in step.after}) for step in change)))


__all__ = ["REPLACING", "Evidence", "Place", "Verdict", "plan_replacement"]
