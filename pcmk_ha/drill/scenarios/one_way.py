"""A link works in one direction only.

What breaks: what the primary sends is lost, what is sent to it arrives: on the cluster link for 15 s
(cluster-link-one-way), on the replication link for 20 s (replication-link-one-way), on both (primary-mute).
What must happen: a link that works one way is down for Corosync and for DRBD. Without the cluster link nothing moves
and clients wait, as when it is cut. Without the replication link writes go on without a second copy, once the standby
has read that it must not be promoted; `status` says so. A primary that nobody hears is fenced although it hears the
others, and the survivor takes over.
Within: 60 s (15 s on purpose), 15 s, and 40 s.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import OTHER, PRIMARY, SAME, Expectation, Field, Scenario
from pcmk_ha.drill.tricks import await_new_life, await_said, boot_id, disturb

ALL_LOST = "loss 100%"
CLUSTER_S, REPLICATION_S, MUTE_S = 15, 20, 90


def lose_cluster(field: Field) -> None:
    """Lose what the primary sends on the cluster link; it heals by itself, for SSH uses the same link."""
    disturb(field, field.primary, "cluster", ALL_LOST, heal_after_s=CLUSTER_S)
    field.wait(CLUSTER_S)
    field.await_writes(timeout_s=60)


def lose_replication(field: Field) -> None:
    """Lose what the primary sends on the replication link."""
    disturb(field, field.primary, "replication", ALL_LOST, heal_after_s=REPLICATION_S)
    field.await_writes(timeout_s=30)
    await_said(field, "no second copy", timeout_s=10)
    field.wait(REPLICATION_S)


def mute(field: Field) -> None:
    """Lose all that the primary sends. It would heal by itself, had it not been fenced long before."""
    life = boot_id(field, field.primary)
    field.strike()
    for link in ("replication", "cluster"):
        disturb(field, field.primary, link, ALL_LOST, heal_after_s=MUTE_S)
    await_new_life(field, field.primary, life)


SCENARIOS = (
    Scenario("cluster-link-one-way", lose_cluster, Expectation(SAME, (), 60, failures_stay=True)),
    Scenario("replication-link-one-way", lose_replication, Expectation(SAME, (), 15)),
    Scenario("primary-mute", mute, Expectation(OTHER, (PRIMARY,), 40)),
)
