"""A plan: steps, and which of them must be done before which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pcmk_ha.plan.actions import Action

After = frozenset[int]
NOTHING: After = frozenset()


@dataclass(frozen=True)
class Step:
    """One action and the positions of the steps that must be done before it."""

    action: Action
    after: frozenset[int] = frozenset()

    def __str__(self) -> str:
        return f"{self.action.node}: {self.action}"


@dataclass(frozen=True)
class Plan:
    """Steps in an order that respects every `after`; empty when there is nothing to do."""

    steps: tuple[Step, ...] = ()

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __str__(self) -> str:
        return "\n".join(str(step) for step in self.steps)


class Draft:
    """A plan in the making: each added step is told by its position."""

    def __init__(self) -> None:
        self._steps: list[Step] = []

    def add(self, action: Action, after: frozenset[int] = frozenset()) -> frozenset[int]:
        """Append a step; the answer is what a later step names in its `after`."""
        self._steps.append(Step(action, after))
        return frozenset({len(self._steps) - 1})

    def done(self) -> Plan:
        """Freeze it."""
        return Plan(tuple(self._steps))
