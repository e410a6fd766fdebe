"""One clock for everything that is measured on this machine."""

from __future__ import annotations

import time

STARTED = time.time() - time.monotonic()  # taken once: a clock that is set meanwhile must not change a duration


def now() -> float:
    """Return seconds since 1970 that go on evenly whatever is done to the clock."""
    return STARTED + time.monotonic()
