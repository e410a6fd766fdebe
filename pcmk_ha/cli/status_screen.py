"""The one screen of `status`."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pcmk_ha.cli.out import console
from pcmk_ha.operate.look.status import Health, Status

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table

COLOUR = {Health.HEALTHY: "green", Health.DEGRADED: "yellow", Health.DOWN: "bold red"}
WATCH_S = 2


def print_status(status: Status) -> None:
    """Print the one screen."""
    console().print(status_screen(status))


def watch_status(look: Callable[[], Status], show: Callable[[Status], None] | None = None) -> None:
    """Show the screen again and again until interrupted; one after another with `show`, or where it is piped."""
    with contextlib.suppress(KeyboardInterrupt):
        if show or not console().is_terminal:
            _repeat(lambda: (show or print_status)(look()))
        else:
            _watch_live(look)


def _watch_live(look: Callable[[], Status]) -> None:
    from rich.live import Live

    with Live(console=console(), auto_refresh=False) as live:
        _repeat(lambda: live.update(status_screen(look()), refresh=True))


def _repeat(show: Callable[[], None]) -> None:
    while True:
        show()
        time.sleep(WATCH_S)


def status_screen(status: Status) -> Group:
    """Return the screen as something Rich can draw."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [
        Text.assemble(
            f"{status.cluster}: ",
            (status.health.name.lower(), COLOUR[status.health]),
            f"   VIP {status.vip}",
            _votes(status),
        ),
        "",
        _nodes(status),
        "",
        *_devices(status),
    ]
    for finding in status.findings:
        parts.append(Text(f"! {finding.what}", style="yellow"))
        if finding.todo:
            parts.append(Text(f"    {finding.todo}", style="dim"))
    return Group(*parts)


def _votes(status: Status) -> str:
    quorum = next((facts.quorum for facts in status.members.values() if facts.quorum), None)
    if quorum is None:
        return "   no quorum known"
    return f"   {quorum.votes} of {quorum.expected} votes, {'quorate' if quorum.quorate else 'NOT quorate'}"


def _nodes(status: Status) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("node", "state", "links", "DRBD", "disk", "peer", "runs"):
        table.add_column(title)
    for name, word in status.nodes.items():
        facts = status.members.get(name)
        drbd = facts.drbd if facts else None
        links = f"{sum(link.connected for link in facts.links)}/{len(facts.links)}" if facts else "?"
        state = status.unreachable.get(name, "")
        cells = (
            (drbd.role or "down", drbd.disk, f"{drbd.connection} {drbd.peer_disk}".strip()) if drbd else ("", "", "")
        )
        table.add_row(name, f"{word} (no SSH)" if state else word, links, *cells, ", ".join(_runs(status, name)))
    return table


def _runs(status: Status, node: str) -> Iterator[str]:
    service = status.service
    for what, where in (
        ("promoted", service.promoted_on),
        ("file system, PostgreSQL", service.database_on),
        ("VIP", service.vip_on),
    ):
        if where == node:
            yield what


def _devices(status: Status) -> Iterator[str]:
    service = status.service
    yield f"STONITH: {service.devices} of {service.wanted_devices} devices running"
    if status.fencings:
        last = status.fencings[0]
        yield f"last fencing: {last.action} of {last.target}, {last.status}, {last.when} UTC"
    else:
        yield "last fencing: never since the cluster started"
    if status.service.dc:
        yield from proofs(status, datetime.now(UTC))


def proofs(status: Status, now: datetime) -> Iterator[str]:
    """Say when fencing was last proven and the copies last compared."""
    fenced = status.records.fenced
    said = ", ".join(f"{name} {_age(now, fenced[name]) if name in fenced else 'never'}" for name in status.nodes)
    yield f"fencing last proven: {said}" + ("" if set(status.nodes) <= set(fenced) else " (pcmk-ha fence-test)")
    sides = [facts.drbd for facts in status.members.values() if facts.drbd]
    if under_way := next((side.progress or "begun" for side in sides if side.is_verifying), ""):
        yield f"copies are being compared: {under_way}"
    verified = status.records.verified
    if verified is None:
        yield "copies last compared: never (pcmk-ha verify)"
    else:
        found = f"{verified.differing_kib} KiB differed" if verified.differing_kib else "equal"
        mended = ", copied since" if verified.differing_kib and not status.records.differing_kib else ""
        yield f"copies last compared: {_age(now, verified.at)}, {found}{mended}"
    yield _backed_up(status, now)


def _backed_up(status: Status, now: datetime) -> str:
    last = status.records.backed_up
    if last is None:
        return "last backup: never by pcmk-ha (pcmk-ha backup)"
    return f"last backup: {_age(now, last.at)}, {last.node}:{last.path}"


def _age(now: datetime, at: datetime) -> str:
    """Return how long ago something was; what a clock puts into the future is now."""
    seconds = max(0, round((now - at).total_seconds()))
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if count := seconds // length:
            return f"{count} {unit}{'s' * (count > 1)} ago"
    return "just now"
