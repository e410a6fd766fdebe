"""Waiting for a state: always with a deadline, and with the last thing seen in the error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from pcmk_ha.errors import TimedOut

T = TypeVar("T")
LONGEST = 600  # characters of what was seen last


def wait_until(
    observe: Callable[[], T],
    ready: Callable[[T], bool],
    *,
    what: str,
    timeout_s: float,
    every_s: float = 0.5,
    hint: str = "",
    describe: Callable[[T], str] = str,
) -> T:
    """Observe until `ready` is true of what was seen, and return that.

    Raises TimedOut, with the last observation in its text, after `timeout_s` seconds.
    """
    retrying = Retrying(
        stop=stop_after_delay(timeout_s),
        wait=wait_fixed(every_s),
        retry=retry_if_result(lambda seen: not ready(seen)),
    )
    try:
        return retrying(observe)
    except RetryError as error:
        seen = error.last_attempt.result()
        words = describe(seen)[:LONGEST]
        raise TimedOut(f"{what} did not happen within {timeout_s:.0f} s; last seen: {words}", hint=hint) from None
