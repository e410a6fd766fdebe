"""What held at every moment of a transition, not only at its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from support.matrix_faults import SERVICE, Facts, Names, Roles
from support.matrix_scheduler import FENCE, ROUTINE, Op, Placed, promoted_in


def replay(roles: Roles, facts: Facts, before: frozenset[Placed], happened: Iterable[Op]) -> list[str]:
    """Follow what was done in its order; what was on a lost node stays there until the node is fenced."""
    running = {(p.resource, p.node) for p in before if p.resource in SERVICE}
    followed = _Followed(roles, facts, promoted_in(before, roles.cluster), running)
    for op in happened:
        followed.apply(op)
    return followed.broken


@dataclass
class _Followed:
    roles: Roles
    facts: Facts
    promoted: set[str]
    running: set[tuple[str, str]]
    broken: list[str] = field(default_factory=list)

    def apply(self, op: Op) -> None:
        if op.node in self.facts.unmanaged and op.task not in ROUTINE:
            self.broken.append(f"{op.spec} in maintenance")
        if op.node == self.roles.arbiter and op.resource in (self.roles.cluster.drbd_id, *SERVICE):
            self.broken.append(f"{op.spec}, which only votes")
        if op.task == FENCE:
            self.promoted.discard(op.node)
            self.running = {(resource, node) for resource, node in self.running if node != op.node}
        elif op.resource == self.roles.cluster.drbd_id:
            self._drbd(op)
        elif op.resource in SERVICE:
            self._part(op)

    def _drbd(self, op: Op) -> None:
        if op.task == "promote":
            if self.promoted - {op.node}:
                self.broken.append(f"{op.spec} while {sorted(self.promoted)} may be promoted")
            if op.node in self._never():
                self.broken.append(f"{op.spec}, where nothing may be promoted")
            self.promoted.add(op.node)
        elif op.task in ("demote", "stop"):
            for resource, node in sorted(self.running):
                if node == op.node:
                    self.broken.append(f"{op.spec} under a running {resource}")
            self.promoted.discard(op.node)

    def _never(self) -> Names:
        facts = self.facts
        return facts.lost | facts.idle | facts.stale | facts.unmanaged

    def _part(self, op: Op) -> None:
        if op.task == "start":
            if op.node not in self.promoted:
                self.broken.append(f"{op.spec}, where nothing is promoted")
            if any(resource == op.resource and node != op.node for resource, node in self.running):
                self.broken.append(f"{op.spec} while it may run elsewhere")
            self.running.add((op.resource, op.node))
        elif op.task == "stop":
            self.running.discard((op.resource, op.node))
