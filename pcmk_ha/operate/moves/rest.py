"""A close look at a cluster that is at rest: what a killed run set going comes to its end before anybody judges."""

from __future__ import annotations

import contextlib

from pcmk_ha.errors import TimedOut
from pcmk_ha.facts.pacemaker import IDLE
from pcmk_ha.operate.look.standing import Standing, glimpse, look_closely
from pcmk_ha.operate.members import Members
from pcmk_ha.operate.wait import wait_until

REST_S = 60  # nobody can tell what a transition is for: a gate says what is wrong with one that goes on


def look_at_rest(members: Members) -> Standing:
    """Look closely once Pacemaker does nothing, or after a minute, whatever it does then."""
    standing = look_closely(members)
    runs = standing.stop_all is not None
    if not runs or (standing.state == IDLE and standing.status.service.is_up):
        return standing
    with contextlib.suppress(TimedOut):
        wait_until(
            lambda: glimpse(members.nodes.values(), members.cluster),
            lambda seen: seen.is_idle,
            what="Pacemaker at rest",
            timeout_s=REST_S,
        )
    return look_closely(members)  # what it was at when it was looked at first may be over by now
