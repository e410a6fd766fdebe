"""One close look at a running cluster before anything is moved: its status, and what its DC is doing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

from pcmk_ha.errors import CommandFailed, NodeUnreachable
from pcmk_ha.facts import pacemaker
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.look.service import Service, parse_service
from pcmk_ha.operate.look.status import Status, best_view, gather, summarise
from pcmk_ha.operate.members import Members
from pcmk_ha.plan.placement import Placement
from pcmk_ha.remote.first import from_first
from pcmk_ha.remote.runner import Runner


@dataclass(frozen=True)
class Standing:
    """Everything the gates decide on."""

    status: Status
    state: str = ""  # the DC's: S_IDLE when nothing is under way, empty when it did not say
    preferred: str = ""  # the node of our own constraint, left by a run that was killed
    maintenance: bool = False
    stop_all: bool | None = None  # None: no member runs Pacemaker
    standby: frozenset[str] = frozenset()

    def placement(self) -> Placement:
        """Return what plans are made from."""
        service = self.status.service
        return Placement(
            serves=service.promoted_on,
            preferred=self.preferred,
            standby=self.standby,
            online=frozenset(service.online),
            maintenance=self.maintenance,
        )


def look_closely(members: Members) -> Standing:
    """Ask every member everything, and the DC what it is doing."""
    found = gather(members.cluster, members.nodes)
    status = summarise(members.cluster, found, members.down)
    dc = status.service.dc
    return stand(status, ask_state(members.nodes.values(), dc) if dc else "")


def stand(status: Status, state: str) -> Standing:
    """Say what a status means for moves."""
    view = best_view(status.members)
    if not view.crm_mon:
        return Standing(status, state)
    return Standing(
        status=status,
        state=state,
        preferred=pacemaker.parse_preferred(view.constraints) if view.constraints else "",
        maintenance=pacemaker.is_in_maintenance(view.crm_mon),
        stop_all=pacemaker.is_told_to_stop(view.crm_mon),
        standby=frozenset(node.name for node in pacemaker.parse_nodes(view.crm_mon) if node.standby),
    )


def speaker(members: Members, standing: Standing) -> Runner:
    """Return a data node on which Pacemaker runs, to ask its scheduler; else any that answers."""
    online = standing.status.service.online
    return next((r for name, r in members.nodes.items() if name in online), None) or members.any_node()


def ask_state(runners: Iterable[Runner], dc: str) -> str:
    """Ask what a DC is doing; empty where it does not say, as in an election."""
    with contextlib.suppress(CommandFailed, NodeUnreachable):
        answer = from_first(runners, lambda runner: runner.run(pacemaker.ask_state(dc), timeout=60))
        return pacemaker.parse_state(answer.stdout)
    return ""


@dataclass(frozen=True)
class Glimpse:
    """A quick look through one member, while something is waited for."""

    service: Service
    state: str = ""
    active: tuple[str, ...] = ()  # resources that run, or may run
    failures: tuple[pacemaker.Failure, ...] = ()
    answered: bool = False

    @property
    def is_idle(self) -> bool:
        """No transition is under way."""
        return self.state == pacemaker.IDLE

    def __str__(self) -> str:
        service = self.service
        places = (
            ("promoted", service.promoted_on), ("PostgreSQL", service.database_on), ("VIP", service.vip_on),
            ("standby", ", ".join(service.unpromoted_on)), ("DC", self.state or "silent"),
        )  # fmt: skip
        failed = "".join(f"; {f.resource} on {f.node}: {f.detail}" for f in self.failures)
        return ", ".join(f"{what}: {where or 'nowhere'}" for what, where in places) + failed


def glimpse(runners: Iterable[Runner], cluster: Cluster) -> Glimpse:
    """Look through the first member whose Pacemaker answers; where none does, nothing was seen."""
    with contextlib.suppress(CommandFailed, NodeUnreachable):
        return from_first(runners, lambda runner: _glimpse(runner, cluster))
    return Glimpse(Service())


def _glimpse(runner: Runner, cluster: Cluster) -> Glimpse:
    outcome = runner.run(pacemaker.CRM_MON, timeout=15)
    service = parse_service(outcome.stdout, cluster)
    return Glimpse(
        service=service,
        state=ask_state((runner,), service.dc) if service.dc else "",
        active=pacemaker.parse_active(outcome.stdout),
        failures=pacemaker.parse_failures(outcome.stdout),
        answered=True,
    )
