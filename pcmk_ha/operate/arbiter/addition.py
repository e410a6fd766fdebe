"""Add an arbiter to two data nodes that serve: look, refuse or plan, apply; as often as it takes."""

from __future__ import annotations

from dataclasses import dataclass

from pcmk_ha.errors import PcmkHaError, Problem
from pcmk_ha.operate.arbiter.look import both_sides, is_pacemaker_active, look_at_two, require_service, see
from pcmk_ha.operate.arbiter.perform import Voting
from pcmk_ha.operate.change.apply import Observer, apply_plan
from pcmk_ha.operate.change.change import Change, refuse
from pcmk_ha.operate.checks.check import FAIL, check_nodes
from pcmk_ha.operate.look.observe import SAVED_CIB, observe
from pcmk_ha.operate.look.whole import require_whole
from pcmk_ha.operate.session import Session
from pcmk_ha.plan.arbiter import Seen, Sides, plan_add
from pcmk_ha.plan.arbiter_obstacles import find_occupied, find_others, has_begun
from pcmk_ha.plan.blockers import find_blockers
from pcmk_ha.plan.facts import Facts
from pcmk_ha.plan.fixed import find_fixed, find_rest
from pcmk_ha.plan.values import Plan


@dataclass(frozen=True)
class Addition:
    """One way from two votes to three."""

    session: Session

    def plan(self) -> Plan:
        """Look at all three nodes and say what is to be done; empty when the arbiter is one. Changes nothing.

        Raises Refused, with every reason.
        """
        self.session.require_all()
        sides = both_sides(self.session)
        facts = observe(self.session.nodes, sides.three)
        third = self.session.nodes[sides.third]
        runs = is_pacemaker_active(third)
        seen = see(self.session.nodes, sides.three.cluster, pacemaker_of_third=runs)
        refuse(tuple(self._reasons(sides, facts, seen)))
        plan = plan_add(sides, facts, seen)
        if plan:
            self._require_fit(sides, facts)
        return plan

    def apply(self, plan: Plan, observer: Observer) -> None:
        """Perform the plan; a run cut short anywhere is finished by the next."""
        work = Voting(self.session.nodes, both_sides(self.session), self.session.secrets, 3)
        apply_plan(plan, work, observer)
        if rest := self.plan() or self._change().plan():
            raise PcmkHaError(f"still to be done:\n{rest}", hint="run it again")

    def _change(self) -> Change:
        return Change(self.session.nodes, both_sides(self.session).three, self.session.secrets, restart=True)

    def _reasons(self, sides: Sides, facts: Facts, seen: Seen) -> list[Problem]:
        left = (self.session.nodes[sides.third].read(SAVED_CIB) or "") if seen.left_cib else ""
        return [
            *find_blockers(sides.three.cluster, facts),
            *find_fixed(sides.three, facts, replacing=True),
            *find_rest(facts),
            *find_others(sides, facts),
            *find_occupied(sides, facts, seen, left_cib=left),
        ]

    def _require_fit(self, sides: Sides, facts: Facts) -> None:
        """A run that begins wants a healthy cluster and a fit machine; one that goes on, that the service is whole."""
        status = look_at_two(self.session)
        if has_begun(sides, facts):
            require_service(status, sides.third)
            return
        require_whole(status)
        checks = check_nodes(self.session.cluster, self.session.secrets, self.session.nodes)
        refuse(tuple(Problem(f"{c.node}: {c.title}: {c.detail}", c.hint) for c in checks if c.verdict == FAIL))
