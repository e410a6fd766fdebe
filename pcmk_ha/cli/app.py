"""The `pcmk-ha` command: its options, and the one place where an error becomes text and an exit status."""

from __future__ import annotations

import importlib
import sys

import typer

from pcmk_ha.cli import lab

app = typer.Typer(
    name="pcmk-ha",
    help="Build, prove and operate a PostgreSQL cluster on Pacemaker, Corosync and DRBD.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(lab.app, name="lab")
