"""`verify` and `resync`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pcmk_ha.cli.options import DEFAULT_FILE, AsJson, ClusterFile, Yes

if TYPE_CHECKING:
    from pcmk_ha.operate.data.copies import Copies


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(verify)
    app.command()(resync)


def verify(
    file: ClusterFile = DEFAULT_FILE,
    background: Annotated[bool, typer.Option("--background", help="Begin, and do not wait for the end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare both copies block by block while the service runs. Exit 3 when they differ.

    The primary does it by itself: when this is interrupted the comparison goes on, and the next run follows it.
    `drbd.verify` in the cluster file has it done regularly.

    Example: pcmk-ha verify
    """
    from pcmk_ha.cli.out import print_json
    from pcmk_ha.cli.progress import Progress
    from pcmk_ha.errors import CHANGES_FOUND
    from pcmk_ha.facts.records import format_time
    from pcmk_ha.operate.data.copies import begin_comparison, follow_comparison, look_at_copies, require_two_copies
    from pcmk_ha.operate.secrets import no_secrets
    from pcmk_ha.operate.session import open_session

    with open_session(file, secrets=no_secrets) as session, Progress("verify") as progress:
        copies = look_at_copies(session.nodes, session.cluster)
        require_two_copies(copies)
        runner = session.nodes[copies.primary]
        begin_comparison(runner)
        found = None if background else follow_comparison(runner, session.cluster, progress.line)
    if as_json:
        result = {"at": format_time(found.at), "differing_kib": found.differing_kib} if found else {"at": None}
        print_json({"primary": copies.primary, "secondary": copies.secondary, **result})
    elif found is None:
        typer.echo(f"{copies.primary} compares both copies; `pcmk-ha status` shows it, and what came of it.")
    elif found.differing_kib:
        typer.echo(f"{found.differing_kib * 1024} bytes differ. `pcmk-ha resync` copies them from {copies.primary}.")
    else:
        typer.echo("Both copies are equal.")
    raise typer.Exit(CHANGES_FOUND if found and found.differing_kib else 0)


def resync(
    file: ClusterFile = DEFAULT_FILE,
    full: Annotated[
        str, typer.Option("--full", metavar="NODE", help="Copy everything to this node; what it has is given up.")
    ] = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Copy what `verify` found to differ from the primary to the other node.

    Only the marked blocks are copied, or everything with --full, which wants the name of the node that is overwritten.
    The primary's data is never touched. Until the end the other node cannot take over.

    Example: pcmk-ha resync
    """
    from pcmk_ha.cli.out import confirm, print_json
    from pcmk_ha.cli.progress import Progress
    from pcmk_ha.operate.data.resync import Next, Resync, plan_next
    from pcmk_ha.operate.secrets import no_secrets
    from pcmk_ha.operate.session import open_session

    with open_session(file, secrets=no_secrets) as session, Progress("resync") as progress:
        work = Resync(session.nodes, session.cluster, progress.line)
        copies = work.check(full)
        step = plan_next(copies, full=bool(full))
        _show(copies, to_stderr=as_json)
        if step is not Next.NOTHING:
            confirm(_question(step, copies), yes=yes)
            copies = work.run(full=bool(full))
    if as_json:
        print_json({"primary": copies.primary, "secondary": copies.secondary, "copied": step is not Next.NOTHING})
    elif step is Next.NOTHING:
        typer.echo("Nothing to do: no block is marked as differing. `pcmk-ha verify` looks for such.")
    else:
        typer.echo(f"Both copies are the same: {copies.secondary} has what {copies.primary} has.")


def _show(copies: Copies, *, to_stderr: bool) -> None:
    typer.echo(f"{copies.primary} serves: its copy is the one to go by", err=to_stderr)
    for line in copies.lines():
        typer.echo(line, err=to_stderr)


def _question(step: object, copies: Copies) -> str:
    from pcmk_ha.operate.data.resync import Next

    what = "everything" if step is Next.INVALIDATE else f"{copies.marked_kib} KiB"
    return f"Copy {what} from {copies.primary} to {copies.secondary}, which cannot take over until that is done?"
