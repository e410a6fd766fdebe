"""What Pacemaker's scheduler would do, from crm_simulate's XML (Pacemaker 2.1 and 3.0)."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree


@dataclass(frozen=True)
class Move:
    """What happens to one resource, or to a node that is fenced; empty strings where crm_simulate says nothing."""

    resource: str
    action: str  # start, stop, restart, reload, move, migrate, promote, demote, fence
    source: str = ""  # where it runs
    target: str = ""  # where it will run, when that is elsewhere


def parse_moves(text: str) -> tuple[Move, ...]:
    """Read every action of `crm_simulate --run`, in its order."""
    root = etree.fromstring(text.encode())
    moves = tuple(
        Move(
            str(found.get("resource")),
            str(found.get("action")).lower(),
            found.get("source") or found.get("node") or "",
            found.get("dest") or "",
        )
        for found in root.iterfind("actions/rsc_action")
    )
    fenced = (Move(str(f.get("node")), "fence", str(f.get("node"))) for f in root.iterfind("actions/node_action"))
    return (*moves, *fenced)


def parse_durations(cib: str) -> dict[tuple[str, str], float]:
    """Read from a live CIB how long each resource's last operation took, by resource and operation, in seconds."""
    found: dict[tuple[str, str], float] = {}
    for resource in etree.fromstring(cib.encode()).iter("lrm_resource"):
        for op in resource.iterfind("lrm_rsc_op[@rc-code='0']"):
            key = (str(resource.get("id")), str(op.get("operation")))
            found[key] = max(found.get(key, 0.0), int(op.get("exec-time") or 0) / 1000)
    return found
