"""A moment that an operator names, and waiting for it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import typer

LINE_EVERY_S = 600  # piped: a log of a night stays readable
LOOK_S = 1.0


def parse_moment(text: str, now: datetime) -> datetime:
    """Read HH:MM, which is today or else tomorrow, or an ISO time; without a zone it is this machine's.

    Raises BadInput for what is neither, and for a time that is over.
    """
    from pcmk_ha.errors import BadInput, Problem

    example = "02:30, or 2030-01-31T02:30"
    try:
        if len(text) <= 5:
            clock = datetime.strptime(text, "%H:%M")  # noqa: DTZ007  a clock on the wall
            moment = now.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
            return moment if moment > now else moment + timedelta(days=1)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput([Problem(f"--at {text}: not a time", example)]) from None
    moment = moment if moment.tzinfo else moment.astimezone()
    if moment <= now:
        raise BadInput([Problem(f"--at {text}: that is over", example)])
    return moment


def await_moment(
    moment: datetime, what: str, *, clock: Callable[[], datetime], pause: Callable[[float], None] = time.sleep
) -> None:
    """Wait, and show for how long; looked at again and again, for a clock may be set."""
    live = sys.stderr.isatty()
    shown = None
    while (left := (moment - clock()).total_seconds()) > 0:
        text = f"{what} at {moment:%Y-%m-%d %H:%M:%S %Z}, in {timedelta(seconds=int(left) + 1)!s}"
        if live:
            sys.stderr.write(f"\r\033[K{text}")
            sys.stderr.flush()
        elif shown is None or shown - left >= LINE_EVERY_S:
            shown = left
            typer.echo(text, err=True)
        pause(min(LOOK_S, left))
    if live:
        sys.stderr.write("\r\033[K")
