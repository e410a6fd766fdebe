"""`grow`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pcmk_ha.cli.options import DEFAULT_FILE, AsJson, ClusterFile, Yes

if TYPE_CHECKING:
    from pcmk_ha.operate.data.copies import Copies
    from pcmk_ha.operate.data.grow import Sizes


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(grow)


def grow(
    file: ClusterFile = DEFAULT_FILE,
    assume_clean: Annotated[
        bool, typer.Option("--assume-clean", help="Do not copy the new, unused part; `verify` may find it to differ.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Use all of both disks after they were enlarged: DRBD's device first, then the file system, while it is in use.

    Enlarge the disk or volume below DRBD on both nodes before; refused (exit 4) unless both are larger than what DRBD
    uses. The new part is copied to the other node, which cannot take over until that is done.

    Example: pcmk-ha grow
    """
    from pcmk_ha.cli.out import confirm, print_json
    from pcmk_ha.cli.progress import Progress
    from pcmk_ha.operate.data.grow import Grow
    from pcmk_ha.operate.secrets import no_secrets
    from pcmk_ha.operate.session import open_session

    with open_session(file, secrets=no_secrets) as session, Progress("grow") as progress:
        work = Grow(session.nodes, session.cluster)
        copies, before = work.look()
        _show(before, to_stderr=as_json)
        if work.check(copies, before):
            confirm(_question(copies, before, assume_clean=assume_clean), yes=yes)
        else:
            typer.echo("Nothing to do: no disk is larger than what is in use. Enlarge both first.", err=as_json)
        after = work.run(copies, before, progress.line, assume_clean=assume_clean)
    if as_json:
        print_json({"before": _sizes(before), "after": _sizes(after)})
    elif after != before:
        _show(after, to_stderr=False)


def _question(copies: Copies, sizes: Sizes, *, assume_clean: bool) -> str:
    from pcmk_ha.operate.data.grow import gib

    if not sizes.can_grow_device:
        return f"Grow the file system to {gib(sizes.device)}?"
    new = min(sizes.room.values())
    cost = "" if assume_clean else f"; {copies.secondary} cannot take over until {gib(new - sizes.device)} are copied"
    return f"Grow DRBD's device and the file system from {gib(sizes.device)} to {gib(new)}{cost}. Go on?"


def _show(sizes: Sizes, *, to_stderr: bool) -> None:
    for line in sizes.lines():
        typer.echo(line, err=to_stderr)


def _sizes(sizes: Sizes) -> dict[str, object]:
    return {"disks": dict(sizes.backing), "device": sizes.device, "filesystem": sizes.filesystem}
