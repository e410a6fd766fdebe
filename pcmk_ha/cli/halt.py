"""`maintenance`, `stop` and `start`."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from pcmk_ha.cli.options import DEFAULT_FILE, AsJson, ClusterFile, Yes

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
    as_json: AsJson = False,
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
            _conclude(f"Maintenance mode is {switch.value} already.", as_json, maintenance=switch.value, changed=False)
            return
        if on:
            typer.echo(ON_MEANS, err=as_json)
        elif intent.foreseen is not None:
            lines = intent.foreseen.lines() or ("Pacemaker would start, stop and move nothing.",)
            typer.echo("\n".join(lines), err=as_json)
        confirm(f"Turn maintenance mode {switch.value}?", yes=yes)
        _carry_out(session, intent, to_stderr=as_json)
    _conclude(f"Maintenance mode is {switch.value}.", as_json, maintenance=switch.value, changed=True)


def stop(
    file: ClusterFile = DEFAULT_FILE,
    force: Annotated[bool, typer.Option("--force", help="Although something is not as it should be.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
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
            _conclude("The cluster is stopped already.", as_json, stopped=True, changed=False)
            return
        if intent.before.database_on:
            typer.echo(STOP_MEANS, err=as_json)
        confirm(f"Stop the cluster {session.cluster.name}?", yes=yes)
        _carry_out(session, intent, to_stderr=as_json)
    _conclude("The cluster is stopped; `pcmk-ha start` starts it.", as_json, stopped=True, changed=True)


def start(file: ClusterFile = DEFAULT_FILE, as_json: AsJson = False) -> None:
    """Start the whole cluster, every node at once, and wait until it serves.

    Example: pcmk-ha start
    """
    from pcmk_ha.operate.look.service import look_at_service
    from pcmk_ha.operate.moves.halt import prepare_start
    from pcmk_ha.operate.session import open_session

    with open_session(file) as session:
        intent = prepare_start(session.members)
        if not intent.plan:
            node = intent.before.database_on
            _conclude(f"The cluster runs already, and {node} serves.", as_json, serves_on=node, changed=False)
            return
        _carry_out(session, intent, to_stderr=as_json)
        node = look_at_service(session.any_node(), session.cluster).database_on
    _conclude(f"The cluster {session.cluster.name} serves, on {node}.", as_json, serves_on=node, changed=True)


def _conclude(said: str, as_json: bool, **found: object) -> None:
    """Say how it ended, to a person or to a program."""
    from pcmk_ha.cli.out import print_json

    if as_json:
        print_json(found)
    else:
        typer.echo(said)


def _carry_out(session: Session, intent: Intent, *, to_stderr: bool) -> None:
    from pcmk_ha.cli.story import Story
    from pcmk_ha.operate.moves.switchover import fulfil

    with Story(to_stderr=to_stderr) as story:
        fulfil(session.members, intent, story)
