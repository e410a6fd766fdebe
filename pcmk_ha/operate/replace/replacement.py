"""One replacement of a machine: look, refuse or plan, apply, and follow the copy until everything is whole.

What joins the new machine is the ordinary change, with an empty member allowed. Before it comes what makes room for
the machine, and after it the copy of all the data.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from dataclasses import replace as with_changes
from datetime import UTC, datetime

from pcmk_ha.errors import PcmkHaError, Problem, TimedOut
from pcmk_ha.facts.records import RESYNCED
from pcmk_ha.facts.simulate import Effect
from pcmk_ha.operate.change.apply import Observer, apply_plan
from pcmk_ha.operate.change.change import Change
from pcmk_ha.operate.change.perform import Performer
from pcmk_ha.operate.data.copies import Copies, follow_resync, look_at_copies
from pcmk_ha.operate.look.status import Status, gather, summarise
from pcmk_ha.operate.look.whole import await_whole
from pcmk_ha.operate.members import Members
from pcmk_ha.operate.moves.foresee import foresee_effects
from pcmk_ha.operate.moves.gate import refuse
from pcmk_ha.operate.moves.placement import GONE
from pcmk_ha.operate.moves.waits import FENCED
from pcmk_ha.operate.records import write_record
from pcmk_ha.operate.replace.gate import is_replaced, reasons_against, reasons_against_place
from pcmk_ha.operate.replace.observe import MARK, Found, find_all, look_at_place, survivor
from pcmk_ha.operate.replace.perform import Replacing
from pcmk_ha.operate.tell import Say
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.plan import actions as act
from pcmk_ha.plan.differences import target_cib
from pcmk_ha.plan.impact import foresee_impact
from pcmk_ha.plan.replace import plan_replacement
from pcmk_ha.plan.values import Plan
from pcmk_ha.remote.runner import Runner

WHOLE_S = 600
HANDLER_S = 90  # DRBD's handler tries for a minute
HINT = "nothing was touched"


@dataclass(frozen=True)
class Intent:
    """What will be done; `is_done` when there is nothing to replace."""

    node: str
    plan: Plan = Plan()  # noqa: RUF009  frozen
    holds_data: bool = False
    begun: bool = False
    speaker: str = ""  # a member that stays, to speak to the cluster
    devices: tuple[str, ...] = ()  # ids of its STONITH devices
    dead: str = ""  # how it is known that the old machine is off
    copies_kib: int = 0
    is_done: bool = False


@dataclass(frozen=True)
class Replacement:
    """The replacement of one member's machine; `confirmed` is the operator's word that the old one is off for good."""

    members: Members
    work: Change
    node: str
    confirmed: bool = False

    def prepare(self) -> Intent:
        """Look, and say what is to be done; changes nothing. Raises Refused with every reason."""
        standing, place, cib = look_at_place(self.members, self.node)
        if is_replaced(standing, place) and standing.status.service.promoted_on != self.node:
            return Intent(self.node, is_done=True)
        refuse(reasons_against_place(standing, place), hint=HINT)
        found = find_all(self.members, self.work, standing, place, cib)
        change = self.work.plan_from(found.facts)
        obstacles = (_said(problem) for problem in self.work.obstacles(found.facts))
        mine = reasons_against(self.members.cluster, found, confirmed=self.confirmed)
        refuse((*mine, *obstacles), hint=HINT)
        refuse(_building(change, self.node), hint=HINT)
        refuse(self._outage(found, change), hint=HINT)
        return Intent(
            node=self.node,
            plan=plan_replacement(place, change),
            holds_data=found.storage is not None,
            begun=place.is_begun,
            speaker=survivor(self.members, standing, self.node).node,
            devices=place.devices,
            dead=self._dead(found),
            copies_kib=found.storage.device >> 10 if found.storage else 0,
        )

    def apply(self, intent: Intent, observer: Observer) -> None:
        """Have the new machine join; a run cut short anywhere is finished by the next."""
        apply_plan(intent.plan, self._replacing(intent), observer)

    def finish(self, intent: Intent, say: Say) -> None:
        """Follow the copy of all data to its end, and wait until everything is whole; then nothing is under way."""
        if intent.holds_data:
            self._follow_copy(intent, say)
        self._replacing(intent).end(self.node)
        self._forgive(intent)
        await_whole(self._status, say, timeout_s=WHOLE_S)
        self.work.await_health(f"replace {self.node}")
        self.members.nodes[self.node].run(("rm", "-f", MARK))

    def _replacing(self, intent: Intent) -> Replacing:
        work = self.work
        return Replacing(
            self.node, work.nodes, self._speaker(intent), Performer(work.nodes, work.desired, work.secrets)
        )

    def _speaker(self, intent: Intent) -> Runner:
        return self.members.nodes[intent.speaker]

    def _dead(self, found: Found) -> str:
        if found.place.is_begun:
            return ""
        verdict, why = found.evidence.judge()
        return why if verdict.value == "dead" else f"{why}; you say that it is off for good"

    def _outage(self, found: Found, change: Plan) -> tuple[str, ...]:
        """Why this is more than a replacement: the file asks for what interrupts the service."""
        effects: tuple[Effect, ...] = ()
        serves = found.facts.service.promoted_on
        if any(isinstance(step.action, act.PushCib) for step in change):
            effects = foresee_effects(self.members.nodes[serves], target_cib(self.work.desired, found.facts).target)
        serving = with_changes(found.facts, service=with_changes(found.facts.service, serving=True))
        impact = foresee_impact(self.work.desired, serving, change, effects, {})
        return tuple(f"the file also asks for what interrupts the service: it {said}" for said in impact.outage)

    def _follow_copy(self, intent: Intent, say: Say) -> None:
        over = follow_resync(self._copies, say)
        self._await_constraint(intent, say)
        write_record(self.members.nodes[over.primary], over.secondary, RESYNCED, datetime.now(UTC))

    def _copies(self) -> Copies:
        """Look at both copies; raises PcmkHaError should the new one ever be the source."""
        copies = look_at_copies(self.members.nodes, self.members.cluster)
        if copies.good.connection in ("SyncTarget", "WFBitMapT", "PausedSyncT") or copies.primary == self.node:
            raise PcmkHaError(
                f"{copies.primary} is to be overwritten from {copies.secondary}: {'; '.join(copies.lines())}",
                hint=f"`drbdadm disconnect {self.members.cluster.drbd.resource}` there, and look at both kernels' logs",
            )
        return copies

    def _await_constraint(self, intent: Intent, say: Say) -> None:
        """Have the constraint go that DRBD's handler placed when the old machine was lost; both copies are good now."""

        def left() -> list[str]:
            say("waiting until nothing keeps the new machine from taking over")
            return [found.id for found in self._status().leftovers if found.id.startswith(FENCED)]

        with contextlib.suppress(TimedOut):
            wait_until(left, lambda ids: not ids, what="its end", timeout_s=HANDLER_S, every_s=1)
            return
        for ident in left():
            path = f"//rsc_location[@id='{ident}']"
            self._speaker(intent).run(("cibadmin", "--delete", "--xpath", path), ok=GONE, timeout=60)

    def _forgive(self, intent: Intent) -> None:
        """Forget that the old machine's fence devices did not answer: the new ones do."""
        for ident in intent.devices:
            if any(failure.resource.startswith(ident) for failure in self._status().failures):
                self._speaker(intent).run(("crm_resource", "--cleanup", "--resource", ident), timeout=60)

    def _status(self) -> Status:
        return summarise(self.members.cluster, gather(self.members.cluster, self.members.nodes), {})


def _building(change: Plan, node: str) -> tuple[str, ...]:
    """Why this is no replacement: a cluster that serves has nothing to be built but what the new machine lacks."""
    kinds = (act.PrepareVolume, act.SkipInitialSync, act.WipeDisk, act.PushFencing)
    wrong = [s for s in change if isinstance(s.action, kinds) or (s.action.node != node and _creates(s.action))]
    return tuple(f"this would build a cluster, and not join one: {step}" for step in wrong)


def _creates(action: act.Action) -> bool:
    return isinstance(action, act.CreateMetadata)


def _said(problem: Problem) -> str:
    return f"{problem.message} ({problem.hint})" if problem.hint else problem.message
