"""A link works, badly.

What breaks: for 30 s the primary's packets on the cluster or on the replication link are lost now and then (1 %), often
(20 %), or arrive 200 ms late.
What must happen: nothing moves and nobody is fenced. Corosync has a second, good link and repeats what was lost; DRBD's
and the clients' connections repeat as well, so writes become slow. With every fifth packet lost a connection may
break: DRBD then goes on without a second copy for a moment and catches up, clients connect anew, and a fence device's
monitor may fail and leave that on record.
Within: 5 s without an acknowledged write with 1 %, 10 s with 200 ms, 30 s with 20 %.
"""

from __future__ import annotations

from collections.abc import Callable

from pcmk_ha.drill.scenario import SAME, Expectation, Field, Scenario
from pcmk_ha.drill.tricks import DEVICES, disturb

BAD_S = 30
WAYS = {
    "loss-1-percent": ("loss 1%", Expectation(SAME, (), 5)),
    "loss-20-percent": ("loss 20%", Expectation(SAME, (), 30, failures_stay=True)),
    "latency-200ms": ("delay 200ms", Expectation(SAME, (), 10)),
}


def make_bad(link: str, how: str) -> Callable[[Field], None]:
    """Return what makes a link of the primary bad for a while."""

    def act(field: Field) -> None:
        disturb(field, field.primary, link, how, heal_after_s=BAD_S)
        field.wait(BAD_S + 1)

    act.__doc__ = f"Have what the primary sends on its {link} link be bad for {BAD_S} s: {how}."
    return act


SCENARIOS = tuple(
    Scenario(f"{link}-link-{name}", make_bad(link, how), expect)
    for link in DEVICES
    for name, (how, expect) in WAYS.items()
)
