"""`switchover`, `standby` and `unstandby`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pcmk_ha.cli.options import DEFAULT_FILE, AsJson, ClusterFile, Yes

if TYPE_CHECKING:
    from pcmk_ha.client.ledger import Ledger
    from pcmk_ha.operate.moves.switchover import Intent
    from pcmk_ha.operate.session import Session

NodeName = Annotated[str, typer.Argument(metavar="NODE", help="Name of the node.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what Pacemaker would do, and change nothing.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(switchover)
    app.command()(standby)
    app.command()(unstandby)


def switchover(
    node: Annotated[str, typer.Argument(metavar="NODE", help="Where to; default the other data node.")] = "",
    file: ClusterFile = DEFAULT_FILE,
    at: Annotated[str, typer.Option("--at", metavar="TIME", help="Wait until HH:MM, or an ISO time.")] = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Move the service to the other data node, and measure how long writes through the VIP are out.

    Refused (exit 4) unless both copies are good and the other side is fit to serve. A run that was cut short is
    finished by the next.

    Example: pcmk-ha switchover --at 02:30 --yes
    """
    from datetime import datetime

    from pcmk_ha.cli.moment import await_moment, parse_moment
    from pcmk_ha.cli.out import confirm
    from pcmk_ha.operate.moves.switchover import prepare_switchover
    from pcmk_ha.operate.session import open_session

    moment = parse_moment(at, datetime.now().astimezone()) if at else None
    with open_session(file) as session:
        intent = prepare_switchover(session.members, node, dry_run=dry_run)
        _foretell(intent, quiet=as_json)
        if dry_run:
            _print_dry_run(intent, as_json=as_json)
            return
        if intent.moves_service:
            confirm(f"Move the service from {intent.before.promoted_on} to {intent.target}?", yes=yes)
        if moment is None:
            _switch_over(session, intent, as_json=as_json)
            return
    await_moment(moment, f"moving the service to {intent.target}", clock=lambda: datetime.now().astimezone())
    with open_session(file) as session:  # much may have happened since
        _switch_over(session, prepare_switchover(session.members, intent.target), as_json=as_json)


def _foretell(intent: Intent, *, quiet: bool) -> None:
    if intent.foreseen is not None and not quiet:
        for line in intent.foreseen.lines():
            typer.echo(line)


def _print_dry_run(intent: Intent, *, as_json: bool) -> None:
    from dataclasses import asdict

    from pcmk_ha.cli.out import print_json

    deeds = intent.foreseen.deeds if intent.foreseen else ()
    if as_json:
        foreseen = [asdict(deed) for deed in deeds]
        print_json({"from": intent.before.promoted_on, "to": intent.target, "foreseen": foreseen})
    elif not deeds:
        typer.echo(f"{intent.target} serves already.")


def _switch_over(session: Session, intent: Intent, *, as_json: bool) -> None:
    from pcmk_ha.cli.out import print_json
    from pcmk_ha.cli.outage import outage_as_dict, print_outage, require_nothing_lost

    ledger = carry_out_measured(session, intent, to_stderr=as_json)
    if as_json:
        print_json({"from": intent.before.promoted_on, "to": intent.target, **outage_as_dict(ledger)})
    elif intent.moves_service:
        print_outage(ledger)
    else:
        typer.echo(f"{intent.target} serves already.")
    require_nothing_lost(ledger)


def carry_out_measured(session: Session, intent: Intent, *, to_stderr: bool = False) -> Ledger | None:
    """Do what is planned, and have clients write meanwhile where the service moves."""
    import contextlib

    from pcmk_ha.cli.outage import measure_outage
    from pcmk_ha.cli.story import Story, ending_in_order
    from pcmk_ha.operate.moves.switchover import fulfil

    with contextlib.ExitStack() as around:
        around.enter_context(ending_in_order())
        outage = around.enter_context(measure_outage(session)) if intent.moves_service else None
        story = around.enter_context(Story(to_stderr=to_stderr))
        fulfil(session.members, intent, story)
        return outage.end() if outage else None


def standby(
    node: NodeName, file: ClusterFile = DEFAULT_FILE, dry_run: DryRun = False, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Have a node run nothing, for its maintenance; a service that is there moves to the other node first.

    Refused (exit 4) when the other side could not take over. Until `unstandby` there is one copy of the data.

    Example: pcmk-ha standby node1
    """
    from pcmk_ha.cli.fence import require_member
    from pcmk_ha.cli.out import confirm
    from pcmk_ha.operate.moves.switchover import prepare_standby
    from pcmk_ha.operate.session import open_session

    with open_session(file) as session:
        require_member(session, node)
        intent = prepare_standby(session.members, node, dry_run=dry_run)
        if intent.foreseen is None:
            typer.echo(f"{node} is in standby already.", err=as_json)
        _foretell(intent, quiet=as_json)
        if dry_run:
            return
        if intent.foreseen is not None:
            _warn_of_one_copy(session, node, quiet=as_json)
            confirm(f"Put {node} into standby?", yes=yes)
        _finish(session, intent, as_json=as_json)
        typer.echo(f"{node} runs nothing of the service until `pcmk-ha unstandby {node}`.", err=as_json)


def _warn_of_one_copy(session: Session, node: str, *, quiet: bool) -> None:
    if node in [data_node.name for data_node in session.cluster.nodes]:
        said = f"While {node} is in standby there is one copy of the data, and nothing can take over."
        typer.echo(said, err=quiet)


def unstandby(node: NodeName, file: ClusterFile = DEFAULT_FILE, as_json: AsJson = False) -> None:
    """Have a node take part again, and wait until its copy is good. The service stays where it is.

    Example: pcmk-ha unstandby node1
    """
    from pcmk_ha.cli.fence import require_member
    from pcmk_ha.operate.moves.switchover import prepare_unstandby
    from pcmk_ha.operate.session import open_session

    with open_session(file) as session:
        require_member(session, node)
        intent = prepare_unstandby(session.members, node)
        if intent.foreseen is None:
            typer.echo(f"{node} is not in standby.", err=as_json)
        _finish(session, intent, as_json=as_json)


def _finish(session: Session, intent: Intent, *, as_json: bool) -> None:
    """Do it, and say what moved and what clients saw of it."""
    from pcmk_ha.cli.out import print_json
    from pcmk_ha.cli.outage import outage_as_dict, print_outage, require_nothing_lost
    from pcmk_ha.operate.look.service import look_at_service

    ledger = carry_out_measured(session, intent, to_stderr=as_json)
    before, after = intent.before.promoted_on, look_at_service(session.any_node(), session.cluster).promoted_on
    if as_json:
        print_json({"node": intent.target, "from": before, "to": after, **outage_as_dict(ledger)})
    elif after != before:
        typer.echo(f"The service moved from {before or 'nowhere'} to {after}.")
    else:
        typer.echo(f"The service stayed on {after or 'no node'}.")
    if intent.moves_service and not as_json:
        print_outage(ledger)
    require_nothing_lost(ledger)
