"""Why a plan must not be made: every reason is shown, and nothing is touched."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pcmk_ha.desired.names import COROSYNC_CONF
from pcmk_ha.errors import Problem
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.platform import PACKAGED_NAME
from pcmk_ha.plan.facts import Facts, Metadata

Wipe = Collection[tuple[str, str]]


def find_blockers(cluster: Cluster, facts: Facts, wipe: Wipe = (), *, renewed: str = "") -> tuple[Problem, ...]:
    """Every reason why going on could destroy data that pcmk-ha did not create; `renewed` has a new machine."""
    return (
        *_wrong_wipes(cluster, facts, wipe),
        *_foreign_disks(cluster, facts, wipe, renewed),
        *_new_machines(cluster, facts, renewed),
        *_other_clusters(cluster, facts),
    )


def _wrong_wipes(cluster: Cluster, facts: Facts, wipe: Wipe) -> Iterator[Problem]:
    disks = {(node.name, node.disk) for node in cluster.nodes}
    for name, disk in wipe:
        if (name, disk) not in disks:
            known = ", ".join(f"{node}:{path}" for node, path in sorted(disks, key=str))
            yield Problem(f"--wipe {name}:{disk} is not a disk of this cluster", f"it has {known}")
        elif (drbd := facts.nodes[name].drbd) and drbd.up:
            yield Problem(f"{name}: {disk} is in use by DRBD, it will not be wiped", "run `pcmk-ha destroy` first")


def _foreign_disks(cluster: Cluster, facts: Facts, wipe: Wipe, renewed: str) -> Iterator[Problem]:
    for node in cluster.nodes:
        drbd = facts.nodes[node.name].drbd
        if drbd is None or drbd.up or (node.name, node.disk) in wipe:
            continue
        if drbd.metadata is Metadata.UNKNOWN:
            what = f"{node.name}: what {node.disk} holds could not be read"
            yield Problem(what, "`pcmk-ha check` says more about the disk")
        elif drbd.metadata is Metadata.ABSENT and drbd.signatures:
            found = ", ".join(drbd.signatures)
            wiping = f"wipefs --all {node.disk} there" if renewed else f"--wipe {node.name}:{node.disk}"
            yield Problem(f"{node.name}: {node.disk} holds {found}", f"if nobody needs it: {wiping}")


def _new_machines(cluster: Cluster, facts: Facts, renewed: str) -> Iterator[Problem]:
    """An empty disk in a cluster that runs means that somebody has put another machine, or disk, in its place."""
    if f'id="{cluster.drbd_id}-clone"' not in facts.service.cib:
        return
    for node in cluster.nodes:
        drbd = facts.nodes[node.name].drbd
        empty = drbd and drbd.metadata is Metadata.ABSENT and not drbd.signatures and not drbd.up
        if empty and node.name != renewed:
            yield Problem(
                f"{node.name} has nothing of this cluster on its disk, and the cluster runs without it",
                f"`pcmk-ha replace {node.name}`, if its machine or its disk is a new one",
            )


def _other_clusters(cluster: Cluster, facts: Facts) -> Iterator[Problem]:
    for node in facts.nodes.values():
        others = {node.running_cluster, node.configured_cluster} - {"", cluster.name, PACKAGED_NAME}
        if others:
            yield Problem(
                f"{node.name} belongs to the cluster {', '.join(sorted(others))}",
                f"take another node, or remove it there first and delete {COROSYNC_CONF}",
            )
    for name, cib in facts.service.packaged_cibs.items():
        if "<primitive" in cib:
            yield Problem(
                f"{name} runs a cluster of its own with resources in it",
                "move them elsewhere first: `crm configure erase`, or `pcs cluster destroy`, ends it",
            )
