"""Take the arbiter out of a cluster that serves, also when it is dead for good."""

from __future__ import annotations

from dataclasses import dataclass

from pcmk_ha.errors import NodeUnreachable, PcmkHaError, Problem
from pcmk_ha.operate.arbiter.look import (
    both_sides,
    data_nodes,
    is_pacemaker_active,
    look_at_three,
    look_at_two,
    require_service,
    see,
)
from pcmk_ha.operate.arbiter.perform import Voting
from pcmk_ha.operate.change.apply import Observer, apply_plan
from pcmk_ha.operate.change.change import Change, refuse
from pcmk_ha.operate.look.observe import observe, observe_node
from pcmk_ha.operate.look.whole import require_whole
from pcmk_ha.operate.session import Session
from pcmk_ha.plan.arbiter import Seen, Sides, counts_all, plan_remove
from pcmk_ha.plan.arbiter_obstacles import find_others
from pcmk_ha.plan.facts import NodeFacts
from pcmk_ha.plan.fixed import find_fixed, find_rest
from pcmk_ha.plan.values import Plan


@dataclass(frozen=True)
class Removal:
    """One way from three votes to two; `by_word` has the operator answer for an arbiter that does not answer."""

    session: Session
    by_word: bool = False

    @property
    def is_dead(self) -> bool:
        """The arbiter does not answer."""
        assert self.session.cluster.arbiter is not None
        return self.session.cluster.arbiter.name not in self.session.nodes

    def plan(self) -> Plan:
        """Look at every node that answers and say what is to be done; empty when it is out. Changes nothing.

        Raises Refused, with every reason, and NodeUnreachable where a data node does not answer.
        """
        nodes = data_nodes(self.session)
        self._require_data_nodes()
        sides = both_sides(self.session)
        facts = observe(nodes, sides.two)
        third = None if self.is_dead else self.session.nodes[sides.third]
        found = observe_node(third, sides.three)[0] if third else None
        runs = third is not None and is_pacemaker_active(third)
        seen = see(self.session.nodes, sides.three.cluster, pacemaker_of_third=runs)
        reasons = (*find_fixed(sides.two, facts, replacing=True), *find_rest(facts), *find_others(sides, facts))
        refuse((*reasons, *self._wrong_word(sides, seen)))
        plan = plan_remove(sides, facts, seen, found, by_word=self.by_word)
        if plan:
            self._require_fit(sides, seen, found)
        return plan

    def apply(self, plan: Plan, observer: Observer) -> None:
        """Perform the plan; a run cut short anywhere is finished by the next."""
        apply_plan(plan, Voting(self.session.nodes, both_sides(self.session), self.session.secrets, 2), observer)
        change = Change(data_nodes(self.session), both_sides(self.session).two, self.session.secrets, restart=True)
        if rest := self.plan() or change.plan():
            raise PcmkHaError(f"still to be done:\n{rest}", hint="run it again")

    def _require_data_nodes(self) -> None:
        down = [
            f"{n.name}: {self.session.down[n.name]}" for n in self.session.cluster.nodes if n.name in self.session.down
        ]
        if down:
            raise NodeUnreachable("\n".join(down), hint="this needs both data nodes; `pcmk-ha check` tells more")

    def _wrong_word(self, sides: Sides, seen: Seen) -> tuple[Problem, ...]:
        if not self.by_word:
            return ()
        if not self.is_dead:
            return (Problem(f"{sides.third} is not dead: it answers SSH", "leave out --confirmed-dead"),)
        if sides.third in seen.online or any(count.votes == 3 for count in seen.counts.values()):
            hint = "only its SSH does not answer; leave out --confirmed-dead, and its device switches it off"
            return (Problem(f"{sides.third} is not dead: the cluster sees it", hint),)
        return ()

    def _require_fit(self, sides: Sides, seen: Seen, third: NodeFacts | None) -> None:
        """A run that begins wants a healthy cluster; one that goes on, or has no arbiter, that the service is whole."""
        counted = all(counts_all(seen.counts.get(member.name), 3) for member in sides.three.cluster.members)
        if third is None or not counted or sides.third not in seen.online:
            require_service(look_at_two(self.session), sides.third)
        else:
            require_whole(look_at_three(self.session))
