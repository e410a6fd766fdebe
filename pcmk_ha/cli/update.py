"""`update`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pcmk_ha.cli.options import DEFAULT_FILE, AsJson, ClusterFile, Yes
from pcmk_ha.plan.boots import Boots

if TYPE_CHECKING:
    from pcmk_ha.client.ledger import Ledger
    from pcmk_ha.operate.tell import Say
    from pcmk_ha.operate.update.update import Intent
    from pcmk_ha.plan.update_moves import Step


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(update)


def update(
    file: ClusterFile = DEFAULT_FILE,
    reboot: Annotated[
        Boots, typer.Option("--reboot", help="When a node is booted anew: needed, always (if updated), or never.")
    ] = Boots.NEEDED,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and update nothing.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Update packages and kernels, one node after the other, while the service runs.

    The arbiter first, then the standby, then, after one switchover, the node that served. Each is emptied and its
    cluster stopped before a package changes, and the next is begun only when both copies are good again. Refused
    (exit 4) on a cluster that is not healthy, for a kernel without DRBD, for versions that do not go together, and for
    another PostgreSQL major version. A run that was cut short is finished by the next. `apt-mark hold` keeps a package.

    Example: pcmk-ha update --dry-run
    """
    from contextlib import ExitStack, closing
    from dataclasses import replace

    from pcmk_ha.cli.out import confirm, print_json
    from pcmk_ha.cli.story import Story, ending_in_order
    from pcmk_ha.model.load import load_cluster
    from pcmk_ha.operate.secrets import load_secrets
    from pcmk_ha.operate.update.update import Update

    cluster = load_cluster(file)
    if not dry_run:
        load_secrets(cluster, file)  # needed for the switchover: better missed now
    ledgers: list[Ledger | None] = []
    steps: list[Step] = []

    def switch(node: str, say: Say) -> None:
        ledgers.append(_switch_over(file, node, say))

    with Story(to_stderr=as_json) as story:
        story.started("looking at every node, and at what its package sources have")
        work = Update(cluster, lambda: _reach(file), switch, story, reboot)
        intent = work.prepare(dry_run=dry_run)
    _say(intent, quiet=as_json)
    if dry_run and as_json:
        print_json(_as_dict(intent, steps, ledgers))
    if intent.order:
        intent.check()
    if dry_run or not intent.order:
        if as_json and not dry_run:
            print_json(_as_dict(intent, steps, ledgers))
        return
    confirm(_question(intent), yes=yes)
    with ExitStack() as around:
        around.enter_context(ending_in_order())
        story = around.enter_context(Story(to_stderr=as_json))
        steps.extend(around.enter_context(closing(replace(work, teller=story).run(intent))))
    if as_json:
        print_json(_as_dict(intent, steps, ledgers))
    else:
        _print_end(intent, ledgers)
    _require_nothing_lost(ledgers)


def _say(intent: Intent, *, quiet: bool) -> None:
    for line in intent.lines:
        typer.echo(line, err=quiet)
    if not intent.order:
        typer.echo("Nothing to do: every package is up to date, and no node wants a boot.", err=quiet)


def _question(intent: Intent) -> str:
    moves = f" (the service moves away from {intent.found.serves} before that)"
    said = [f"{name}{moves if name == intent.found.serves else ''}" for name in intent.order]
    return f"Update {', then '.join(said)}?"


def _reach(file: Path) -> Any:
    """Open connections to every member that answers, for a while."""
    from contextlib import contextmanager

    from pcmk_ha.operate.members import Members
    from pcmk_ha.operate.secrets import no_secrets
    from pcmk_ha.operate.session import open_session

    @contextmanager
    def opened() -> Iterator[Members]:
        with open_session(file, secrets=no_secrets) as session:
            yield session.members

    return opened()


def _switch_over(file: Path, node: str, say: Say) -> Ledger | None:
    """Move the service, and have clients write meanwhile."""
    from pcmk_ha.cli.outage import measure_outage
    from pcmk_ha.operate.moves.switchover import switch_over
    from pcmk_ha.operate.session import open_session
    from pcmk_ha.operate.tell import Told

    with open_session(file) as session, measure_outage(session) as outage:
        switch_over(session.members, node, Told(say))
        return outage.end()


def _as_dict(intent: Intent, steps: list[Step], ledgers: list[Ledger | None]) -> dict[str, Any]:
    from dataclasses import asdict

    from pcmk_ha.cli.outage import outage_as_dict
    from pcmk_ha.plan.update_moves import Reboot, SwitchOver

    booted = {step.node for step in steps if isinstance(step, Reboot)}
    targets = [step.node for step in steps if isinstance(step, SwitchOver)]
    software = intent.found.software
    return {
        "nodes": [
            {
                "node": name,
                "updates": [asdict(upgrade) for upgrade in software[name].upgrades] if name in software else [],
                "kept_back": list(software[name].kept) if name in software else [],
                "rebooted": name in booted,
            }
            for name in intent.order
        ],
        "reasons": list(intent.reasons),
        "switchover": [{"to": to, **outage_as_dict(found)} for to, found in zip(targets, ledgers, strict=False)],
    }


def _print_end(intent: Intent, ledgers: list[Ledger | None]) -> None:
    from pcmk_ha.cli.outage import print_outage

    typer.echo(f"Updated: {', '.join(intent.order)}.")
    for ledger in ledgers:
        print_outage(ledger)


def _require_nothing_lost(ledgers: list[Ledger | None]) -> None:
    from pcmk_ha.cli.outage import require_nothing_lost

    for ledger in ledgers:
        require_nothing_lost(ledger)
