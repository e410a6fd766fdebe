"""From the cluster as it is to what its file wants: look, propose, apply, look again.

Both bootstrap and apply are this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import unified_diff

from pcmk_ha.cib.diff import diff_lines
from pcmk_ha.cib.resources import SERVER
from pcmk_ha.desired.values import Desired, File
from pcmk_ha.errors import PcmkHaError, Problem, Refused
from pcmk_ha.facts.simulate import Effect, parse_durations
from pcmk_ha.model.secret import Secrets
from pcmk_ha.operate.change.apply import Observer, apply_plan
from pcmk_ha.operate.change.perform import Performer
from pcmk_ha.operate.look.observe import observe
from pcmk_ha.operate.moves.foresee import foresee_effects, foresee_restart
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import change_actions as change
from pcmk_ha.plan.blockers import Wipe, find_blockers
from pcmk_ha.plan.build import make_plan
from pcmk_ha.plan.differences import find_differences, find_foreign, target_cib
from pcmk_ha.plan.facts import Facts
from pcmk_ha.plan.fixed import find_fixed, find_rest
from pcmk_ha.plan.impact import foresee_impact
from pcmk_ha.plan.owned import newest
from pcmk_ha.plan.parameters import parameter_changes
from pcmk_ha.plan.proposal import Proposal, basis_of
from pcmk_ha.plan.record import is_secret_parameter
from pcmk_ha.plan.values import Plan
from pcmk_ha.remote.runner import Runner
from pcmk_ha.scrub.patterns import SHOWN, mask_patterns


@dataclass(frozen=True)
class Change:
    """One way of one cluster to what is wanted."""

    nodes: Mapping[str, Runner]
    desired: Desired
    secrets: Secrets
    wipe: Wipe = ()
    replacing: bool = False  # what identifies the cluster and its members may change
    only_look: bool = False  # nothing will be applied: what only stands in the way of that is no reason to refuse
    renewed: str = ""  # a member whose machine is new
    restart: bool = False  # servers that serve may be restarted, where nothing less brings a change about

    def look(self) -> Facts:
        """Look at every member; changes nothing.

        Raises Refused, with every reason, where going on could destroy data that is not ours, or could not work.
        """
        if self.secrets.next:
            names = ", ".join(sorted(self.secrets.next))
            raise Refused(
                f"new values of {names} are on their way to the nodes", hint="`pcmk-ha rotate-secrets` finishes that"
            )
        facts = observe(self.nodes, self.desired)
        refuse(self.obstacles(facts))
        return facts

    def obstacles(self, facts: Facts) -> tuple[Problem, ...]:
        """Return every reason why nothing may be done."""
        return (
            *find_blockers(self.desired.cluster, facts, self.wipe, renewed=self.renewed),
            *find_fixed(self.desired, facts, replacing=self.replacing, renewed=self.renewed),
            *(() if self.only_look else find_rest(facts)),
        )

    def plan(self) -> Plan:
        """Look, and say what is to be done."""
        return self.plan_from(self.look())

    def propose(self) -> Proposal:
        """Look, and say what is to be done, why, and what it does to the service."""
        facts = self.look()
        plan = self.plan_from(facts)
        record = newest(facts)
        cib = target_cib(self.desired, facts)
        pushes = any(isinstance(step.action, act.PushCib) for step in plan)
        effects = self._effects(facts, plan, cib.target)
        took = parse_durations(cib.live) if plan and cib.live else {}
        changed = any(isinstance(step.action, act.WriteVolumeFiles) for step in plan)
        service = facts.service
        return Proposal(
            cluster=self.desired.cluster.name,
            plan=plan,
            differences=find_differences(self.desired, facts),
            parameters=tuple(parameter_changes(self.desired, service.parameters_found, service.settings))
            if changed
            else (),
            foreign=find_foreign(self.desired, facts),
            impact=foresee_impact(self.desired, facts, plan, effects, took),
            cib_diff=diff_lines(cib.live, cib.target) if pushes and cib.live else (),
            file_diffs=self._file_diffs(plan),
            generation=record.generation if record else 0,
            interrupted=record is not None and not record.complete,
            basis=basis_of(self.desired, facts),
        )

    def apply(self, plan: Plan, observer: Observer) -> None:
        """Perform the plan; a run cut short anywhere is finished by the next plan and apply."""
        apply_plan(plan, Performer(self.nodes, self.desired, self.secrets), observer)

    def await_health(self, command: str) -> None:
        """Look once more, as the next run would: raises PcmkHaError when that would have something to do."""
        if rest := self.plan():
            raise PcmkHaError(f"still to be done after the plan was applied:\n{rest}", hint=f"run {command} again")

    def plan_from(self, facts: Facts) -> Plan:
        """Say what is to be done about what was found."""
        return make_plan(self.desired, facts, wipe=self.wipe, restart=self.restart, renewed=self.renewed)

    def _effects(self, facts: Facts, plan: Plan, target: str) -> tuple[Effect, ...]:
        """Ask the scheduler about the new configuration, and about a restart of the server."""
        if not facts.service.serving:
            return ()
        runner = self.nodes[facts.service.promoted_on]
        actions = tuple(step.action for step in plan)
        effects = foresee_effects(runner, target) if any(isinstance(a, act.PushCib) for a in actions) else ()
        known = {effect.resource for effect in effects}
        if SERVER not in known and any(isinstance(a, change.RestartPostgresql) for a in actions):
            effects += tuple(e for e in foresee_restart(runner, target, SERVER) if e.resource not in known)
        return effects

    def _file_diffs(self, plan: Plan) -> dict[str, tuple[str, ...]]:
        """Return what changes in each file that may be shown; of a DRBD resource all but its secret."""
        found = {}
        for action in (step.action for step in plan):
            if not isinstance(action, act.WriteFiles | act.WriteVolumeFiles):
                continue
            files = self.desired.files[action.node] if isinstance(action, act.WriteFiles) else self.desired.volume_files
            for file in files:
                if file.path in action.paths and (lines := _file_diff(self.nodes[action.node], file)):
                    found[f"{action.node}:{file.path}"] = lines
        return found


def refuse(reasons: tuple[Problem, ...]) -> None:
    """Raise Refused with every reason, if there is one."""
    if reasons:
        text = "\n".join(f"{r.message}; {r.hint}" if r.hint else r.message for r in reasons)
        raise Refused(text, hint="nothing was touched")


def _file_diff(runner: Runner, file: File) -> tuple[str, ...]:
    if file.encoding != "utf-8" or (file.secret and not file.path.endswith(".res")):
        return ()
    old = runner.read(file.path)
    if old is None:
        return ()
    before, after = ([_masked(line) for line in text.splitlines()] for text in (old, file.content))
    return tuple(unified_diff(before, after, "live", "desired", lineterm="", n=1))


def _masked(line: str) -> str:
    name, equals, _value = line.partition("=")
    return f"{name}{equals} {SHOWN}" if equals and is_secret_parameter(name.strip()) else mask_patterns(line)
