"""Which steps stop a whole cluster, or start it again. Everything follows from what was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pcmk_ha.desired.names import COROSYNC, PACEMAKER
from pcmk_ha.plan.moves import (
    AwaitMembers,
    AwaitService,
    AwaitStopped,
    AwaitVolume,
    CheckCopies,
    CheckFiles,
    Checkpoint,
    Hold,
    Move,
    Release,
    SetProperty,
    StartMembers,
    StopUnit,
)

STOP_ALL = "stop-all-resources"


@dataclass(frozen=True)
class Running:
    """What runs, as found in one look at every member."""

    units: Mapping[str, frozenset[str]]  # member -> those of the two units that are active
    stop_all: bool | None = None  # None: nobody could be asked
    serves: str = ""  # the node whose PostgreSQL runs
    is_serving: bool = False
    held: bool = False  # by a start that was killed

    def with_unit(self, unit: str) -> tuple[str, ...]:
        """Return the members on which a unit is active."""
        return tuple(node for node, active in self.units.items() if unit in active)

    @property
    def is_stopped(self) -> bool:
        """Neither unit is active anywhere."""
        return not any(self.units.values())


def plan_stop(found: Running) -> tuple[Move, ...]:
    """From what was found to members without a cluster: first every resource, then Pacemaker, then Corosync."""
    return tuple(_stop(found))


def _stop(found: Running) -> Iterator[Move]:
    if managed := found.with_unit(PACEMAKER):
        if not found.stop_all:
            if found.serves:
                yield Checkpoint(found.serves)
            yield SetProperty(STOP_ALL, "true")
        yield AwaitStopped()
        yield CheckCopies()
        yield StopUnit(PACEMAKER, managed)
    if members := found.with_unit(COROSYNC):
        yield StopUnit(COROSYNC, members)


def plan_start(found: Running) -> tuple[Move, ...]:
    """From what was found to a cluster that serves; empty when it does."""
    return tuple(_start(found))


def _start(found: Running) -> Iterator[Move]:
    missing = tuple(node for node, active in found.units.items() if not {COROSYNC, PACEMAKER} <= active)
    if missing:
        yield StartMembers(missing)
        yield AwaitMembers()
    if found.stop_all is not False:  # not known: clearing what is not set changes nothing
        yield Hold()
        yield SetProperty(STOP_ALL, "")
    if found.stop_all is not False or found.held:
        yield AwaitVolume()
        yield CheckFiles()
        yield Release()
    if missing or found.held or found.stop_all is not False or not found.is_serving:
        yield AwaitService()
