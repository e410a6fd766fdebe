"""What Pacemaker would do about a change: its own scheduler, asked on a copy of the live configuration."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from lxml import etree

from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.service import Service, look_at_service, parse_service
from pcmk_ha.remote.runner import Runner

# crm_mon reads the simulated cluster as it reads a live one; the copy holds fence passwords. Every tool of the cluster
# works on the file that CIB_file names, so what is tried is the very command that would be run.
SIMULATE = """set -e; umask 077; d=$(mktemp -d); trap 'rm -r "$d"' EXIT
cibadmin --query > "$d/cib.xml"
export CIB_file="$d/cib.xml"
{change} > /dev/null
crm_simulate --xml-file "$CIB_file" --in-place --output-as=xml "$@" > "$d/said.xml"
sed -n '/<transition>/,/<.transition>/p' "$d/said.xml"
echo "{mark}"
crm_mon --output-as=xml --one-shot --inactive"""
MARK = "<!-- and then -->"
VERBS = {"promote": "promotes", "demote": "demotes", "start": "starts", "stop": "stops"}
FENCE = "fences"


@dataclass(frozen=True)
class Deed:
    """One thing Pacemaker would do: `starts` `pg_fs` on `node2`; a fencing has no resource."""

    verb: str
    resource: str
    node: str


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
    return _foresee(runner, cluster, change, ())


def foresee_event(runner: Runner, cluster: Cluster, *event: str) -> Foreseen:
    """Ask what an event would lead to, in the words of crm_simulate: `--node-fail node1`."""
    return _foresee(runner, cluster, ("true",), event)


def _foresee(runner: Runner, cluster: Cluster, change: tuple[str, ...], event: tuple[str, ...]) -> Foreseen:
    before = look_at_service(runner, cluster)
    script = SIMULATE.format(change=shlex.join(change), mark=MARK)
    answer = runner.run(("sh", "-c", script, "simulate", *event), timeout=60)
    transition, _, after = answer.stdout.partition(MARK)
    return Foreseen(before, parse_service(after.strip(), cluster), parse_deeds(transition))


def parse_deeds(text: str) -> tuple[Deed, ...]:
    """Read a transition as crm_simulate writes it; monitors and pseudo actions are no deeds."""
    if not text.strip():
        return ()
    found = []
    for action in etree.fromstring(text.encode()):
        if action.tag == "fencing_action":
            found.append(Deed(FENCE, "", str(action.get("target"))))
        elif action.tag == "rsc_action" and action.get("op") in VERBS:
            resource = str(action.get("resource")).partition(":")[0]
            found.append(Deed(VERBS[str(action.get("op"))], resource, str(action.get("node"))))
    return tuple(found)
