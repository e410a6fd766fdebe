"""Why something must not be done to a running cluster now: pure, and every reason at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pcmk_ha.errors import Refused
from pcmk_ha.facts import labels
from pcmk_ha.facts.pacemaker import IDLE, PREFERENCE
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.look.standing import Standing
from pcmk_ha.operate.moves.foresee import Foreseen

HINT = "`pcmk-ha status` shows what is wrong; nothing was touched"


def refuse(reasons: Iterable[str], *, hint: str = HINT) -> None:
    """Raise Refused with every reason, if there is one."""
    if found := tuple(reasons):
        raise Refused("; ".join(found), hint=hint)


def reasons_against_move(cluster: Cluster, standing: Standing, target: str) -> tuple[str, ...]:
    """Why the service must not be moved to a node now."""
    service = standing.status.service
    return (
        *_unable(standing),
        *(() if service.is_up else ("the service is not up",)),
        *_single_copy(cluster, standing),
        *_unfenceable(standing),
        *_not_online(standing, target),
        *_traces(standing),
        *reasons_of_labels(standing),
    )


def reasons_against_placement(foreseen: Foreseen, target: str) -> tuple[str, ...]:
    """Why Pacemaker's own plan is not the move that is meant."""
    after = foreseen.after
    if not after.is_up:
        return ("Pacemaker would place the service nowhere",)
    if after.promoted_on != target:
        return (f"Pacemaker would place the service on {after.promoted_on}, not on {target}",)
    return tuple(f"Pacemaker would fence {deed.node}" for deed in foreseen.deeds if deed.verb == "fences")


def reasons_against_standby(standing: Standing, foreseen: Foreseen) -> tuple[str, ...]:
    """Why a node that does not serve must not be put into standby now."""
    lost = ("Pacemaker would place the service nowhere",) if not foreseen.after.is_up else ()
    was_up = standing.status.service.is_up
    return (*_unable(standing), *(lost if was_up else ()))


def reasons_against_unstandby(standing: Standing, node: str) -> tuple[str, ...]:
    """Why a node would not take part again, although it may; what is under way does not matter."""
    word = standing.status.nodes.get(node, "unknown")
    return (*_deaf(standing), *((f"{node} is {word}",) if word in ("offline", "UNCLEAN", "unknown") else ()))


def reasons_against_maintenance(standing: Standing) -> tuple[str, ...]:
    """Why Pacemaker must not be told to leave everything alone now; a transition is waited for instead."""
    return tuple(_no_cluster(standing))


def reasons_against_leaving_maintenance(standing: Standing, foreseen: Foreseen) -> tuple[str, ...]:
    """Why Pacemaker must not take care of everything again now: it would stop or move something."""
    return (
        *_no_cluster(standing),
        *_believed_wrongly(standing),
        *(f"Pacemaker would stop, demote or fence {what}" for what in foreseen.touched),
    )


def reasons_of_labels(standing: Standing) -> tuple[str, ...]:
    """Why PostgreSQL must not be started through the cluster, whatever anybody says."""
    return tuple(
        labels.describe(name, path) for name, facts in standing.status.members.items() for path in facts.labels
    )


def reasons_never_to_stop(standing: Standing) -> tuple[str, ...]:
    """Why the whole cluster cannot be stopped in good order, whatever anybody says."""
    if standing.maintenance:
        return ("the cluster is in maintenance mode: Pacemaker stops nothing (`pcmk-ha maintenance off` first)",)
    status = standing.status
    online = (name for name in status.unreachable if status.nodes.get(name) not in ("offline", "unknown"))
    out_of_reach = tuple(
        f"{name} runs the cluster and does not answer SSH: {status.unreachable[name]}" for name in online
    )
    return (*_no_cluster(standing), *out_of_reach)


def reasons_against_start(standing: Standing) -> tuple[str, ...]:
    """Why starting would not bring the service up."""
    if standing.maintenance:
        return ("the cluster runs and is in maintenance mode: Pacemaker starts nothing (`pcmk-ha maintenance off`)",)
    return ()


def reasons_against_stop(cluster: Cluster, standing: Standing) -> tuple[str, ...]:
    """Why a whole cluster should not be stopped now; a stop that has begun is finished without asking these."""
    if standing.stop_all:
        return ()
    service = standing.status.service
    return (
        *(() if service.is_up else ("the service is not up",)),
        *_single_copy(cluster, standing),
        *_unfenceable(standing),
        *(f"{name} is {word}" for name, word in standing.status.nodes.items() if word != "online"),
        *_traces(standing),
        *_under_way(standing),
    )


def _no_cluster(standing: Standing) -> Iterator[str]:
    if standing.stop_all is None:
        yield "no member that answers runs Pacemaker"
    elif not standing.status.service.quorate:
        yield "the cluster has no quorum"


def _unable(standing: Standing) -> Iterator[str]:
    """Pacemaker would not do what it is told, or is doing something else."""
    yield from _deaf(standing)
    yield from _under_way(standing)


def _deaf(standing: Standing) -> Iterator[str]:
    yield from _no_cluster(standing)
    if standing.maintenance:
        yield "the cluster is in maintenance mode"
    if standing.stop_all:
        yield "Pacemaker is told to run nothing (`pcmk-ha start` ends that)"


def _under_way(standing: Standing) -> Iterator[str]:
    if standing.stop_all is not None and standing.state != IDLE:
        yield f"Pacemaker is at work ({standing.state or 'its DC does not answer'}): try again in a moment"


def _single_copy(cluster: Cluster, standing: Standing) -> Iterator[str]:
    for node in cluster.nodes:
        facts = standing.status.members.get(node.name)
        state = facts.drbd if facts else None
        if state is None:
            reason = standing.status.unreachable.get(node.name, "it does not say")
            yield f"nothing is known of the copy on {node.name}: {reason}"
        elif not state.is_redundant:
            words = f"{state.connection} {state.disk}/{state.peer_disk}".strip(" /")
            yield f"there is no second good copy ({node.name}: {words or 'DRBD is down'})"


def _unfenceable(standing: Standing) -> Iterator[str]:
    service = standing.status.service
    if service.devices < service.wanted_devices:
        yield f"{service.devices} of {service.wanted_devices} STONITH devices run"


def _not_online(standing: Standing, target: str) -> Iterator[str]:
    word = standing.status.nodes.get(target, "unknown")
    if word != "online":
        yield f"{target} is {word}"


def _traces(standing: Standing) -> Iterator[str]:
    for failure in standing.status.failures:
        yield f"{failure.resource} on {failure.node}: {failure.detail}"
    for leftover in standing.status.leftovers:
        if leftover.id != PREFERENCE:
            yield f"constraint {leftover.id} is in force"


def _believed_wrongly(standing: Standing) -> Iterator[str]:
    """Pacemaker's memory and the nodes differ: nothing is monitored in maintenance mode."""
    service = standing.status.service
    for name, facts in standing.status.members.items():
        if facts.drbd is None:
            continue
        if name == service.promoted_on and facts.drbd.role != "Primary":
            yield f"Pacemaker believes DRBD to be promoted on {name}, and it is {facts.drbd.role or 'down'}"
        if name != service.promoted_on and facts.drbd.role == "Primary":
            yield f"DRBD is Primary on {name}, and Pacemaker does not know it"
        if name == service.database_on and not facts.answers:
            yield f"Pacemaker believes PostgreSQL to run on {name}, and it takes no connections"
