"""Why a machine must not be replaced now: pure, and every reason at once."""

from __future__ import annotations

from collections.abc import Iterator

from pcmk_ha.facts.drbd import DrbdState
from pcmk_ha.facts.pacemaker import IDLE
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.look.standing import Standing
from pcmk_ha.operate.look.whole import is_whole
from pcmk_ha.operate.moves.waits import FENCED
from pcmk_ha.operate.replace.observe import Found, Storage
from pcmk_ha.plan.replace import Place, Verdict


def is_replaced(standing: Standing, place: Place) -> bool:
    """Nothing is to be replaced: the member is there, everything is whole, and no replacement is under way."""
    return place.online and not (place.mark_here or place.mark_there) and is_whole(standing.status)


def reasons_against_place(standing: Standing, place: Place) -> tuple[str, ...]:
    """Why this member is none that is replaced, whatever else is found."""
    name = place.node
    if standing.status.service.promoted_on == name:
        return (f"{name} serves: `pcmk-ha switchover` first",)
    if place.online and not place.is_begun:
        return (f"{name} takes part in the cluster: switch it off for good first (`pcmk-ha fence --off {name}`)",)
    return ()


def reasons_against(cluster: Cluster, found: Found, *, confirmed: bool) -> tuple[str, ...]:
    """Why the machine must not be replaced; `confirmed` is the operator's word that the old one is off for good."""
    return (
        *_unfit(found.standing, found.place),
        *_not_dead(found, confirmed=confirmed),
        *_not_new(cluster, found),
        *(_wrong_copies(cluster, found, found.storage) if found.storage else ()),
        *found.failed,
    )


def _unfit(standing: Standing, place: Place) -> Iterator[str]:
    """The rest of the cluster could not take a new member now, or would not be there for its clients meanwhile."""
    service = standing.status.service
    state = standing.state or "its DC does not answer"
    reasons = {
        "the cluster has no quorum": not service.quorate,
        "the service is not up": not service.is_up,
        "the cluster is in maintenance mode": standing.maintenance,
        "Pacemaker is told to run nothing (`pcmk-ha start` ends that)": standing.stop_all,
        # An unclean one keeps it busy until it is confirmed.
        f"Pacemaker is at work ({state}): try again in a moment": standing.state != IDLE and not place.unclean,
    }
    yield from (reason for reason, is_so in reasons.items() if is_so)
    yield from _traces(standing, place)


def _traces(standing: Standing, place: Place) -> Iterator[str]:
    """What has nothing to do with the old machine, and should be looked into first."""
    for name, word in standing.status.nodes.items():
        if name != place.node and word != "online":
            yield f"{name} is {word}"
    for failure in standing.status.failures:
        if failure.node != place.node and not failure.resource.startswith(place.devices):
            yield f"{failure.resource} on {failure.node}: {failure.detail}"
    for leftover in standing.status.leftovers:
        if not leftover.id.startswith(FENCED):  # that one goes when the new copy is good
            yield f"constraint {leftover.id} is in force"


def _not_dead(found: Found, *, confirmed: bool) -> Iterator[str]:
    if found.place.is_begun:
        return
    verdict, why = found.evidence.judge()
    name = found.place.node
    if verdict is Verdict.ALIVE:
        yield f"the old machine of {name} is not off: {why} (`pcmk-ha fence --off {name}`)"
    elif verdict is Verdict.UNKNOWN and not confirmed:
        yield (
            f"nothing proves that the old machine of {name} is off: {why}. Make sure that it is, and that it never "
            "comes back; then --confirmed-dead says so"
        )


def _not_new(cluster: Cluster, found: Found) -> Iterator[str]:
    name = found.place.node
    if not found.place.is_begun and found.facts.nodes[name].configured_cluster == cluster.name:
        yield (
            f"{name} is no new machine: it is set up for {cluster.name} already (`systemctl start corosync pacemaker` "
            "has it take part again)"
        )


def _wrong_copies(cluster: Cluster, found: Found, storage: Storage) -> Iterator[str]:
    """The copy that is to be made must come from a good one, and never the other way round."""
    name, serves = found.place.node, found.standing.status.service.promoted_on
    disk = next(node.disk for node in cluster.nodes if node.name == name)
    facts = found.standing.status.members.get(serves)
    good = (facts.drbd if facts else None) or DrbdState()
    if (good.role, good.disk) != ("Primary", "UpToDate"):
        yield f"the copy of {serves or 'no node'} is {good.disk or 'unknown'}: there is no good one to copy from"
    if storage.good is None or not storage.good.is_good:
        yield f"DRBD's generation identifiers on {serves or 'no node'} do not say that its copy is good"
    elif storage.has_metadata and storage.new is None:
        yield f"{name}: {disk} holds DRBD metadata, and nobody can tell whose (if nobody needs it: wipefs --all {disk})"
    elif storage.new and not storage.new.follows(storage.good):
        yield f"{name}: {disk} holds a copy that does not follow the one of {serves} (wipefs --all {disk} ends it)"
    if storage.room < storage.device:
        yield f"{name}: {disk} has room for {storage.room >> 20} MiB, and DRBD's device has {storage.device >> 20}"
