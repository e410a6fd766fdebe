"""`destroy`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pcmk_ha.cli.options import DEFAULT_FILE, ClusterFile, Yes

if TYPE_CHECKING:
    from pcmk_ha.operate.session import Session


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(destroy)


def destroy(
    file: ClusterFile = DEFAULT_FILE,
    wipe_data: Annotated[bool, typer.Option("--wipe-data", help="Erase the replicated disks as well.")] = False,
    name: Annotated[str, typer.Option(help="The cluster's name, instead of being asked for it.")] = "",
    yes: Yes = False,
) -> None:
    """Undo what bootstrap did, node by node: stop the service, remove configuration, leave packages and data.

    The data stays on the disks, and the next bootstrap takes it up again, unless --wipe-data is given.

    Example: pcmk-ha destroy --name demo --wipe-data --yes
    """
    from pcmk_ha.operate.session import open_session

    with open_session(file) as session:
        session.require_all()
        _confirm(session, name, wipe_data=wipe_data, yes=yes)
        _stop(session)
        desired = session.desired()
        for node, runner in session.nodes.items():
            from pcmk_ha.operate.change.destroy import undo_node

            for done in undo_node(runner, desired, wipe_data=wipe_data):
                typer.echo(f"{node}: {done}")
    typer.echo(
        "The packages stay installed." if wipe_data else "Packages and data stay; bootstrap takes them up again."
    )


def _confirm(session: Session, name: str, *, wipe_data: bool, yes: bool) -> None:
    import sys

    from pcmk_ha.errors import Refused

    cluster = session.cluster
    if not name and sys.stdin.isatty() and not yes:
        typer.echo(f"This stops {cluster.name}" + (" and ERASES ITS DATA on every node." if wipe_data else "."))
        name = typer.prompt("Type the cluster's name to go on")
    if name != cluster.name:
        raise Refused(f"{name or 'no name'} is not this cluster's name", hint=f"--name {cluster.name} --yes")


def _stop(session: Session) -> None:
    from pcmk_ha.operate.change.destroy import stop_member
    from pcmk_ha.remote.parallel import on_all

    typer.echo("stopping the cluster")
    for answer in on_all(session.nodes, stop_member).values():
        if isinstance(answer, Exception):
            raise answer
