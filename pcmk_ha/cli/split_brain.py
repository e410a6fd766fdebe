"""`split-brain`."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pcmk_ha.cli.options import DEFAULT_FILE, AsJson, ClusterFile, Yes

if TYPE_CHECKING:
    from pcmk_ha.cli.progress import Progress
    from pcmk_ha.operate.members import Members
    from pcmk_ha.operate.split_brain.evidence import Evidence
    from pcmk_ha.operate.split_brain.propose import Proposal


class Save(StrEnum):
    """How what is given up is kept."""

    BLOCKS = "blocks"
    SNAPSHOT = "snapshot"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(split_brain)


def split_brain(
    file: ClusterFile = DEFAULT_FILE,
    discard: Annotated[
        str, typer.Option("--discard", metavar="NODE", help="Give up what this node alone has; saved before.")
    ] = "",
    save: Annotated[
        Save, typer.Option("--save", help="Keep its differing blocks in a file, or a snapshot of its logical volume.")
    ] = Save.BLOCKS,
    directory: Annotated[
        Path, typer.Option("--directory", metavar="PATH", help="Where on that node the blocks are kept.")
    ] = Path("/var/lib/pcmk-ha/split-brain"),
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Show what both sides of a split brain hold, and settle it: one side's data is saved, then given up.

    Nothing is done before you type the name of the node; where nobody can be asked it ends with exit 3. Without a split
    brain it says so. Refused (exit 4) when a node does not answer, the copy to be given up is in use, or a resync runs.
    A run that was cut short is finished by the next.

    Example: pcmk-ha split-brain --discard node2
    """
    from pcmk_ha.cli.out import print_json
    from pcmk_ha.cli.progress import Progress
    from pcmk_ha.cli.split_brain_screen import print_evidence
    from pcmk_ha.operate.secrets import no_secrets
    from pcmk_ha.operate.session import open_session
    from pcmk_ha.operate.split_brain.gather import gather
    from pcmk_ha.operate.split_brain.propose import propose

    result: dict[str, object] = {}
    with open_session(file, secrets=no_secrets) as session, Progress("split-brain") as progress:
        progress.line("asking both sides")
        evidence = gather(session.members, directory=str(directory))
        proposal = propose(evidence)
        if not as_json:
            progress.clear()
            print_evidence(evidence, proposal)
        order = Order(discard, save.value, str(directory), yes)
        try:
            result |= _settle(session.members, evidence, proposal, order, progress)
        finally:
            if as_json:
                print_json(evidence.as_dict() | {"proposal": asdict(proposal)} | result)
    _say_result(result, as_json=as_json)


@dataclass(frozen=True)
class Order:
    """What the operator asked for."""

    discard: str
    save: str
    directory: str
    yes: bool


def _settle(
    members: Members, evidence: Evidence, proposal: Proposal, order: Order, progress: Progress
) -> dict[str, object]:
    """Settle it where it is known whose data is to be given up; return what came of it."""
    from pcmk_ha.errors import CHANGES_FOUND
    from pcmk_ha.operate.split_brain.settle import Settlement, note_settled, require_both, what_is_left

    def begin(step: str) -> None:
        progress.clear()
        typer.echo(step, err=True)

    require_both(evidence)
    ours = evidence.unsettled()
    if ours and not evidence.is_syncing:
        note_settled(members, evidence)
        return {"settled": ours.node, "kept_in": ours.place, "left": list(what_is_left(members, progress.line))}
    if not (ours or evidence.is_split or (order.discard and evidence.is_unclear)):
        return {"settled": None}
    lost = ours.node if ours and not order.discard else order.discard or _ask_whose(evidence, proposal)
    if not lost:
        raise typer.Exit(CHANGES_FOUND)
    work = Settlement(members, lost, begin, progress.line, order.save, order.directory)
    work.check(evidence)
    if not ours:
        _require_name(lost, order)
    saved = work.run()
    return {
        "settled": lost,
        "kept_in": saved.place if saved else None,
        "left": list(what_is_left(members, progress.line)),
    }


def _ask_whose(evidence: Evidence, proposal: Proposal) -> str:
    """Have the operator name the node whose data is given up; empty where nobody can be asked, or nothing was named."""
    if not sys.stdin.isatty():
        typer.echo("Nothing was done: --discard NODE names the side whose data is given up.", err=True)
        return ""
    proposed = f", as proposed above {proposal.give_up}" if proposal.give_up else ""
    question = f"Whose data is given up ({' or '.join(evidence.sides)}{proposed}; nothing leaves all as it is)"
    return str(typer.prompt(question, default="", show_default=False, err=True)).strip()


def _require_name(lost: str, order: Order) -> None:
    """Go on only with an answer: a name typed now, or --discard with --yes."""
    from pcmk_ha.errors import Refused

    if not order.discard or order.yes:
        return
    if not sys.stdin.isatty():
        raise Refused("not confirmed", hint=f"--discard {lost} --yes does it without asking")
    answer = typer.prompt(
        f"What {lost} alone has is saved, and given up. Type its name to go on",
        default="",
        show_default=False,
        err=True,
    )
    if answer.strip() != lost:
        raise Refused("not confirmed", hint="nothing was touched")


def _say_result(result: dict[str, object], *, as_json: bool) -> None:
    if not result["settled"]:
        return
    typer.echo(f"Settled: both copies are one again, {result['settled']} gave up its own.", err=as_json)
    if result["kept_in"]:
        typer.echo(f"What it had is kept on it, in {result['kept_in']}; remove that when nobody needs it.", err=as_json)
    typer.echo("`pcmk-ha verify` compares every block, now that both sides were apart.", err=as_json)
    left = result["left"]
    for finding in left if isinstance(left, list) else ():
        typer.echo(f"! {finding}", err=as_json)
