"""What was read on the nodes, and small questions to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from pcmk_ha.cib.elements import Element
from pcmk_ha.model.platform import Platform
from pcmk_ha.plan.corosync import flatten

TIME = re.compile(r"^(\d+)\s*([a-z]*)$")
UNITS = {"": 1000, "s": 1000, "sec": 1000, "ms": 1, "msec": 1, "m": 60000, "min": 60000, "h": 3600000, "hr": 3600000}


OURS = {
    "ocf:linbit:drbd": "ocf:pcmk-ha:drbd",
    "ocf:heartbeat:Filesystem": "ocf:pcmk-ha:filesystem",
    "ocf:heartbeat:pgsql": "ocf:pcmk-ha:postgresql",
    "ocf:heartbeat:IPaddr2": "ocf:pcmk-ha:vip",
}


@dataclass(frozen=True)
class Found:
    """Texts as found; the CIB and the DRBD configuration hold secrets."""

    corosync: str
    drbd: str = field(repr=False)  # of `drbdadm dump-xml`
    cib: str = field(repr=False)
    platform: Platform
    parameters: str = ""  # our parameter file, empty where there is none
    hba: str = ""
    verify: str = ""  # the timer that compares both copies: its unit's text, empty where there is none
    verify_enabled: bool = True
    join_late: str = ""  # our drop-in of Corosync's unit
    start_on_boot: bool = True

    @property
    def totem(self) -> dict[str, str]:
        """Return corosync.conf's keys as cmap names them."""
        return flatten(self.corosync)

    def members(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield name and link addresses of every member."""
        flat = self.totem
        for index in range(64):
            rings = [flat.get(f"nodelist.node.{index}.ring{n}_addr", "") for n in range(8)]
            if rings[0]:
                yield flat.get(f"nodelist.node.{index}.name") or rings[0], tuple(a for a in rings if a)


@dataclass
class Adopted:
    """A cluster file in the making; `notes` say what it cannot express, or what is to be looked at."""

    file: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def put(self, place: str, value: Any) -> None:
        """Set a value at a dotted place."""
        *parents, last = place.split(".")
        home = self.file
        for name in parents:
            home = home.setdefault(name, {})
        home[last] = value


def primitives(root: Element, agent: str) -> list[Element]:
    """Return the primitives of an agent, `class:provider:type`, or of ours that does the same."""
    wanted = (agent, OURS.get(agent, agent))
    return [p for p in root.iterfind("configuration/resources//primitive") if agent_of(p) in wanted]


def agent_of(element: Element) -> str:
    """Return a primitive's agent."""
    return ":".join(str(element.get(name)) for name in ("class", "provider", "type") if element.get(name))


def pairs(element: Element, tag: str = "instance_attributes") -> dict[str, str]:
    """Return an element's own name-value pairs."""
    return {str(p.get("name")): str(p.get("value", "")) for p in element.iterfind(f"{tag}/nvpair")}


def op_seconds(element: Element, name: str, attribute: str = "timeout") -> int | None:
    """Return a time of an operation, None where it is not said."""
    op = next((o for o in element.iterfind("operations/op") if o.get("name") == name), None)
    return seconds(op.get(attribute) or "") if op is not None else None


def seconds(text: str) -> int | None:
    """Read a time as Pacemaker writes it; None for anything else."""
    match = TIME.match(text.strip().lower())
    return int(match[1]) * UNITS[match[2]] // 1000 if match and match[2] in UNITS else None


def parse_cib(text: str) -> Element:
    """Parse the CIB."""
    return etree.fromstring(text.encode(), etree.XMLParser(remove_blank_text=True))
