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


# DRBD: peer loss is noticed after ping-int + ping-timeout (s + 0.1 s), or timeout (0.1 s) while writes are under way;
# timeout must be below ping-int and connect-int.
# PostgreSQL: what bounds the WAL to replay bounds crash recovery.
PROFILES: dict[Name, Profile] = {
    "default": Profile(1000, 3, {"ping-int": 2, "ping-timeout": 10, "timeout": 15}),
    # Networks with pauses of seconds: virtual machines that are moved, switches that learn.
    "conservative": Profile(3000, 5, {"ping-int": 10, "ping-timeout": 20, "timeout": 60, "connect-int": 10}),
    # A network of one's own, and nodes that never stand still.
    "fast": Profile(
        500,
        1,
        {"ping-int": 1, "ping-timeout": 5, "timeout": 9, "connect-int": 2},
        {"checkpoint_timeout": "1min", "max_wal_size": "512MB"},
    ),
}
