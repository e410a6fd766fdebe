"""The `pcmk-ha` command: its options, and the one place where an error becomes text and an exit status."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from pcmk_ha.cli import (
    adopt,
    arbiter,
    backup,
    change,
    config,
    copies,
    demo,
    destroy,
    drill,
    fence,
    fence_test,
    grow,
    halt,
    lab,
    observe,
    operate,
    render,
    replace,
    report,
    rotate,
    rto,
    show,
    split_brain,
    switchover,
    update,
)
from pcmk_ha.cli.sections import Sections
from pcmk_ha.errors import FAILED, BadInput, PcmkHaError

INTERRUPTED = 130  # as shells say it: 128 + SIGINT

app = typer.Typer(
    name="pcmk-ha",
    cls=Sections,
    help="Build, prove and operate a PostgreSQL cluster on Pacemaker, Corosync and DRBD.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
# Their order in the help: see pcmk_ha.cli.sections.
COMMANDS = (
    adopt, arbiter, backup, change, config, copies, demo, destroy, fence, fence_test, grow, halt, observe, operate,
    render, replace, report, rotate, show, split_brain, switchover, update,
)  # fmt: skip
for module in COMMANDS:
    module.register(app)
app.add_typer(drill.app, name="drill")
app.add_typer(rto.app, name="rto")
app.add_typer(lab.app, name="lab")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"pcmk-ha {version('pcmk-ha')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; every error we know becomes a message and its own exit status."""
    try:
        app()
    except PcmkHaError as error:
        print_error(error)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, SystemExit) as end:
        # Within a command Typer makes an exit status of a Ctrl-C, without a word.
        if isinstance(end, SystemExit) and end.code != INTERRUPTED:
            raise
        typer.echo("interrupted; run the same command again to go on", err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.exit(FAILED)


def print_error(error: PcmkHaError) -> None:
    """Write an error, and what to do about it, to standard error."""
    if isinstance(error, BadInput):
        for problem in error.problems:
            typer.echo(str(problem), err=True)
            if problem.hint:
                typer.echo(f"    {problem.hint}", err=True)
        return
    typer.echo(f"pcmk-ha: {error}", err=True)
    if error.hint:
        typer.echo(f"    {error.hint}", err=True)
