"""A link comes and goes.

What breaks: the standby's replication link is out for 3 s, four times, 5 s apart (replication-link-flapping); or both
links of the primary are out for 1 s, five times, 4 s apart (both-links-flapping).
What must happen: each loss of the replication link stalls writes until the standby has read that it must not be
promoted; each return starts a short resync, which the next loss cuts off; in the end both copies are good and no
constraint is left. Losing both links for a second is just what Corosync tolerates: either nothing moves or the
primary is fenced and the standby takes over, both are right. Never both at once.
Within: 20 s at a time for the replication link, 60 s for both.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import EITHER, SAME, Expectation, Field, Scenario


def flap_replication(field: Field) -> None:
    """Have the replication link come and go."""
    _flap(field, field.standby, "replication", times=4, out_s=3, in_s=5)


def flap_both(field: Field) -> None:
    """Have both links of the primary come and go."""
    _flap(field, field.primary, "all", times=5, out_s=1, in_s=4)


def _flap(field: Field, node: str, link: str, *, times: int, out_s: float, in_s: float) -> None:
    for _ in range(times):
        field.cut(node, link)
        field.wait(out_s)
        field.heal(node, link)
        field.wait(in_s)


SCENARIOS = (
    Scenario("replication-link-flapping", flap_replication, Expectation(SAME, (), 20)),
    Scenario("both-links-flapping", flap_both, Expectation(EITHER, None, 60, failures_stay=True)),
)
