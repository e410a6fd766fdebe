"""What commands print: tables for people, JSON for programs, no colour when piped."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import typer

PIPED_WIDTH = 160  # wide enough that no table wraps

if TYPE_CHECKING:
    from rich.console import Console


def console(*, stderr: bool = False) -> Console:
    """Return a console; piped, it prints plain text of any width."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else PIPED_WIDTH)


def print_json(value: Any, *, lines: bool = False) -> None:
    """Print a value as indented JSON, or on one line where many follow each other."""
    typer.echo(json.dumps(value, indent=None if lines else 2, default=str))


def confirm(question: str, *, yes: bool) -> None:
    """Go on only when the operator says so; without a terminal `--yes` must."""
    from pcmk_ha.errors import Refused

    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused("not confirmed", hint="--yes does it without asking")
    if not typer.confirm(question):
        raise Refused("not confirmed")
