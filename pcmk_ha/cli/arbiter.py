"""`add-arbiter` and `remove-arbiter`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pcmk_ha.cli.options import DEFAULT_FILE, AsJson, ClusterFile, NewHostKeys, Yes

if TYPE_CHECKING:
    from pcmk_ha.client.ledger import Ledger
    from pcmk_ha.model.cluster import Cluster
    from pcmk_ha.operate.arbiter.addition import Addition
    from pcmk_ha.operate.arbiter.removal import Removal
    from pcmk_ha.operate.session import Session
    from pcmk_ha.plan.values import Plan

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")]
ConfirmedDead = Annotated[
    bool, typer.Option("--confirmed-dead", help="You made sure that it is off for good; do not ask its device.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(add_arbiter)
    app.command()(remove_arbiter)


def add_arbiter(
    file: ClusterFile = DEFAULT_FILE,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
    accept_new_host_keys: NewHostKeys = False,
) -> None:
    """Give a cluster of two votes the arbiter that its file names by now, while the service runs.

    Write the `arbiter:` block first (without one this shows how it looks), on a machine with nothing but Debian and
    SSH. Refused (exit 4) unless the cluster is healthy, the machine is empty and every fence device answers. Killed
    anywhere, the next run finishes.

    Example: pcmk-ha add-arbiter
    """
    from pcmk_ha.cli.hostkeys import ask_host_key
    from pcmk_ha.cli.operate import log_path
    from pcmk_ha.operate.arbiter.addition import Addition
    from pcmk_ha.operate.session import open_session

    cluster = _load(file)
    if cluster.arbiter is None:
        _require_block(cluster, file)
    ask = ask_host_key(accept=accept_new_host_keys)
    with open_session(file, ask=ask, log=log_path(file)) as session:
        work = Addition(session)
        plan = _look(session, work, "add-arbiter")
        assert cluster.arbiter is not None
        name = cluster.arbiter.name
        if plan and not dry_run:
            _show(plan, to_stderr=as_json)
            _ask(f"{name} becomes the third vote of {cluster.name}; clients notice nothing. Go on?", yes=yes)
        ledger = _perform(session, work, plan, dry_run=dry_run, as_json=as_json)
        done = f"{name} votes: {cluster.name} has three votes." if plan else f"{name} votes already: nothing to do."
        _tell(plan, ledger, done, dry_run=dry_run, as_json=as_json)


def remove_arbiter(
    file: ClusterFile = DEFAULT_FILE,
    confirmed_dead: ConfirmedDead = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Take the arbiter out of a cluster, and out of its file, while the service runs: two votes from then on.

    It is stopped in good order, and what was written there for the cluster is removed. One that does not answer is
    switched off by its fence device first. Refused (exit 4) unless the service is whole. Killed anywhere, the next
    run finishes.

    Example: pcmk-ha remove-arbiter
    """
    from pcmk_ha.cli.operate import log_path
    from pcmk_ha.errors import BadInput, Problem
    from pcmk_ha.operate.arbiter.file import remove_block
    from pcmk_ha.operate.arbiter.removal import Removal
    from pcmk_ha.operate.session import open_session

    cluster = _load(file)
    if cluster.arbiter is None:
        hint = "put its block back if the cluster still has one: this command takes it out of the file itself"
        raise BadInput([Problem("the file names no arbiter", hint, str(file))])
    name = cluster.arbiter.name
    with open_session(file, log=log_path(file)) as session:
        work = Removal(session, confirmed_dead)
        plan = _look(session, work, "remove-arbiter")
        if plan and not dry_run:
            _show(plan, to_stderr=as_json)
            _ask(_question(work, cluster, name), yes=yes)
        ledger = _perform(session, work, plan, dry_run=dry_run, as_json=as_json)
    if not dry_run:
        remove_block(file)
    done = f"{cluster.name} has two votes, and {file} names no arbiter any more."
    _tell(plan, ledger, done, dry_run=dry_run, as_json=as_json)


def _load(file: Path) -> Cluster:
    from pcmk_ha.model.load import load_cluster

    return load_cluster(file)


def _require_block(cluster: Cluster, file: Path) -> None:
    from pcmk_ha.errors import BadInput, Problem
    from pcmk_ha.operate.arbiter.file import example_block

    block = example_block(cluster)
    hint = f"write it at the end of the file, with the machine's own values, and run this again:\n\n{block}\n"
    raise BadInput([Problem("the file names no arbiter yet", hint, str(file))])


def _question(work: Removal, cluster: Cluster, name: str) -> str:
    if work.is_dead and not work.by_word:
        return f"{name} does not answer. It is SWITCHED OFF, and {cluster.name} has two votes. Go on?"
    return f"{name} no longer votes in {cluster.name}, and leaves; clients notice nothing. Go on?"


def _look(session: Session, work: Addition | Removal, title: str) -> Plan:
    from pcmk_ha.cli.progress import Progress

    with Progress(title) as progress:
        progress.line(f"looking at {', '.join(session.nodes)}, and asking every fence device")
        return work.plan()


def _show(plan: Plan, *, to_stderr: bool) -> None:
    typer.echo(str(plan), err=to_stderr)


def _ask(question: str, *, yes: bool) -> None:
    from pcmk_ha.cli.out import confirm

    confirm(question, yes=yes)


def _perform(session: Session, work: Addition | Removal, plan: Plan, *, dry_run: bool, as_json: bool) -> Ledger | None:
    """Do it while clients write; a plan that is only shown, or empty, is none to measure."""
    from pcmk_ha.cli.outage import measure_outage
    from pcmk_ha.cli.steps import Steps
    from pcmk_ha.cli.story import ending_in_order

    if dry_run or not plan:
        return None
    with ending_in_order(), measure_outage(session) as outage, Steps(plan, to_stderr=as_json) as steps:
        work.apply(plan, steps)
        return outage.end()


def _tell(plan: Plan, ledger: Ledger | None, done: str, *, dry_run: bool, as_json: bool) -> None:
    from pcmk_ha.cli.out import print_json
    from pcmk_ha.cli.outage import outage_as_dict, print_pause, require_nothing_lost

    if as_json:
        steps = [{"node": step.action.node, "action": str(step.action)} for step in plan]
        print_json({"steps": steps, "done": not dry_run, **outage_as_dict(ledger)})
    elif dry_run:
        typer.echo(str(plan) if plan else "Nothing to do.")
    else:
        if plan:
            print_pause(ledger)
        typer.echo(done)
    require_nothing_lost(ledger)
