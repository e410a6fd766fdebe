"""`replace`."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pcmk_ha.cli.options import DEFAULT_FILE, AsJson, ClusterFile, NewHostKeys, Yes

if TYPE_CHECKING:
    from pcmk_ha.client.ledger import Ledger
    from pcmk_ha.operate.replace.replacement import Intent, Replacement
    from pcmk_ha.operate.session import Session

NodeName = Annotated[str, typer.Argument(metavar="NODE", help="Name of the node whose machine is a new one.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(replace)


def replace(
    node: NodeName,
    file: ClusterFile = DEFAULT_FILE,
    confirmed_dead: Annotated[
        bool, typer.Option("--confirmed-dead", help="You made sure that the old machine is off for good.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
    accept_new_host_keys: NewHostKeys = False,
) -> None:
    """Put a new, empty machine in the place of a dead one, while the service goes on.

    The cluster file says its addresses, disk and fence device. The old machine must be off for certain: fenced, off by
    its own fence device, or by your word. All data is copied from the node that serves. Killed anywhere, the next run
    finishes. Refused (exit 4) for the node that serves, and for a disk that holds something.

    Example: pcmk-ha replace node2
    """
    from pcmk_ha.cli.fence import require_member
    from pcmk_ha.cli.hostkeys import ask_changed_key, ask_host_key
    from pcmk_ha.cli.operate import log_path
    from pcmk_ha.cli.out import confirm
    from pcmk_ha.cli.progress import Progress
    from pcmk_ha.errors import Refused
    from pcmk_ha.operate.change.change import Change
    from pcmk_ha.operate.replace.replacement import Replacement
    from pcmk_ha.operate.session import open_session

    ask = ask_host_key(accept=accept_new_host_keys)
    changed = {node: ask_changed_key(node, accept=accept_new_host_keys)}
    with open_session(file, ask=ask, log=log_path(file), ask_changed=changed) as session:
        require_member(session, node)
        session.require_all()
        change = Change(session.nodes, session.desired(), session.secrets, renewed=node)
        work = Replacement(session.members, change, node, confirmed=confirmed_dead)
        with Progress("replace") as progress:
            progress.line(f"looking at {', '.join(session.nodes)} and the fence devices")
            intent = work.prepare()
        if intent.is_done:
            _say_done(node, as_json=as_json)
            return
        _foretell(intent, to_stderr=as_json)
        if dry_run:
            _print_dry_run(intent, as_json=as_json)
            return
        confirm(_question(session, intent), yes=yes)
        if not yes and work.prepare().plan != intent.plan:
            raise Refused("something changed while you thought it over", hint="run it again; nothing was touched")
        ledger = _carry_out(session, work, intent, as_json=as_json)
    _print_end(intent, ledger, as_json=as_json)
    if not (yes or as_json):
        _offer_proof(session, node)


def _say_done(node: str, *, as_json: bool) -> None:
    from pcmk_ha.cli.out import print_json

    if as_json:
        print_json({"node": node, "replaced": False})
    else:
        typer.echo(f"Nothing to do: {node} takes part, and the cluster is whole.")


def _foretell(intent: Intent, *, to_stderr: bool) -> None:
    if intent.begun:
        typer.echo(f"Going on with the replacement of {intent.node}.", err=to_stderr)
    else:
        typer.echo(f"The old machine of {intent.node}: {intent.dead}.", err=to_stderr)
    for step in intent.plan:
        typer.echo(f"  {step.action.node:9} {step.action}", err=to_stderr)
    if intent.holds_data:
        what = (
            f"copy everything, {intent.copies_kib / (1 << 20):.2f} GiB" if not intent.begun else "copy what is missing"
        )
        typer.echo(f"  {intent.node:9} {what}", err=to_stderr)


def _print_dry_run(intent: Intent, *, as_json: bool) -> None:
    from pcmk_ha.cli.out import print_json

    if as_json:
        steps = [{"node": step.action.node, "action": str(step.action)} for step in intent.plan]
        print_json({"node": intent.node, "old_machine": intent.dead, "steps": steps})


def _question(session: Session, intent: Intent) -> str:
    name = intent.node
    disk = next((node.disk for node in session.cluster.nodes if node.name == name), None)
    taken = f"; its {disk} becomes the cluster's" if disk else ""
    return f"Have the new machine take the place of {name}{taken}?"


def _carry_out(session: Session, work: Replacement, intent: Intent, *, as_json: bool) -> Ledger | None:
    """Have it join, with clients that write meanwhile; then follow the copy, which may take hours."""
    from pcmk_ha.cli.outage import measure_outage
    from pcmk_ha.cli.progress import Progress
    from pcmk_ha.cli.steps import Steps

    ledger = None
    if intent.plan:
        with measure_outage(session) as outage, contextlib.ExitStack() as shown:
            work.apply(intent, shown.enter_context(Steps(intent.plan, to_stderr=as_json)))
            ledger = outage.end()
    with Progress("replace") as progress:
        work.finish(intent, progress.line)
    return ledger


def _print_end(intent: Intent, ledger: Ledger | None, *, as_json: bool) -> None:
    from pcmk_ha.cli.out import print_json
    from pcmk_ha.cli.outage import outage_as_dict, print_outage, require_nothing_lost

    name = intent.node
    if as_json:
        print_json({"node": name, "replaced": True, **outage_as_dict(ledger)})
    else:
        copy = ", with a good copy" if intent.holds_data else ""
        typer.echo(f"{name} takes part on its new machine{copy}; the cluster is whole.")
        if intent.plan:
            print_outage(ledger)
        typer.echo(f"Nobody has proven yet that the new machine can be fenced: `pcmk-ha fence-test {name}`.")
    require_nothing_lost(ledger)


def _offer_proof(session: Session, node: str) -> None:
    from pcmk_ha.cli.fence_test import prove

    if sys.stdin.isatty() and typer.confirm(f"Fence {node} now, to prove it?"):
        prove(session.path, [node], yes=True)
