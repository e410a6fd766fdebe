"""`maintenance`, `stop` and `start`."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from pcmk_ha.cli.options import DEFAULT_FILE, ClusterFile, Yes

if TYPE_CHECKING:
    from pcmk_ha.operate.moves.switchover import Intent
    from pcmk_ha.operate.session import Session

ON_MEANS = """In maintenance mode Pacemaker starts, stops, monitors and moves nothing. There is no failover:
  * a node that is lost is not fenced, and the other one does not take over;
  * when the node that does not serve is lost, writes freeze until it is back or fenced by hand (`pcmk-ha fence`);
  * a PostgreSQL that dies stays dead.
The service goes on as it is. `pcmk-ha maintenance off` ends it; `pcmk-ha status` says so until then."""
STOP_MEANS = "Every client loses the service until `pcmk-ha start`, a reboot of all nodes included."


class Switch(Enum):
    """What may be written after `maintenance`."""

    ON = "on"
    OFF = "off"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(maintenance)
    app.command()(stop)
    app.command()(start)


def maintenance(
    switch: Annotated[Switch, typer.Argument(metavar="on|off", help="Leave everything alone, or no longer.")],
    file: ClusterFile = DEFAULT_FILE,
    force: Annotated[
        bool, typer.Option("--force", help="off: although Pacemaker will stop or move something.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Have Pacemaker leave everything as it is, or take care of it again.

    `on` waits until nothing is under way. `off` first asks Pacemaker's scheduler what it would do, and is refused
    (exit 4) when that would stop or move anything, or when the nodes are not what Pacemaker believes.

    Example: pcmk-ha maintenance on
    """
    from pcmk_ha.cli.out import confirm
    from pcmk_ha.operate.moves.halt import prepare_maintenance
    from pcmk_ha.operate.session import open_session

    on = switch is Switch.ON
    with open_session(file) as session:
        intent = prepare_maintenance(session.members, on=on, force=force)
        if not intent.plan:
            typer.echo(f"Maintenance mode is {switch.value} already.")
            return
        if on:
            typer.echo(ON_MEANS)
        elif intent.foreseen is not None:
            lines = intent.foreseen.lines() or ("Pacemaker would start, stop and move nothing.",)
            typer.echo("\n".join(lines))
        confirm(f"Turn maintenance mode {switch.value}?", yes=yes)
        _carry_out(session, intent)
    typer.echo(f"Maintenance mode is {switch.value}.")


def stop(
    file: ClusterFile = DEFAULT_FILE,
    force: Annotated[bool, typer.Option("--force", help="Although something is not as it should be.")] = False,
    yes: Yes = False,
) -> None:
    """Stop the whole cluster in good order: the service, DRBD, Pacemaker, Corosync.

    Nobody is fenced, and both copies are good. Refused (exit 4) on a cluster that is not healthy. Nothing starts
    again before `pcmk-ha start`.

    Example: pcmk-ha stop
    """
    from pcmk_ha.cli.out import confirm
    from pcmk_ha.operate.moves.halt import prepare_stop
    from pcmk_ha.operate.session import open_session

    with open_session(file) as session:
        intent = prepare_stop(session.members, force=force)
        if not intent.plan:
            typer.echo("The cluster is stopped already.")
            return
        if intent.before.database_on:
            typer.echo(STOP_MEANS)
        confirm(f"Stop the cluster {session.cluster.name}?", yes=yes)
        _carry_out(session, intent)
    typer.echo("The cluster is stopped; `pcmk-ha start` starts it.")


def start(file: ClusterFile = DEFAULT_FILE) -> None:
    """Start the whole cluster, every node at once, and wait until it serves.

    Example: pcmk-ha start
    """
    from pcmk_ha.operate.look.service import look_at_service
    from pcmk_ha.operate.moves.halt import prepare_start
    from pcmk_ha.operate.session import open_session

    with open_session(file) as session:
        intent = prepare_start(session.members)
        if not intent.plan:
            typer.echo(f"The cluster runs already, and {intent.before.database_on} serves.")
            return
        _carry_out(session, intent)
        service = look_at_service(session.any_node(), session.cluster)
    typer.echo(f"The cluster {session.cluster.name} serves, on {service.database_on}.")


def _carry_out(session: Session, intent: Intent) -> None:
    from pcmk_ha.cli.story import Story
    from pcmk_ha.operate.moves.switchover import fulfil

    with Story() as story:
        fulfil(session.members, intent, story)
