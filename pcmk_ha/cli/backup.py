"""`backup` and `restore`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pcmk_ha.cli.options import DEFAULT_FILE, AsJson, ClusterFile, Yes

if TYPE_CHECKING:
    from pcmk_ha.operate.backup.place import Place
    from pcmk_ha.operate.backup.restore import Look
    from pcmk_ha.operate.session import Session
    from pcmk_ha.plan.restore import Found, Order

STEPS_OF_RECOVERY = """The backup is copied into the volume and recovered there while the service goes on. Then
PostgreSQL is stopped through Pacemaker, the present data is renamed to {aside},
and the service starts on what was restored.
Everything written since the backup is only in what is set aside. It is kept until you remove it."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backup)
    app.command()(restore)


def backup(
    to: Annotated[str, typer.Option("--to", metavar="DIRECTORY", help="On the node that serves, not in the volume.")],
    file: ClusterFile = DEFAULT_FILE,
    max_rate: Annotated[
        int, typer.Option("--max-rate", metavar="MIB", help="At most so many MiB/s; 0: as fast as it goes.", min=0)
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Make a base backup of the node that serves, while it serves, and verify it.

    The node makes it by itself: when this is interrupted the backup goes on, and the next run follows it. A backup
    that has its name is whole.

    Example: pcmk-ha backup --to /backup
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from pcmk_ha.cli.out import print_json
    from pcmk_ha.cli.progress import Progress
    from pcmk_ha.facts.records import format_time
    from pcmk_ha.operate.backup.backup import Backup
    from pcmk_ha.operate.backup.place import Place
    from pcmk_ha.operate.look.service import look_at_service
    from pcmk_ha.operate.session import open_session

    _require_absolute("--to", to)
    with open_session(file) as session, Progress("backup") as progress:
        work = Backup(session.cluster, session.nodes, Place.of(session.desired()))
        runner = work.serving(look_at_service(session.any_node(), session.cluster))
        needed = 0
        if work.job(runner).is_active():
            progress.line(f"{runner.node} makes a backup already: following that one")
        else:
            needed = work.check(runner, to).needed
            work.begin(runner, to, datetime.now(UTC), max_rate_mib=max_rate)
        made = work.follow(runner, to, needed, progress.line)
    if as_json:
        print_json({**asdict(made), "at": format_time(made.at)})
    else:
        typer.echo(f"{made.node}:{made.path} is whole and verified.")


def restore(
    source: Annotated[str, typer.Argument(metavar="FROM", help="A backup, on the node that serves; none: go on.")] = "",
    file: ClusterFile = DEFAULT_FILE,
    prepared: Annotated[
        bool, typer.Option("--prepared", help="FROM is a data directory that another program restored.")
    ] = False,
    restore_command: Annotated[
        str, typer.Option("--restore-command", metavar="COMMAND", help="How to fetch WAL, as PostgreSQL's parameter.")
    ] = "",
    target_time: Annotated[str, typer.Option("--target-time", metavar="TIME", help="Recover up to then.")] = "",
    target_lsn: Annotated[str, typer.Option("--target-lsn", metavar="LSN", help="Recover up to there.")] = "",
    target_name: Annotated[str, typer.Option("--target-name", metavar="NAME", help="Recover up to this point.")] = "",
    abandon: Annotated[
        bool, typer.Option("--abandon", help="Give up a restore that has not replaced anything.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Put a base backup in place of the present data, which is set aside, not deleted.

    It is recovered outside the cluster first, for the cluster's start would delete the backup's label and corrupt it.
    Until the swap the present data serves. A run that was cut short is finished by `pcmk-ha restore` alone.

    Example: pcmk-ha restore /backup/demo-20261128T063000Z
    """
    from pcmk_ha.operate.session import open_session

    target = _target(time=target_time, lsn=target_lsn, name=target_name)
    _check_words(source, restore_command, target, prepared=prepared, abandon=abandon)
    with open_session(file) as session:
        if abandon:
            _abandon(session, yes=yes)
            return
        look, place = _look(session)
        order = _order(session, look, place, source, restore_command, target, prepared=prepared)
        _restore(session, look, place, order, yes=yes, as_json=as_json)


def _target(**given: str) -> tuple[str, str] | None:
    from pcmk_ha.errors import BadInput, Problem

    found = [(name, value) for name, value in given.items() if value]
    if len(found) > 1:
        raise BadInput([Problem("--target-time, --target-lsn and --target-name: one of them")])
    return found[0] if found else None


def _check_words(source: str, command: str, target: tuple[str, str] | None, *, prepared: bool, abandon: bool) -> None:
    from pcmk_ha.errors import BadInput, Problem

    if source:
        _require_absolute("FROM", source)
    elif command or target or prepared:
        raise BadInput([Problem("these options belong to a backup that is named", "pcmk-ha restore DIRECTORY …")])
    if source and abandon:
        raise BadInput([Problem("--abandon needs no backup: it gives up the restore that was begun")])
    if target and not command and not prepared:
        what = "the WAL that leads to a target after the backup's end must come from an archive"
        raise BadInput([Problem(what, "--restore-command 'cp /archive/%f %p', say")])


def _require_absolute(name: str, path: str) -> None:
    from pcmk_ha.errors import BadInput, Problem

    if not path.startswith("/") or not path.isprintable():
        raise BadInput([Problem(f"{name} {path}: expected an absolute path on the node that serves")])


def _look(session: Session) -> tuple[Look, Place]:
    from pcmk_ha.operate.backup.place import Place
    from pcmk_ha.operate.backup.restore import look_at_restore, reasons_against_restore
    from pcmk_ha.operate.moves.gate import refuse

    place = Place.of(session.desired())
    look = look_at_restore(session.members, place)
    refuse(reasons_against_restore(look))
    return look, place


def _order(
    session: Session, look: Look, place: Place, source: str, command: str, target: tuple[str, str] | None, *,
    prepared: bool,
) -> Order:  # fmt: skip
    """Return what was begun, or what is asked for now; raises Refused with every reason."""
    from datetime import UTC, datetime

    from pcmk_ha.operate.backup.restore import make_order, new_id
    from pcmk_ha.operate.backup.source import look_at_source, order_kind, reasons_against_source
    from pcmk_ha.operate.moves.gate import refuse
    from pcmk_ha.plan.restore import Order

    wanted = {"restore_command": command, "target": "=".join(target or ())}
    if look.found.order is not None:
        return make_order(look.found, {**wanted, "source": _resolved(look.found, source)}, None)
    if not source:
        return make_order(look.found, wanted, None)
    runner = session.nodes[look.holder]
    found = look_at_source(runner, place, source)
    reasons = reasons_against_source(look.holder, place, found, prepared=prepared, drafted=look.found.drafted)
    refuse(reasons, hint=_where_else(session, look, source))
    kind, moved = order_kind(found, prepared=prepared)
    return make_order(look.found, wanted, Order(new_id(datetime.now(UTC)), found.path, kind, moved, command, target))


def _resolved(found: Found, source: str) -> str:
    """A backup of ours may be named by its folder."""
    assert found.order is not None
    return found.order.source if found.order.source == f"{source.rstrip('/')}/data" else source


def _where_else(session: Session, look: Look, source: str) -> str:
    others = [node.name for node in session.cluster.nodes if node.name != look.holder and node.name in session.nodes]
    there = [name for name in others if session.nodes[name].run(("test", "-d", source), ok=(0, 1)).status == 0]
    if there:
        (name, *_) = there
        return f"{name} has such a directory, and {look.holder} the volume: copy it, or `pcmk-ha switchover {name}`"
    return "nothing was touched"


def _restore(session: Session, look: Look, place: Place, order: Order, *, yes: bool, as_json: bool) -> None:
    from pcmk_ha.cli.out import confirm, print_json
    from pcmk_ha.cli.story import Story
    from pcmk_ha.operate.backup.restore import Restorer
    from pcmk_ha.operate.moves.mover import carry_out
    from pcmk_ha.plan.restore import plan_restore

    plan = plan_restore(look.found, order)
    aside = place.aside(order.id)
    if not look.found.swapped:
        begun = f"A restore of {order} was begun, and goes on. What it replaces is kept: {aside}"
        typer.echo(begun if look.found.order else STEPS_OF_RECOVERY.format(aside=aside), err=as_json)
        confirm(f"Replace the data of {session.cluster.name} by {order}?", yes=yes)
    with Story(to_stderr=as_json) as story:
        performer = Restorer(session.members, session.desired(), session.secrets, look.holder, story.watched)
        carry_out(plan, performer, story)
    if as_json:
        print_json({"restored": order.source, "node": look.holder, "kept": aside})
    else:
        typer.echo(f"{session.cluster.name} serves what was restored. What it replaced is kept: {aside}")


def _abandon(session: Session, *, yes: bool) -> None:
    from pcmk_ha.cli.out import confirm
    from pcmk_ha.errors import Refused
    from pcmk_ha.operate.backup.restore import Restorer

    look, _place = _look(session)
    order = look.found.order
    if order is None:
        typer.echo("No restore was begun.")
        return
    if look.found.swapped or not look.found.data:
        raise Refused("the present data is replaced already", hint="`pcmk-ha restore` finishes it")
    confirm(f"Give up the restore of {order}?", yes=yes)
    Restorer(session.members, session.desired(), session.secrets, look.holder, lambda _text: None).abandon(order)
    typer.echo("The restore is given up; the present data was not touched.")
