"""`plan` and `apply`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pcmk_ha.cli.options import DEFAULT_FILE, AsJson, ClusterFile, NewHostKeys, Yes

if TYPE_CHECKING:
    from pcmk_ha.operate.change.change import Change
    from pcmk_ha.operate.session import Session
    from pcmk_ha.plan.proposal import Proposal


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(plan)
    app.command()(apply)


def plan(
    file: ClusterFile = DEFAULT_FILE,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Keep the plan here, for `apply`.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Exit 3 when there is something to change.")] = False,
    as_json: AsJson = False,
    accept_new_host_keys: NewHostKeys = False,
) -> None:
    """Show what `apply` would change, what was changed by hand, and what it would do to the service.

    Compares three sides: what was applied last, what the file wants, and what runs. Changes nothing.

    Example: pcmk-ha plan --out change.plan
    """
    from pcmk_ha.cli.hostkeys import ask_host_key
    from pcmk_ha.cli.out import print_json
    from pcmk_ha.cli.proposal import print_proposal
    from pcmk_ha.errors import CHANGES_FOUND
    from pcmk_ha.operate.session import open_session

    with open_session(file, ask=ask_host_key(accept=accept_new_host_keys)) as session:
        proposal = _look(session, _change(session, only_look=True), "plan")
    if out:
        _keep(out, proposal)
    if as_json:
        print_json(proposal.as_dict())
    else:
        print_proposal(proposal)
        if out:
            typer.echo(f"\nKept in {out}: pcmk-ha apply {out}")
    raise typer.Exit(CHANGES_FOUND if check and proposal.plan else 0)


def apply(
    kept: Annotated[Path | None, typer.Argument(metavar="PLAN", help="A plan kept by `plan --out`.")] = None,
    file: ClusterFile = DEFAULT_FILE,
    allow_outage: Annotated[
        bool, typer.Option("--allow-outage", help="Agree to what restarts or moves the service.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
    accept_new_host_keys: NewHostKeys = False,
) -> None:
    """Bring a running cluster in line with its file: exactly what was shown, or nothing.

    Looks again before it starts, and refuses (exit 4) when the cluster or the file moved on since the plan was
    made. With --yes, what interrupts the service needs --allow-outage, too.

    Example: pcmk-ha apply change.plan
    """
    from pcmk_ha.cli.hostkeys import ask_host_key
    from pcmk_ha.cli.operate import log_path
    from pcmk_ha.cli.out import confirm, print_json
    from pcmk_ha.cli.proposal import print_proposal
    from pcmk_ha.operate.session import open_session

    ask = ask_host_key(accept=accept_new_host_keys)
    text = _read(kept) if kept else ""
    with open_session(file, ask=ask, log=log_path(file)) as session:
        work = _change(session)
        proposal = _look(session, work, "apply")
        _require_cluster(proposal)
        if text:
            _require_same(text, proposal)
        if not as_json:
            print_proposal(proposal)
        if proposal.plan:
            _require_consent(proposal, allow_outage=allow_outage, yes=yes)
            agreed = bool(text) and (allow_outage or not proposal.impact.outage)  # it was looked at when it was made
            confirm(_question(proposal), yes=yes or agreed)
            if not yes:
                _require_unchanged(proposal, _look(session, work, "apply"))
            _perform(work, proposal, as_json=as_json)
    if as_json:
        print_json({**proposal.as_dict(), "done": bool(proposal.plan)})


def _change(session: Session, *, only_look: bool = False) -> Change:
    from pcmk_ha.operate.change.change import Change

    session.require_all()
    return Change(session.nodes, session.desired(), session.secrets, only_look=only_look, restart=True)


def _look(session: Session, work: Change, title: str) -> Proposal:
    from pcmk_ha.cli.progress import Progress

    with Progress(title) as progress:
        progress.line(f"looking at {', '.join(session.nodes)}")
        return work.propose()


def _keep(path: Path, proposal: Proposal) -> None:
    import json

    from pcmk_ha.errors import PcmkHaError

    try:
        path.write_text(json.dumps(proposal.as_dict(), indent=1) + "\n")
    except OSError as error:
        raise PcmkHaError(f"{path}: {error.strerror}") from None


def _read(path: Path) -> str:
    from pcmk_ha.errors import BadInput, Problem
    from pcmk_ha.plan.proposal import parse_fingerprint

    hint = "`pcmk-ha plan --out FILE` writes one"
    try:
        text = path.read_text()
        parse_fingerprint(text)
    except OSError as error:
        raise BadInput([Problem(f"cannot be read: {error.strerror}", hint, str(path))]) from None
    except (ValueError, KeyError, TypeError):
        raise BadInput([Problem("this is no plan", hint, str(path))]) from None
    return text


def _require_cluster(proposal: Proposal) -> None:
    """Refuse to build: what may take disks has checks of its own."""
    from pcmk_ha.errors import Refused
    from pcmk_ha.plan import actions as act

    building = (act.PrepareVolume, act.CreateMetadata, act.WipeDisk, act.SkipInitialSync)
    if any(isinstance(step.action, building) for step in proposal.plan):
        raise Refused(f"there is no cluster {proposal.cluster} yet that could be changed", hint="pcmk-ha bootstrap")


def _require_same(text: str, now: Proposal) -> None:
    from pcmk_ha.errors import Refused
    from pcmk_ha.plan.proposal import parse_fingerprint, what_moved

    cluster, fingerprint = parse_fingerprint(text)
    if cluster != now.cluster:
        raise Refused(f"this plan is for the cluster {cluster}, the file is of {now.cluster}")
    if fingerprint != now.fingerprint:
        moved = what_moved(text, now) or ("the cluster's configuration or the file is another one",)
        raise Refused("the cluster moved on since the plan was made:\n" + "\n".join(moved), hint="pcmk-ha plan")


def _require_unchanged(shown: Proposal, now: Proposal) -> None:
    import json

    _require_same(json.dumps(shown.as_dict()), now)


def _require_consent(proposal: Proposal, *, allow_outage: bool, yes: bool) -> None:
    from pcmk_ha.errors import Refused

    if proposal.impact.outage and yes and not allow_outage:
        said = "; ".join(proposal.impact.outage)
        raise Refused(f"this interrupts the service: {said}", hint="--allow-outage agrees to it; nothing was touched")


def _question(proposal: Proposal) -> str:
    outage = proposal.impact.outage
    return f"Apply? It interrupts the service: {'; '.join(outage)}" if outage else "Apply?"


def _perform(work: Change, proposal: Proposal, *, as_json: bool) -> None:
    from pcmk_ha.cli.steps import Steps

    with Steps(proposal.plan, to_stderr=as_json) as steps:
        work.apply(proposal.plan, steps)
    work.await_health("apply")
    if not as_json:
        typer.echo("Done: the cluster is as the file wants it, and serves.")
