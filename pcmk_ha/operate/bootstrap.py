"""From nodes as they are to a serving cluster: look, plan, apply, look again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pcmk_ha.desired.values import Desired
from pcmk_ha.errors import PcmkHaError, Refused
from pcmk_ha.model.secret import Secrets
from pcmk_ha.operate.apply import Observer, apply_plan
from pcmk_ha.operate.observe import observe
from pcmk_ha.operate.perform import Performer
from pcmk_ha.plan.blockers import Wipe, find_blockers
from pcmk_ha.plan.build import make_plan
from pcmk_ha.plan.values import Plan
from pcmk_ha.remote.runner import Runner


@dataclass(frozen=True)
class Bootstrap:
    """One bootstrap of one cluster."""

    nodes: Mapping[str, Runner]
    desired: Desired
    secrets: Secrets
    wipe: Wipe = ()

    def plan(self) -> Plan:
        """Look at every member and say what is to be done; changes nothing.

        Raises Refused, with every reason, where going on could destroy data that is not ours.
        """
        if self.secrets.next:
            names = ", ".join(sorted(self.secrets.next))
            raise Refused(
                f"new values of {names} are on their way to the nodes", hint="`pcmk-ha rotate-secrets` finishes that"
            )
        facts = observe(self.nodes, self.desired)
        if blockers := find_blockers(self.desired.cluster, facts, self.wipe):
            reasons = "\n".join(f"{b.message}; {b.hint}" if b.hint else b.message for b in blockers)
            raise Refused(reasons, hint="nothing was touched")
        return make_plan(self.desired, facts, wipe=self.wipe)

    def apply(self, plan: Plan, observer: Observer) -> None:
        """Perform the plan; a run cut short anywhere is finished by the next plan and apply."""
        apply_plan(plan, Performer(self.nodes, self.desired, self.secrets), observer)


def await_health(work: Bootstrap) -> None:
    """Look once more, as the next run would: raises PcmkHaError when that would have something to do."""
    if rest := work.plan():
        raise PcmkHaError(f"still to be done after the plan was applied:\n{rest}", hint="run bootstrap again")
