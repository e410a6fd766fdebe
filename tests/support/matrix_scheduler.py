"""One decision of Pacemaker's scheduler at a time: what was where, what it did in which order, and what waited.

crm_simulate carries out every fencing it plans. A fence device that fails is therefore modelled by the transition
graph: whatever does not depend on the fencing happens, the rest stays undone.
"""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from lxml import etree

from pcmk_ha.model.cluster import Cluster

FENCE = "fence"
ROUTINE = ("monitor", "cancel", FENCE)  # neither moves a resource

INVALID = b"An invalid transition was produced"  # something waits for what is never done


class Placed(NamedTuple):
    """An active instance of a resource; on a lost node one that may still be running there."""

    resource: str
    node: str
    role: str
    failed: bool


class Op(NamedTuple):
    """Something done on a node; a fencing is one without a resource."""

    task: str
    node: str
    resource: str = ""
    interval: str = "0"

    @property
    def spec(self) -> str:
        """The operation as crm_simulate's options name it, without the result."""
        if self.task == FENCE:
            return f"fencing of {self.node}"
        return f"{self.resource}_{self.task}_{self.interval}@{self.node}"


@dataclass(frozen=True)
class Step:
    """One transition, carried out."""

    before: frozenset[Placed]
    ops: tuple[Op, ...]
    after: frozenset[Placed]
    waiting: dict[str, frozenset[Op]]  # fenced node -> what comes only after its fencing
    delays: dict[str, int]  # fenced node -> seconds its fencing is put off for its priority
    complete: bool  # whatever was planned could be done
    given: str  # the CIB with the faults of this step in it
    result: str  # the CIB after it

    @property
    def fenced(self) -> frozenset[str]:
        return frozenset(op.node for op in self.ops if op.task == FENCE)


@dataclass
class Scheduler:
    """crm_simulate, which is asked every question once."""

    folder: Path
    runs: int = 0
    _known: dict[tuple[str, tuple[str, ...]], Step] = field(default_factory=dict)
    _names: Iterator[int] = field(default_factory=itertools.count)

    def step(self, cib: str, arguments: Iterable[str] = ()) -> Step:
        """Apply faults to a CIB and let the cluster answer them."""
        key = (cib, tuple(arguments))
        if key not in self._known:
            self._known[key] = self._run(*key)
        return self._known[key]

    def takes(self, cib: str) -> bool:
        """Say whether this Pacemaker reads such a CIB at all."""
        try:
            self.step(cib)
        except AssertionError:
            return False
        return True

    def _run(self, cib: str, arguments: tuple[str, ...]) -> Step:
        self.runs += 1
        stem = self.folder / str(next(self._names))
        source, given, result, graph = (stem.with_suffix(f".{name}") for name in ("xml", "given", "result", "graph"))
        source.write_text(cib)
        argv = ("crm_simulate", "--simulate", "--output-as=xml", "--xml-file", str(source), "--save-input", str(given),
                "--save-output", str(result), "--save-graph", str(graph), *arguments)  # fmt: skip
        environment = {**os.environ, "CIB_shadow_dir": str(self.folder)}
        done = subprocess.run(argv, env=environment, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0 or INVALID in done.stdout, done.stderr.decode() + done.stdout.decode()[-2000:]
        said = etree.fromstring(done.stdout)
        ops = tuple(_ops(said))
        waiting, delays = _fencings(graph) if any(op.task == FENCE for op in ops) else ({}, {})
        step = Step(_placed(said, "cluster_status"), ops, _placed(said, "revised_cluster_status"), waiting, delays,
                    done.returncode == 0, given.read_text(), result.read_text())  # fmt: skip
        for file in (source, given, result, graph):
            file.unlink()
        return step


def promoted_in(placed: Iterable[Placed], cluster: Cluster) -> set[str]:
    """Return the nodes on which DRBD is promoted, or may be."""
    return {p.node for p in placed if p.resource == cluster.drbd_id and p.role in ("Promoted", "Master")}


def _placed(said: etree._Element, status: str) -> frozenset[Placed]:
    return frozenset(
        Placed(str(found.get("id")), str(node.get("name")), str(found.get("role")), found.get("failed") == "true")
        for found in said.iterfind(f"{status}/resources//resource")
        for node in found.iterfind("node")
    )


def _ops(said: etree._Element) -> Iterator[Op]:
    """Yield what was done, in order; pseudo actions happen nowhere."""
    for action in said.iterfind("transition/*"):
        if action.tag == "rsc_action":
            resource = str(action.get("resource")).partition(":")[0]
            yield Op(str(action.get("op")), str(action.get("node")), resource, action.get("interval") or "0")
        elif action.tag == "fencing_action":
            yield Op(FENCE, str(action.get("target")))


def _fencings(path: Path) -> tuple[dict[str, frozenset[Op]], dict[str, int]]:
    """Return by fenced node what depends on its fencing, and for how long it is put off."""
    actions: dict[str, etree._Element] = {}
    followers: dict[str, set[str]] = {}
    for synapse in etree.parse(path).getroot():
        for action in synapse.iterfind("action_set/*"):
            actions[str(action.get("id"))] = action
            for cause in synapse.iterfind("inputs/trigger/*"):
                followers.setdefault(str(cause.get("id")), set()).add(str(action.get("id")))
    waiting: dict[str, frozenset[Op]] = {}
    delays: dict[str, int] = {}
    for ident, action in actions.items():
        if action.get("operation") == "stonith":
            node = str(action.get("on_node"))
            attributes = action.find("attributes")
            assert attributes is not None
            waiting[node] = frozenset(_op(actions[after]) for after in _after(ident, followers))
            delays[node] = int(attributes.get("CRM_meta_priority_fencing_delay") or 0)
    return waiting, delays


def _after(ident: str, followers: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    todo = [ident]
    while todo:
        new = followers.get(todo.pop(), set()) - found
        found |= new
        todo += new
    return found


def _op(action: etree._Element) -> Op:
    """Return an action of the graph in the words of the transition."""
    resource = action.find("primitive")
    attributes = action.find("attributes")
    interval = attributes.get("CRM_meta_interval") if attributes is not None else None
    name = str(resource.get("id")).partition(":")[0] if resource is not None else ""
    return Op(str(action.get("operation")), str(action.get("on_node")), name, interval or "0")
