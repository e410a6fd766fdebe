"""Timers that belong together: how soon something is given up, and how often that is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pcmk_ha.model.scalars import Scalar

Name = Literal["default", "conservative", "fast"]


@dataclass(frozen=True)
class Profile:
    """What the cluster file does not say itself."""

    token_ms: int
    delay_s: int  # head start of the promoted node, where two votes can tie
    net: dict[str, Scalar]  # DRBD's
    parameters: dict[str, Scalar] = field(default_factory=dict)  # PostgreSQL's


# DRBD: peer loss is noticed after one to two ping-int (s) and a ping-timeout (0.1 s): a silence of ping-int makes it
# ask, unless something came within the last ping-int. That is later than Corosync notices, and before the fencing is
# confirmed: a promotion waits for it. timeout (0.1 s) must be below ping-int and connect-int; a standby whose disk
# hangs is given up after ko-count times that.
# PostgreSQL: what bounds the WAL to replay bounds crash recovery.
PROFILES: dict[Name, Profile] = {
    "default": Profile(1000, 3, {"ping-int": 1, "ping-timeout": 10, "timeout": 9, "ko-count": 12}),
    # Networks with pauses of seconds: virtual machines that are moved, switches that learn.
    "conservative": Profile(3000, 5, {"ping-int": 10, "ping-timeout": 20, "timeout": 60, "connect-int": 10}),
    # A network of one's own, and nodes that never stand still.
    # The head start stays: when the lost node was the DC, the other one decides up to 2 s later than a DC would, and
    # with less than that both sides of a split would shoot. An arbiter, which needs none, is what makes it short.
    "fast": Profile(
        500,
        3,
        {"ping-int": 1, "ping-timeout": 5, "timeout": 9, "ko-count": 12, "connect-int": 2},
        {"checkpoint_timeout": "1min", "max_wal_size": "512MB"},
    ),
}
