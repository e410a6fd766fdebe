"""`fence` and `unfence`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from pcmk_ha.cli.options import DEFAULT_FILE, AsJson, ClusterFile, Yes

if TYPE_CHECKING:
    from pcmk_ha.operate.fencing.fence import Loss
    from pcmk_ha.operate.session import Session
    from pcmk_ha.remote.runner import Runner

NodeName = Annotated[str, typer.Argument(metavar="NODE", help="Name of the node.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(fence)
    app.command()(unfence)


def fence(
    node: NodeName,
    file: ClusterFile = DEFAULT_FILE,
    off: Annotated[bool, typer.Option("--off", help="Leave it switched off.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Switch a node off and on through its STONITH device, and follow what the cluster does about it.

    First says what will happen, from Pacemaker's own scheduler; refuses (exit 4) when that would lose the
    service or the last good copy. Prints how long writes through the VIP were out.

    Example: pcmk-ha fence node2
    """
    from pcmk_ha.cli.out import confirm
    from pcmk_ha.operate.fencing.fence import check_safe, foresee
    from pcmk_ha.operate.session import open_session

    with open_session(file) as session:
        require_member(session, node)
        runner = _another_node(session, node)
        loss = foresee(runner, session.cluster, node)
        check_safe(runner, session.cluster, loss)
        for line in loss.lines():
            typer.echo(line, err=as_json)
        confirm(f"Fence {node} ({'off' if off else 'off and on again'})?", yes=yes)
        _fence_and_follow(session, runner, loss, off=off, as_json=as_json)


def _fence_and_follow(session: Session, runner: Runner, loss: Loss, *, off: bool, as_json: bool) -> None:
    from pcmk_ha.cli.out import print_json
    from pcmk_ha.cli.outage import measure_outage, outage_as_dict, print_outage, require_nothing_lost
    from pcmk_ha.operate.fencing.fence import await_service_elsewhere
    from pcmk_ha.operate.fencing.fence import fence as do_fence

    with measure_outage(session) as outage:
        begin = time.monotonic()
        do_fence(runner, loss.target, off=off)
        typer.echo(f"{time.monotonic() - begin:5.1f} s  the fencer confirmed: {loss.target} is off", err=as_json)
        service = await_service_elsewhere(runner, session.cluster, loss.target)
        typer.echo(f"{time.monotonic() - begin:5.1f} s  the service is up on {service.database_on}", err=as_json)
        ledger = outage.end()
    if as_json:
        print_json({"fenced": loss.target, "service_on": service.database_on, **outage_as_dict(ledger)})
    else:
        print_outage(ledger)
    require_nothing_lost(ledger)
    if off:
        typer.echo(f"{loss.target} stays off: `pcmk-ha unfence {loss.target}` switches it on.", err=as_json)


def unfence(node: NodeName, file: ClusterFile = DEFAULT_FILE) -> None:
    """Switch a node on through its STONITH device.

    Example: pcmk-ha unfence node2
    """
    from pcmk_ha.operate.fencing.fence import unfence as do_unfence
    from pcmk_ha.operate.session import open_session

    with open_session(file) as session:
        require_member(session, node)
        do_unfence(_another_node(session, node), node)
        start = "and rejoins when it has booted" if session.cluster.start_on_boot else "; start its cluster by hand"
        typer.echo(f"{node} is on {start}.")


def require_member(session: Session, node: str) -> None:
    """Raise BadInput unless a node is one of the cluster's."""
    from pcmk_ha.errors import BadInput, Problem

    names = [member.name for member in session.cluster.members]
    if node not in names:
        raise BadInput([Problem(f"{node} is not a node of {session.cluster.name}", f"nodes: {', '.join(names)}")])


def _another_node(session: Session, node: str) -> Runner:
    """Return a data node to fence from: never the target itself."""
    from pcmk_ha.errors import Refused

    for member in session.cluster.nodes:
        if member.name != node and member.name in session.nodes:
            return session.nodes[member.name]
    raise Refused(f"no other data node answers: {node} may hold the last good copy", hint="nothing was touched")
