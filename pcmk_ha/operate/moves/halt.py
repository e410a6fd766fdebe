"""Leave the cluster alone, stop it whole, start it again: look, refuse what is not safe, and say what will be done."""

from __future__ import annotations

from pcmk_ha.desired.names import CLUSTER_UNITS, PACEMAKER
from pcmk_ha.errors import PcmkHaError
from pcmk_ha.facts import labels
from pcmk_ha.facts.pacemaker import HELD_BY_START
from pcmk_ha.operate.look.standing import Standing, look_closely, speaker
from pcmk_ha.operate.members import Members
from pcmk_ha.operate.moves import placement
from pcmk_ha.operate.moves.foresee import foresee_change
from pcmk_ha.operate.moves.gate import (
    reasons_against_leaving_maintenance,
    reasons_against_maintenance,
    reasons_against_start,
    reasons_against_stop,
    reasons_never_to_stop,
    reasons_of_labels,
    refuse,
)
from pcmk_ha.operate.moves.rest import look_at_rest
from pcmk_ha.operate.moves.switchover import Intent
from pcmk_ha.plan.halt import Running, plan_start, plan_stop
from pcmk_ha.plan.moves import CheckCopies
from pcmk_ha.plan.placement import MAINTENANCE, plan_maintenance
from pcmk_ha.remote.parallel import on_all
from pcmk_ha.remote.runner import Runner

FORCE = "--force does it all the same; nothing was touched"


def prepare_maintenance(members: Members, *, on: bool, force: bool = False) -> Intent:
    """Say what turns maintenance mode on or off; raises Refused where Pacemaker would then stop or move something."""
    standing = look_at_rest(members)
    refuse(reasons_against_maintenance(standing))
    service = standing.status.service
    plan = plan_maintenance(standing.placement(), on=on)
    if on or not plan:
        return Intent(service, "", plan)
    refuse(reasons_of_labels(standing), hint=f"{labels.ADVICE}; nothing was touched")
    foreseen = foresee_change(speaker(members, standing), members.cluster, *placement.set_property(MAINTENANCE, ""))
    if not force:
        hint = f"make the nodes what Pacemaker believes, or the other way round; {FORCE}"
        refuse(reasons_against_leaving_maintenance(standing, foreseen), hint=hint)
    return Intent(service, "", plan, foreseen)


def prepare_stop(members: Members, *, force: bool = False) -> Intent:
    """Say what stops the whole cluster; raises Refused where it would leave something behind."""
    units = look_at_units(members)
    if not any(PACEMAKER in active for active in units.values()):
        members.require_all()
        return Intent(look_closely(members).status.service, "", plan_stop(Running(units)))
    standing = look_at_rest(members)
    refuse(reasons_never_to_stop(standing))
    if not force:
        refuse(reasons_against_stop(members.cluster, standing), hint=f"`pcmk-ha status` shows more; {FORCE}")
    plan = plan_stop(running(units, standing))
    if force:
        plan = tuple(move for move in plan if not isinstance(move, CheckCopies))
    return Intent(standing.status.service, "", plan)


def prepare_start(members: Members) -> Intent:
    """Say what starts the whole cluster; every member must be within reach, for two votes wait for each other."""
    members.require_all()
    units = look_at_units(members)
    standing = look_closely(members)
    refuse(reasons_against_start(standing))
    refuse(reasons_of_labels(standing), hint=f"{labels.ADVICE}; nothing was touched")
    return Intent(standing.status.service, "", plan_start(running(units, standing)))


def running(units: dict[str, frozenset[str]], standing: Standing) -> Running:
    """Return what plans are made from."""
    service = standing.status.service
    held = any(leftover.id == HELD_BY_START for leftover in standing.status.leftovers)
    return Running(units, standing.stop_all, service.database_on, service.is_serving, held)


def look_at_units(members: Members) -> dict[str, frozenset[str]]:
    """Ask every member that answers which of the two units runs; raises what one could not be asked for."""
    found: dict[str, frozenset[str]] = {}
    for name, answer in on_all(members.nodes, _active).items():
        if isinstance(answer, PcmkHaError):
            raise answer
        found[name] = answer
    return found


def _active(runner: Runner) -> frozenset[str]:
    words = runner.run(("systemctl", "is-active", *CLUSTER_UNITS), ok=None).stdout.split()
    found = zip(CLUSTER_UNITS, words, strict=False)
    return frozenset(unit for unit, word in found if word not in ("inactive", "failed"))
