"""Which steps put a base backup in place of the present data. Everything follows from what was found.

The backup is copied and recovered beside the data directory, in the same volume, while the old data serves. Only the
two renames happen with PostgreSQL stopped, and stopped by a constraint, which holds on both nodes and outlives whoever
set it. So whatever fails, and wherever the service goes meanwhile, Pacemaker starts the old data or the recovered new
data, and never a backup that still has its label.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from pcmk_ha.plan.moves import AwaitCopies, AwaitService, Move


@dataclass(frozen=True)
class Order:
    """What is to be restored, as it is kept in the volume until it is done."""

    id: str  # the time it began, which also names what is kept aside
    source: str
    kind: str  # directory, tar, or prepared (by another program; stays in its own words about recovery)
    moved: bool = False  # a prepared directory in the volume itself is not copied
    restore_command: str = ""
    target: tuple[str, str] | None = None  # a name of recovery_target_*, and its value

    def to_json(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self)) + "\n"

    def __str__(self) -> str:
        to = f", to the {self.target[0]} {self.target[1]}" if self.target else ""
        return f"{self.source}{to}"


def parse_order(text: str) -> Order:
    """Read one; raises ValueError for anything else."""
    try:
        found = json.loads(text)
        target = found.pop("target")
        return Order(**found, target=(str(target[0]), str(target[1])) if target else None)
    except (TypeError, AttributeError, KeyError, IndexError) as error:
        raise ValueError(text[:80]) from error


@dataclass(frozen=True)
class Found:
    """What was found in one look at the cluster and at the volume."""

    order: Order | None = None  # of a restore that has not ended
    drafted: bool = False  # a backup was copied whole
    recovered: bool = False  # and recovered to its end, and stopped
    data: bool = True  # there is a data directory
    swapped: bool = False  # and it is the restored one
    held: bool = False
    failed: bool = False  # Pacemaker remembers failures of PostgreSQL
    redundant: bool = False  # both copies are good


@dataclass(frozen=True)
class Note:
    """Keep in the volume what is being restored."""

    order: Order

    def __str__(self) -> str:
        return f"note what is restored: {self.order}"


@dataclass(frozen=True)
class CopyBackup:
    """Copy the backup beside the data directory, and verify the copy."""

    order: Order

    def __str__(self) -> str:
        return f"{'move' if self.order.moved else 'copy'} {self.order.source} beside the data directory"


@dataclass(frozen=True)
class Recover:
    """Run recovery to its end, by a server that nobody reaches, and stop that server."""

    order: Order

    def __str__(self) -> str:
        return "recover it to its end, beside the service"


@dataclass(frozen=True)
class HoldServer:
    """Keep PostgreSQL stopped on every node, and wait until it is."""

    def __str__(self) -> str:
        return "stop PostgreSQL through Pacemaker; its file system stays mounted"


@dataclass(frozen=True)
class SetAside:
    """Rename the present data directory."""

    order: Order

    def __str__(self) -> str:
        return f"set the present data aside as .before-{self.order.id}"


@dataclass(frozen=True)
class PutInPlace:
    """Rename the recovered one to the data directory."""

    order: Order

    def __str__(self) -> str:
        return "put the recovered data in its place"


@dataclass(frozen=True)
class ReleaseServer:
    """Let Pacemaker start PostgreSQL, after a last look for labels."""

    forget: bool  # failures of PostgreSQL that Pacemaker remembers

    def __str__(self) -> str:
        return "let Pacemaker start PostgreSQL"


@dataclass(frozen=True)
class Prove:
    """Write through the VIP."""

    def __str__(self) -> str:
        return "write through the VIP"


@dataclass(frozen=True)
class Finish:
    """Forget what was restored."""

    order: Order

    def __str__(self) -> str:
        return "the restore is done"


Step = Note | CopyBackup | Recover | HoldServer | SetAside | PutInPlace | ReleaseServer | Prove | Finish | Move


def plan_restore(found: Found, wanted: Order) -> tuple[Step, ...]:
    """From what was found to a service on the restored data."""
    return tuple(_restore(found, found.order or wanted))


def _restore(found: Found, order: Order) -> Iterator[Step]:
    if found.order is None:
        yield Note(order)
    if not found.swapped:
        if not found.drafted:
            yield CopyBackup(order)
        if not found.recovered:
            yield Recover(order)
        yield HoldServer()
        if found.data:
            yield SetAside(order)
        yield PutInPlace(order)
    if found.held or not found.swapped:
        yield ReleaseServer(found.failed)
    yield AwaitService()
    if found.redundant:
        yield AwaitCopies()
        yield Prove()  # from the node that does not serve
    yield Finish(order)
