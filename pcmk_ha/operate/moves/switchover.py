"""Move the service, or empty a node, on purpose: look, refuse what is not safe, and say what will be done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pcmk_ha.errors import BadInput, Problem, Refused
from pcmk_ha.operate.look.service import Service
from pcmk_ha.operate.look.standing import Standing, speaker
from pcmk_ha.operate.members import Members
from pcmk_ha.operate.moves import placement
from pcmk_ha.operate.moves.foresee import Foreseen, foresee_change
from pcmk_ha.operate.moves.gate import (
    reasons_against_move,
    reasons_against_placement,
    reasons_against_standby,
    reasons_against_unstandby,
    refuse,
)
from pcmk_ha.operate.moves.mover import Mover, carry_out, no_constraint_left
from pcmk_ha.operate.moves.rest import look_at_rest
from pcmk_ha.operate.tell import Teller, Told
from pcmk_ha.plan.moves import AwaitSettled, Move
from pcmk_ha.plan.placement import find_target, other_data_node, plan_standby, plan_switchover, plan_unstandby


@dataclass(frozen=True)
class Intent:
    """What will be done, and what Pacemaker would make of it; `foreseen` is None where nothing is moved."""

    before: Service
    target: str  # the node that is to serve, or that is meant
    plan: tuple[Move, ...]
    foreseen: Foreseen | None = None

    @property
    def moves_service(self) -> bool:
        """Clients will notice."""
        after = self.foreseen.after.promoted_on if self.foreseen else self.before.promoted_on
        return bool(self.before.promoted_on) and after != self.before.promoted_on


def fulfil(members: Members, intent: Intent, teller: Teller) -> None:
    """Do what is planned; our constraint does not outlive it, whatever happens."""
    mover = Mover(members.cluster, members.nodes, teller.watched)
    with no_constraint_left(mover, intent.plan):
        carry_out(intent.plan, mover, teller)


def switch_over(members: Members, target: str, teller: Teller | None = None) -> None:
    """Move the service to a node, within something greater, once Pacemaker is at rest; nothing when it is there.

    Raises Refused, with every reason, where that is not safe.
    """
    teller = teller or Told()
    Mover(members.cluster, members.nodes, teller.watched)(AwaitSettled())
    fulfil(members, prepare_switchover(members, target), teller)


def prepare_switchover(members: Members, wanted: str, *, dry_run: bool = False) -> Intent:
    """Say what moves the service to a node, to the other one without a name; raises Refused with every reason.

    What a killed run left behind is removed, also when this one is refused; `dry_run` changes nothing at all.
    """
    cluster = members.cluster
    if wanted and wanted not in [node.name for node in cluster.nodes]:
        names = ", ".join(node.name for node in cluster.nodes)
        raise BadInput([Problem(f"{wanted} holds no data of {cluster.name}", f"data nodes: {names}")])
    standing = look_at_rest(members)
    found = standing.placement()
    target = find_target(cluster, found, wanted)
    plan = plan_switchover(found, target)
    if found.serves == target:
        refuse(() if standing.status.service.is_up else (f"{target} is promoted, but the service is not up there",))
        return Intent(standing.status.service, target, plan)
    with _tidied(members, standing, dry_run=dry_run):
        refuse(reasons_against_move(cluster, standing, target))
        foreseen = foresee_change(speaker(members, standing), cluster, *placement.prefer(cluster, target))
        refuse(reasons_against_placement(foreseen, target))
    return Intent(standing.status.service, target, plan, foreseen)


def prepare_standby(members: Members, node: str, *, dry_run: bool = False) -> Intent:
    """Say what leaves nothing running on a node; raises Refused where the other side could not take over."""
    cluster = members.cluster
    standing = look_at_rest(members)
    found = standing.placement()
    plan = plan_standby(cluster, found, node)
    if node in found.standby:
        return Intent(standing.status.service, node, plan)
    other = other_data_node(cluster, node)
    with _tidied(members, standing, dry_run=dry_run):
        if found.serves == node:
            refuse(reasons_against_move(cluster, standing, other))
        foreseen = foresee_change(speaker(members, standing), cluster, *placement.set_standby(node, on=True))
        if found.serves == node:
            refuse(reasons_against_placement(foreseen, other))
        else:
            refuse(reasons_against_standby(standing, foreseen))
    return Intent(standing.status.service, node, plan, foreseen)


def prepare_unstandby(members: Members, node: str) -> Intent:
    """Say what makes a node take part again; raises Refused where Pacemaker would not do it."""
    standing = look_at_rest(members)
    found = standing.placement()
    plan = plan_unstandby(members.cluster, found, node)
    refuse(reasons_against_unstandby(standing, node))
    if node not in found.standby:
        return Intent(standing.status.service, node, plan)
    foreseen = foresee_change(speaker(members, standing), members.cluster, *placement.set_standby(node, on=False))
    return Intent(standing.status.service, node, plan, foreseen)


@contextmanager
def _tidied(members: Members, standing: Standing, *, dry_run: bool) -> Iterator[None]:
    """Remove what a killed run left behind when this one is refused: nobody else would, and it moves nothing."""
    try:
        yield
    except Refused as refused:
        if standing.preferred and not dry_run:
            Mover(members.cluster, members.nodes).forget(standing.preferred)
            refused.hint = "the constraint that an earlier switchover left was removed, nothing else was touched"
        raise
