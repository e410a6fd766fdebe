"""`rotate-secrets`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pcmk_ha.cli.options import DEFAULT_FILE, AsJson, ClusterFile, Yes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pcmk_ha.model.cluster import Cluster
    from pcmk_ha.operate.rotate.rotation import Rotation
    from pcmk_ha.operate.session import Session
    from pcmk_ha.plan.values import Plan


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="rotate-secrets")(rotate_secrets)


def rotate_secrets(
    subjects: Annotated[
        list[str] | None, typer.Argument(metavar="[SUBJECT]...", help="corosync, drbd, postgresql, fencing.")
    ] = None,
    file: ClusterFile = DEFAULT_FILE,
    everything: Annotated[bool, typer.Option("--all", help="All four.")] = False,
    prepare: Annotated[
        bool,
        typer.Option("--prepare", help="Only choose new values and keep them; the next run brings them into force."),
    ] = False,
    ask: Annotated[
        bool, typer.Option("--ask", help="Ask for fence passwords that stand in files, and write them there.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Replace secrets of a running cluster without an outage: Corosync's key, DRBD's, PostgreSQL's passwords.

    Fence passwords are yours: change one on its device and where the cluster file refers to, then this proves it on
    the device and gives it to the cluster. Killed anywhere, the next run finishes. Refused (exit 4) unless every
    member answers.

    Example: pcmk-ha rotate-secrets corosync drbd
    """
    from pcmk_ha.cli.operate import log_path
    from pcmk_ha.model.load import load_cluster
    from pcmk_ha.operate.rotate.rotation import Rotation
    from pcmk_ha.operate.rotate.store import only_run
    from pcmk_ha.operate.secrets import load_secrets
    from pcmk_ha.operate.session import open_session

    later = load_secrets(load_cluster(file), file).next
    chosen = _chosen(later, subjects or [], everything=everything)
    if prepare:
        with only_run(file):
            _prepare(file, chosen, dry_run=dry_run)
        return
    with open_session(file, log=log_path(file)) as session, only_run(file):
        typed = _ask_passwords(session.cluster) if ask and "fencing" in chosen else {}
        _rotate(session, Rotation(session, chosen, typed), dry_run=dry_run, yes=yes, as_json=as_json)


def _chosen(later: Mapping[str, str], given: list[str], *, everything: bool) -> list[str]:
    """Return the subjects; what an earlier run began needs no word."""
    from pcmk_ha.errors import BadInput, Problem
    from pcmk_ha.plan.rotation import NAMES

    known = ", ".join(NAMES)
    if everything:
        return list(NAMES)
    if not given and later:
        typer.echo(f"Going on with an earlier run: {', '.join(sorted(later))}.", err=True)
        return []
    if not given and sys.stdin.isatty():
        given = typer.prompt(f"Which ({known})?").replace(",", " ").split()
    if not given:
        raise BadInput([Problem("which secrets?", f"name some of {known}, or say --all")])
    if wrong := [Problem(f"{subject} is none of {known}") for subject in given if subject not in NAMES]:
        raise BadInput(wrong)
    return given


def _prepare(file: Path, chosen: list[str], *, dry_run: bool) -> None:
    from pcmk_ha.errors import BadInput, Problem
    from pcmk_ha.operate.rotate.store import choose_secrets
    from pcmk_ha.operate.secrets import secrets_path
    from pcmk_ha.plan.rotation import NAMES

    names = [name for subject in chosen for name in NAMES[subject]]
    if not names:
        raise BadInput([Problem("nothing to choose", "fence passwords are yours; name corosync, drbd or postgresql")])
    if not dry_run:
        choose_secrets(file, names)
    typer.echo(f"New values of {', '.join(names)} stand under `next` in {secrets_path(file)}.")
    typer.echo("Nothing has changed on the nodes; `pcmk-ha rotate-secrets` brings them into force.")


def _ask_passwords(cluster: Cluster) -> dict[str, str]:
    from pcmk_ha.errors import BadInput, Problem
    from pcmk_ha.operate.rotate.rotation import files_to_type

    files = files_to_type(cluster)
    if not files:
        hint = "change the environment variable it names, and leave --ask out"
        raise BadInput([Problem("no fence password stands in a file", hint)])
    typed = {}
    for name, nodes in files.items():
        question = f"New fence password of {', '.join(nodes)} ({name}), empty to leave it"
        if value := typer.prompt(question, hide_input=True, default="", show_default=False, err=True):
            typed[name] = value
    return typed


def _rotate(session: Session, work: Rotation, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    from pcmk_ha.cli.out import confirm
    from pcmk_ha.cli.progress import Progress
    from pcmk_ha.cli.steps import Steps

    with Progress("rotate-secrets") as progress:
        progress.line(f"looking at {', '.join(session.nodes)}")
        plan = work.plan()
    if not plan:
        _print(plan, as_json=as_json)
        typer.echo("Nothing to do: every fence device has the password the cluster file refers to.", err=as_json)
        return
    if dry_run or not (yes or as_json):
        typer.echo(str(plan), err=as_json)
    if dry_run:
        return
    confirm("Go on?", yes=yes)
    with Steps(plan, to_stderr=as_json) as steps:
        work.apply(plan, steps)
    _print(plan, as_json=as_json)
    if not as_json:
        _print_end(session.path, plan)


def _print(plan: Plan, *, as_json: bool) -> None:
    from pcmk_ha.cli.out import print_json

    if as_json:
        print_json({"steps": [{"node": step.action.node, "action": str(step.action)} for step in plan]})


def _print_end(path: Path, plan: Plan) -> None:
    from pcmk_ha.operate.secrets import secrets_path
    from pcmk_ha.plan.rotation_actions import KeepSecrets

    kept = [name for step in plan if isinstance(step.action, KeepSecrets) for name in step.action.names]
    where = secrets_path(path)
    if kept:
        typer.echo(
            f"\nIn force: new values of {', '.join(kept)}. They stand in {where}; keep a copy of it where you did."
        )
    if "application" in kept:
        typer.echo("The application's open sessions go on. Its next connection needs the new password, which stands")
        typer.echo(f"under `application` in {where}: give it to the application, and reload its pool, now.")
