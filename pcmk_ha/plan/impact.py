"""What a change does to the service while it is made: from the scheduler, from DRBD's and PostgreSQL's own rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pcmk_ha.cib.resources import FILESYSTEM, SERVER, VIP
from pcmk_ha.desired.values import Desired
from pcmk_ha.facts.simulate import Effect
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import change_actions as change
from pcmk_ha.plan.facts import Facts
from pcmk_ha.plan.values import Plan

Durations = Mapping[tuple[str, str], float]
STOPS = ("stop", "restart", "move", "migrate", "demote")
SECONDS = {"start": 2.0, "stop": 1.0}  # where nothing was ever measured


@dataclass(frozen=True)
class Impact:
    """What is interrupted, and what else is to be known; empty where clients notice nothing."""

    outage: tuple[str, ...] = ()  # needs the operator's consent
    notes: tuple[str, ...] = ()

    def lines(self) -> tuple[str, ...]:
        """Say it, one sentence each."""
        if self.outage or self.notes:
            return (*self.outage, *self.notes)
        return ("restarts nothing, moves nothing: clients notice nothing",)


def foresee_impact(desired: Desired, facts: Facts, plan: Plan, effects: tuple[Effect, ...], took: Durations) -> Impact:
    """Return the impact of a plan on a cluster that serves; `effects` are the scheduler's about the new CIB."""
    actions = tuple(step.action for step in plan)
    if not facts.service.serving:
        return Impact(notes=("the cluster does not serve now: this starts it",)) if actions else Impact()
    names = service_names(desired)
    outage = [*_moved(effects, names, took)]
    if any(isinstance(a, change.RestartPostgresql) for a in actions) and not _restarts(effects, SERVER):
        outage.append(_sentence("restarts PostgreSQL", facts.service.promoted_on, _seconds(("pg_server",), took)))
    outage += [f"restarts Corosync and Pacemaker on {a.node}, one node at a time; the service moves away first"
               for a in actions if isinstance(a, change.RestartMember)]  # fmt: skip
    return Impact(tuple(outage), tuple(_notes(desired, facts, actions, effects)))


def service_names(desired: Desired) -> dict[str, str]:
    """Return what people call the resources that clients depend on."""
    drbd = desired.cluster.drbd_id
    return {drbd: "DRBD", f"{drbd}-clone": "DRBD", FILESYSTEM: "the file system", SERVER: "PostgreSQL", VIP: "the VIP"}


def _moved(effects: tuple[Effect, ...], names: Mapping[str, str], took: Durations) -> Iterator[str]:
    """Say what happens to the service, one sentence for all that happens in the same way."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for effect in effects:
        name = effect.resource.partition(":")[0]
        if effect.action == "fence":
            yield f"FENCES {effect.resource}"
        elif name in names and effect.action in STOPS:
            alike.setdefault((effect.action, effect.source, effect.target), []).append(name)
    for (action, source, target), resources in alike.items():
        said = " and ".join(dict.fromkeys(names[name] for name in resources))
        verb = {"move": "moves", "migrate": "moves", "stop": "STOPS", "restart": "restarts", "demote": "demotes"}[
            action
        ]
        where = f"{source} to {target}" if target and target != source else source
        yield _sentence(f"{verb} {said}", where, _seconds(tuple(resources), took), moving=target not in ("", source))


def _sentence(what: str, where: str, seconds: float, *, moving: bool = False) -> str:
    return f"{what} {'from' if moving else 'on'} {where} (about {seconds:.0f} s)"


def _seconds(resources: tuple[str, ...], took: Durations) -> float:
    """Return how long a stop and a start of all of them take, by what the last ones took."""
    found = sum(took.get((name, op), SECONDS[op]) for name in dict.fromkeys(resources) for op in SECONDS)
    return max(found, 1.0)


def _restarts(effects: tuple[Effect, ...], resource: str) -> bool:
    return any(effect.resource == resource and effect.action in STOPS for effect in effects)


def _notes(
    desired: Desired, facts: Facts, actions: tuple[act.Action, ...], effects: tuple[Effect, ...]
) -> Iterator[str]:
    if any(isinstance(a, act.BringUpDrbd) for a in actions):
        adjusted = [a.node for a in actions if isinstance(a, act.BringUpDrbd)]
        yield f"adjusts DRBD on {', '.join(adjusted)}: a change of its link reconnects it, seconds without a copy"
    if any(isinstance(a, act.ReloadCorosync) for a in actions):
        yield "reloads Corosync on every node, without a restart"
    if any(isinstance(a, act.ReloadPostgresql) for a in actions):
        yield f"reloads PostgreSQL on {facts.service.promoted_on}, sessions stay"
    names = service_names(desired)
    others = [e for e in effects if e.resource.partition(":")[0] not in names and e.action != "fence"]
    for effect in others:
        where = effect.source or effect.target
        yield f"{effect.action}s {effect.resource}" + (f" on {where}" if where else "")
