"""A proposal for people: coloured on a terminal, plain when piped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pcmk_ha.cli.out import console
from pcmk_ha.plan.compare import Kind

if TYPE_CHECKING:
    from pcmk_ha.plan.proposal import Proposal

MARKS = {Kind.ADD: ("+", "green"), Kind.CHANGE: ("~", "yellow"), Kind.REMOVE: ("-", "red")}


def print_proposal(proposal: Proposal) -> None:
    """Print what is to be done, why, and what it means for the service."""
    _say(_state(proposal), "bold")
    if proposal.plan:
        _section("Steps", (f"{step.action.node:9} {step.action}" for step in proposal.plan))
    _print_differences(proposal)
    _section("PostgreSQL parameters", map(str, proposal.parameters))
    for place, lines in proposal.file_diffs.items():
        _print_diff(place, lines)
    _print_diff("The cluster's configuration", proposal.cib_diff)
    _section("Not ours, stays", proposal.foreign)
    if proposal.plan:
        _section("Impact", proposal.impact.lines(), "bold red" if proposal.impact.outage else "")


def _state(proposal: Proposal) -> str:
    if not proposal.generation and not proposal.interrupted:
        last = "nothing is known of an earlier apply"
    else:
        last = f"number {proposal.generation} was applied last"
    if proposal.interrupted:
        last += ", and a run after it did not come to its end"
    if not proposal.plan:
        return f"{proposal.cluster}: nothing to change, the cluster is as the file wants it ({last})."
    counted = ", ".join((_count(len(proposal.differences), "difference"), _count(len(proposal.plan), "step")))
    return f"{proposal.cluster}: {counted} ({last})."


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _print_differences(proposal: Proposal) -> None:
    if not proposal.differences:
        return
    _say("\nDifferences", "bold")
    for found in proposal.differences:
        mark, style = MARKS[found.kind]
        detail = f": {found.detail}" if found.detail else ""
        hand = "   by hand since the last apply" if found.by_hand else ""
        _say(f"  {mark} {found.place:9} {found.what}{detail}{hand}", style)


def _print_diff(title: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    _say(f"\n{title}", "bold")
    for line in lines:
        style = "green" if line.startswith("+") else "red" if line.startswith("-") else ""
        _say(f"  {line}", style)


def _section(title: str, lines: Iterable[str], style: str = "") -> None:
    lines = tuple(lines)
    if lines:
        _say(f"\n{title}", "bold")
        for line in lines:
            _say(f"  {line}", style)


def _say(text: str, style: str = "") -> None:
    from rich.text import Text

    console().print(Text(text, style=style), soft_wrap=True)
