"""What Pacemaker's scheduler would do, from crm_simulate's XML (Pacemaker 2.1 and 3.0)."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

VERBS = {"promote": "promotes", "demote": "demotes", "start": "starts", "stop": "stops"}
FENCE = "fences"


@dataclass(frozen=True)
class Deed:
    """One thing Pacemaker would do: `starts` `pg_fs` on `node2`; a fencing has no resource."""

    verb: str
    resource: str
    node: str


@dataclass(frozen=True)
class Effect:
    """What becomes of one resource, or of a node that is fenced; empty strings where crm_simulate says nothing."""

    resource: str
    action: str  # start, stop, restart, reload, move, migrate, promote, demote, fence
    source: str = ""  # where it runs
    target: str = ""  # where it will run, when that is elsewhere


def parse_deeds(text: str) -> tuple[Deed, ...]:
    """Read a `<transition>`, in its order; monitors and pseudo actions are no deeds."""
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


def parse_effects(text: str) -> tuple[Effect, ...]:
    """Read `<actions>`: what is to become of each resource, then who is to be fenced."""
    if not text.strip():
        return ()
    root = etree.fromstring(text.encode())
    effects = tuple(
        Effect(
            str(found.get("resource")),
            str(found.get("action")).lower(),
            found.get("source") or found.get("node") or "",
            found.get("dest") or "",
        )
        for found in root.iterfind("rsc_action")
    )
    fenced = (Effect(str(f.get("node")), "fence", str(f.get("node"))) for f in root.iterfind("node_action"))
    return (*effects, *fenced)


def parse_durations(cib: str) -> dict[tuple[str, str], float]:
    """Read from a live CIB how long each resource's last operation took, by resource and operation, in seconds."""
    found: dict[tuple[str, str], float] = {}
    for resource in etree.fromstring(cib.encode()).iter("lrm_resource"):
        for op in resource.iterfind("lrm_rsc_op[@rc-code='0']"):
            key = (str(resource.get("id")), str(op.get("operation")))
            found[key] = max(found.get(key, 0.0), int(op.get("exec-time") or 0) / 1000)
    return found
