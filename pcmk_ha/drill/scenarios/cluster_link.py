"""The cluster link of one node is cut.

What breaks: the cable that SSH, fencing and the clients use is pulled out of the primary (cluster-link-cut-of-primary)
or the standby (cluster-link-cut-of-standby) for 15 s. Corosync has the replication link as well.
What must happen: nobody loses sight of anybody, so nothing moves and nobody is fenced. Honestly said: clients reach
the VIP over that link, and Pacemaker does not watch whether clients reach anything (that takes ping resources). A
primary without it stays in service and unreachable until the cable is back. Where clients must be able to follow,
bond two cables. A fence device watched by that node may fail meanwhile and leave that on record.
Within: 40 s for the primary, 15 s of it on purpose; 5 s for the standby, which nobody needs to notice.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import SAME, Expectation, Field, Scenario

CUT_S = 15


def cut_primary(field: Field) -> None:
    """Cut the primary off from its clients, and see that the cluster leaves it in service."""
    field.cut(field.primary, "cluster")
    field.wait(CUT_S)
    service = field.status().service
    field.expect(service.promoted_on == field.primary, f"the service left {field.primary}, which Corosync still sees")
    field.heal(field.primary, "cluster")
    field.note(f"In service and unreachable for clients while the link was cut ({CUT_S} s and more).")
    field.await_writes(timeout_s=60)


def cut_standby(field: Field) -> None:
    """Cut the standby off from everything but the primary's replication link."""
    field.cut(field.standby, "cluster")
    field.wait(CUT_S)
    field.heal(field.standby, "cluster")


SCENARIOS = (
    Scenario(
        "cluster-link-cut-of-primary",
        cut_primary,
        Expectation(SAME, (), 40, failures_stay=True),
        human="repair the link, or switch over: Pacemaker does not watch the clients' network",
    ),
    Scenario(
        "cluster-link-cut-of-standby",
        cut_standby,
        Expectation(SAME, (), 5, failures_stay=True),
        human="repair the link",
    ),
)
