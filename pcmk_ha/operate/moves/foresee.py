"""What Pacemaker would do about a change: its own scheduler, asked on a copy of the live configuration."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace

from pcmk_ha.cib.subset import configuration_only, with_stopped
from pcmk_ha.errors import PcmkHaError
from pcmk_ha.facts.simulate import FENCE, Deed, Effect, parse_deeds, parse_effects
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.look.service import Service, look_at_service, parse_service
from pcmk_ha.remote.runner import Runner

# crm_mon reads the simulated cluster as it reads a live one; the copy holds fence passwords. Every tool of the cluster
# works on the file that CIB_file names, so what is tried is the very command that would be run.
SIMULATE = """set -e; umask 077; d=$(mktemp -d); trap 'rm -r "$d"' EXIT
cibadmin --query > "$d/cib.xml"
export CIB_file="$d/cib.xml"
{change} > /dev/null
crm_simulate --xml-file "$CIB_file" --in-place --output-as=xml "$@" > "$d/said.xml"
sed -n '/<actions>/,/<.actions>/p' "$d/said.xml"
echo "{mark}"
sed -n '/<transition>/,/<.transition>/p' "$d/said.xml"
echo "{mark}"
crm_mon --output-as=xml --one-shot --inactive"""
MARK = "<!-- and then -->"
NOTHING = "true"
REPLACED = 'tee "$CIB_file"'  # by what stands on standard input: it holds fence passwords
INVALID = 78  # CRM_EX_CONFIG: errors, or warnings


@dataclass(frozen=True)
class Foreseen:
    """The service before a change and after it, and what would be done in between, in order."""

    before: Service
    after: Service
    deeds: tuple[Deed, ...] = ()

    def lines(self) -> tuple[str, ...]:
        """What to tell the operator: one sentence for each run of deeds of one kind on one node."""
        said: list[tuple[str, str, list[str]]] = []
        for deed in self.deeds:
            if said and said[-1][:2] == (deed.verb, deed.node):
                said[-1][2].append(deed.resource)
            else:
                said.append((deed.verb, deed.node, [deed.resource]))
        return tuple(
            f"{FENCE} {node}" if verb == FENCE else f"{verb} on {node}: {', '.join(what)}" for verb, node, what in said
        )

    @property
    def touched(self) -> tuple[str, ...]:
        """Every resource that would be stopped or demoted, and every node that would be fenced."""
        stops = (deed.resource or deed.node for deed in self.deeds if deed.verb in ("stops", "demotes", FENCE))
        return tuple(dict.fromkeys(stops))


def foresee_change(runner: Runner, cluster: Cluster, *change: str) -> Foreseen:
    """Ask what a command that changes the configuration would lead to."""
    return _foresee(runner, cluster, shlex.join(change), ())


def foresee_event(runner: Runner, cluster: Cluster, *event: str) -> Foreseen:
    """Ask what an event would lead to, in the words of crm_simulate: `--node-fail node1`."""
    return _foresee(runner, cluster, NOTHING, event)


def foresee_effects(runner: Runner, target: str) -> tuple[Effect, ...]:
    """Return what a whole new configuration would make Pacemaker do, on top of what it does anyway.

    Raises PcmkHaError where Pacemaker finds the configuration wrong.
    """
    verify_cib(runner, target)
    anyway, effects = (parse_effects(_ask(runner, *asked)[0]) for asked in ((NOTHING,), (REPLACED, (), target)))
    return tuple(effect for effect in effects if effect not in anyway)


def foresee_restart(runner: Runner, target: str, resource: str) -> tuple[Effect, ...]:
    """Return what a restart of a resource takes along: what has to run with it is stopped and started, too."""
    effects = foresee_effects(runner, with_stopped(target, resource))
    return tuple(replace(found, action="restart") if found.action == "stop" else found for found in effects)


def verify_cib(runner: Runner, target: str) -> None:
    """Have Pacemaker check a configuration; raises PcmkHaError with what it says.

    Without its status: a resource that is taken out while it runs is an orphan to crm_verify, and that is meant. Then
    without its nodes, too: those it knows nothing of it takes for unclean.
    """
    answer = runner.run(("crm_verify", "-V", "--xml-pipe"), stdin=configuration_only(target), ok=(0, INVALID))
    if answer.status == INVALID:
        said = "; ".join(line.strip() for line in answer.stderr.splitlines()[:3])
        raise PcmkHaError(
            f"Pacemaker finds the configuration wrong: {said}",
            hint="something of your own in it may refer to what the file does not want any more",
        )


def _foresee(runner: Runner, cluster: Cluster, change: str, event: tuple[str, ...]) -> Foreseen:
    before = look_at_service(runner, cluster)
    _actions, transition, after = _ask(runner, change, event)
    return Foreseen(before, parse_service(after.strip(), cluster), parse_deeds(transition))


def _ask(runner: Runner, change: str, event: tuple[str, ...] = (), stdin: str | None = None) -> tuple[str, str, str]:
    """Return the scheduler's actions and its transition, and what crm_mon says once they are done."""
    script = SIMULATE.format(change=change, mark=MARK)
    answer = runner.run(("sh", "-c", script, "simulate", *event), stdin=stdin, timeout=60)
    actions, transition, after = answer.stdout.split(MARK)
    return actions, transition, after
