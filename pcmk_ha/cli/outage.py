"""How long writes through the VIP are out while something is done, and whether any that was acknowledged is missing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from pcmk_ha.client.ledger import Ledger
    from pcmk_ha.client.process import WriterProcess
    from pcmk_ha.operate.session import Session

WRITES = 10
REACH_S = 6
RETURN_S = 120


class Outage:
    """Clients that write all along; `measured` is False where the VIP cannot be reached from here."""

    def __init__(self, writer: WriterProcess) -> None:
        self._writer = writer
        self.measured = _is_writing(writer)

    def end(self) -> Ledger | None:
        """Wait until writes are answered again and return what became of all; None where nothing was measured."""
        if not self.measured:
            return None
        self._writer.await_writes(WRITES, timeout_s=RETURN_S)
        return self._writer.finish()


@contextlib.contextmanager
def measure_outage(session: Session) -> Iterator[Outage]:
    """Write while the block runs; the clients end with it, however it ends."""
    from pcmk_ha.client.process import WriterProcess

    with WriterProcess(session.cluster, session.secrets.superuser) as writer:
        yield Outage(writer)


def _is_writing(writer: WriterProcess) -> bool:
    from pcmk_ha.errors import TimedOut

    with contextlib.suppress(TimedOut):
        writer.await_writes(WRITES, timeout_s=REACH_S)
        return True
    return False


def print_outage(ledger: Ledger | None) -> None:
    """Say what clients saw."""
    if ledger is None:
        typer.echo("The VIP cannot be reached from here: the outage was not measured.")
        return
    typer.echo(f"Writes were out for {ledger.outage_s:.1f} s; of {len(ledger.acknowledged)} acknowledged", nl=False)
    typer.echo(f" {len(ledger.lost)} are missing, in doubt (sent, not answered): {len(ledger.doubtful)}.")


def print_pause(ledger: Ledger | None) -> None:
    """Say that clients went on, and what the longest time between two writes was."""
    if ledger is None:
        typer.echo("The VIP cannot be reached from here: whether clients noticed was not measured.")
        return
    typer.echo(f"Clients wrote all along, at most {ledger.outage_s:.1f} s between two answers; of", nl=False)
    typer.echo(f" {len(ledger.acknowledged)} acknowledged writes {len(ledger.lost)} are missing.")


def outage_as_dict(ledger: Ledger | None) -> dict[str, Any]:
    """Return the same for a program; null where it was not measured."""
    return {
        "outage_s": round(ledger.outage_s, 2) if ledger else None,
        "acknowledged": len(ledger.acknowledged) if ledger else None,
        "missing": len(ledger.lost) if ledger else None,
        "doubtful": len(ledger.doubtful) if ledger else None,
    }


def require_nothing_lost(ledger: Ledger | None) -> None:
    """Raise PcmkHaError when a write that was acknowledged is missing."""
    from pcmk_ha.errors import PcmkHaError

    if ledger and ledger.lost:
        raise PcmkHaError(f"{len(ledger.lost)} acknowledged writes are missing", hint="`pcmk-ha status`; report this")
