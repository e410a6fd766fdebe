"""The replication link is cut.

What breaks: the cable DRBD replicates over; the nodes still see each other over the cluster link.
What must happen: writes stop until the standby itself has read that it must not be promoted, then go on
without a second copy, and `status` says so. Nothing moves and nobody is fenced. When the cable is back the
standby catches up and the constraint goes by itself.
Within: 10 s.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import SAME, Expectation, Field, Scenario


def cut_replication(field: Field) -> None:
    """Pull the standby's replication cable, and look what status says meanwhile."""
    field.cut(field.standby, "replication")
    field.await_writes(timeout_s=30)
    said = " ".join(finding.what for finding in field.status().findings)
    field.expect("no second copy" in said, f"status does not say that there is no second copy: {said}")


SCENARIOS = (
    Scenario(
        "replication-link-cut",
        cut_replication,
        Expectation(SAME, (), 10),
        core=True,
        human="repair the link: until then there is one copy",
    ),
)
