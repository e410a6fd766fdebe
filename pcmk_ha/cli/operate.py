"""`bootstrap` and `psql`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pcmk_ha.cli.options import DEFAULT_FILE, AsJson, ClusterFile, NewHostKeys, Yes

if TYPE_CHECKING:
    from pcmk_ha.operate.session import Session
    from pcmk_ha.plan.values import Plan

WipeOption = Annotated[
    list[str] | None,
    typer.Option("--wipe", metavar="NODE:DISK", help="Erase this disk, whatever it holds. Repeatable."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(bootstrap)
    app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})(psql)


def bootstrap(
    file: ClusterFile = DEFAULT_FILE,
    wipe: WipeOption = None,
    skip_checks: Annotated[bool, typer.Option("--skip-checks", help="Build although a check fails.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
    accept_new_host_keys: NewHostKeys = False,
) -> None:
    """Build the cluster, or finish what an earlier run began; on a healthy cluster there is nothing to do.

    Example: pcmk-ha bootstrap --file cluster.yaml --yes
    """
    from pcmk_ha.cli.hostkeys import ask_host_key
    from pcmk_ha.cli.progress import Progress
    from pcmk_ha.operate.change.bootstrap import Bootstrap, await_health
    from pcmk_ha.operate.secrets import create_secrets
    from pcmk_ha.operate.session import open_session

    wipes = parse_wipes(wipe or [])
    log = log_path(file)
    ask = ask_host_key(accept=accept_new_host_keys)
    with open_session(file, secrets=create_secrets, ask=ask, log=log) as session:
        session.require_all()
        work = Bootstrap(session.nodes, session.desired(), session.secrets, wipes)
        with Progress("bootstrap") as progress:
            progress.line(f"looking at {', '.join(session.nodes)}")
            plan = work.plan()
        if as_json and (dry_run or not plan):
            _print_plan_json(plan)
        elif not plan:
            typer.echo("Nothing to do: the cluster is as the file wants it, and serves.")
        elif dry_run:
            typer.echo(str(plan))
        if dry_run or not plan:
            return
        if not skip_checks:
            _check(session, plan, wipes)
        _apply(session, work, plan, yes=yes, as_json=as_json)
        await_health(work)
        if as_json:
            _print_plan_json(plan)
        else:
            _print_end(session, log)
    if not as_json:
        _offer_fence_test(file, yes=yes)


def _offer_fence_test(file: Path, *, yes: bool) -> None:
    """Ask at a terminal whether to prove the fencing now: before anybody relies on the cluster is the best moment."""
    import sys

    from pcmk_ha.cli.fence_test import fence_test

    question = "\nProve now that every node can be fenced? Each is switched off and on in turn, some minutes in all."
    if not yes and sys.stdin.isatty() and typer.confirm(question, default=False):
        fence_test(file=file, yes=True)


def _check(session: Session, plan: Plan, wipes: tuple[tuple[str, str], ...]) -> None:
    """Refuse to build on nodes that fail a check; a cluster that is built already is not checked again."""
    from pcmk_ha.errors import PcmkHaError
    from pcmk_ha.operate.checks.check import FAIL, run_checks
    from pcmk_ha.plan.actions import PrepareVolume

    if not any(isinstance(step.action, PrepareVolume) for step in plan):
        return
    wiped = {node for node, _disk in wipes}
    typer.echo("checking the nodes and their fence devices", err=True)
    failed = [c for c in run_checks(session) if c.verdict == FAIL and not (c.title == "disk" and c.node in wiped)]
    if failed:
        lines = "".join(f"\n  {c.node}: {c.title}: {c.detail}" + (f" ({c.hint})" if c.hint else "") for c in failed)
        raise PcmkHaError(f"{len(failed)} checks failed:{lines}", hint="`pcmk-ha check` shows all of them")


def _apply(session: Session, work: object, plan: Plan, *, yes: bool, as_json: bool) -> None:
    from pcmk_ha.cli.out import confirm
    from pcmk_ha.cli.steps import Steps
    from pcmk_ha.operate.change.bootstrap import Bootstrap
    from pcmk_ha.plan.actions import CreateMetadata, WipeDisk

    assert isinstance(work, Bootstrap)
    taken = [a for a in (step.action for step in plan) if isinstance(a, CreateMetadata | WipeDisk)]
    if taken and not yes:
        for action in taken:
            disk = next(node.disk for node in session.cluster.nodes if node.name == action.node)
            typer.echo(f"{action.node}: {disk}: {action}", err=True)
        confirm("These disks become the cluster's. Go on?", yes=yes)
    with Steps(plan, to_stderr=as_json) as steps:
        work.apply(plan, steps)


def _print_plan_json(plan: Plan) -> None:
    from pcmk_ha.cli.out import print_json

    print_json({"steps": [{"node": step.action.node, "action": str(step.action)} for step in plan]})


def _print_end(session: Session, log: Path) -> None:
    from pcmk_ha.client.settings import connection_string
    from pcmk_ha.operate.secrets import secrets_path

    cluster = session.cluster
    typer.echo(f"\nThe cluster {cluster.name} serves at {cluster.vip.address}:{cluster.postgresql.port}.")
    typer.echo(f"  connect as the application  psql '{connection_string(cluster)}'")
    typer.echo(f"  its password, and others    {secrets_path(session.path)}")
    typer.echo("  the superuser's shell       pcmk-ha psql")
    typer.echo("  how it is                   pcmk-ha status")
    typer.echo("  prove a failover            pcmk-ha fence NODE")
    typer.echo("  prove the fencing           pcmk-ha fence-test")
    typer.echo(f"  every command that ran      {log}")
    if cluster.lab:
        typer.echo(f"  clients live in the lab     pcmk-ha lab exec --name {cluster.lab} psql '…'")


def parse_wipes(texts: list[str]) -> tuple[tuple[str, str], ...]:
    """Read NODE:DISK pairs; raises BadInput."""
    from pcmk_ha.errors import BadInput, Problem

    pairs = tuple((node, disk) for node, _, disk in (text.partition(":") for text in texts))
    wrong = [text for text, (node, disk) in zip(texts, pairs, strict=True) if not node or not disk.startswith("/dev/")]
    if wrong:
        raise BadInput([Problem(f"--wipe {text}: expected NODE:DISK", "node2:/dev/sdb, say") for text in wrong])
    return pairs


def log_path(file: Path) -> Path:
    """Return a new file for the commands of this run."""
    from platformdirs import user_state_path

    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return user_state_path("pcmk-ha") / "logs" / f"{file.stem}-{stamp}.log"


def psql(
    arguments: Annotated[list[str] | None, typer.Argument(help="Passed on to psql.")] = None,
    file: ClusterFile = DEFAULT_FILE,
) -> None:
    """Open psql through the VIP as the superuser; it runs on a node, so nothing is needed here.

    Example: pcmk-ha psql -c 'SELECT pg_is_in_recovery()'
    """
    import sys

    from pcmk_ha.operate.psql import run_psql
    from pcmk_ha.operate.session import open_session

    with open_session(file) as session:
        status = run_psql(session, arguments or [], terminal=sys.stdin.isatty() and sys.stdout.isatty())
    raise typer.Exit(status)
