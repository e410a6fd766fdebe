"""What the cluster knows of one member: what can switch it off, when it was last heard of, what is kept about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lxml import etree

from pcmk_ha.cib.names import HEAD_START_AGENT

PLACES = (
    "ip",
    "ipaddr",
    "plug",
    "port",
    "systems_uri",
    "uuid",
)  # parameters that say which device, or which plug of it
ZONE = re.compile(r"([+-]\d\d:?\d\d|Z)$")


@dataclass(frozen=True)
class Device:
    """A STONITH device as the live configuration has it; its parameters hold secrets."""

    id: str
    agent: str
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def place(self) -> tuple[str, ...]:
        """What tells one device, or one plug of it, from another."""
        return (self.agent, *(self.parameters.get(name, "") for name in PLACES))


def parse_devices(cib: str, node: str) -> tuple[Device, ...]:
    """Read the devices that can switch a node off, with what their agents are given."""
    found = []
    for primitive in _of(cib, "configuration/resources//primitive[@class='stonith']"):
        pairs = {
            str(pair.get("name")): str(pair.get("value")) for pair in primitive.iterfind("instance_attributes/nvpair")
        }
        if primitive.get("type") != HEAD_START_AGENT and node in re.split(r"[\s,;]+", pairs.get("pcmk_host_list", "")):
            given = {name: value for name, value in pairs.items() if not name.startswith("pcmk_")}
            found.append(Device(str(primitive.get("id")), str(primitive.get("type")), given))
    return tuple(found)


def parse_attributes(cib: str, node: str) -> dict[str, str]:
    """Read what is kept about a node for good."""
    pairs = _of(cib, f"configuration/nodes/node[@uname='{node}']/instance_attributes/nvpair")
    return {str(pair.get("name")): str(pair.get("value")) for pair in pairs}


def has_status(cib: str, node: str) -> bool:
    """Whether anything that was found out about a node's own life is kept: results of actions, its attributes."""
    return any(len(part) for part in _of(cib, f"status/node_state[@uname='{node}']/*"))


def last_result(cib: str, node: str) -> datetime | None:
    """Read when an action last had a result on a node: each of its lives begins with some, and a fencing ends them."""
    found = _of(cib, f"status/node_state[@uname='{node}']/lrm//lrm_rsc_op")
    times = [int(str(seconds)) for op in found if str(seconds := op.get("last-rc-change", "")).isdecimal()]
    return datetime.fromtimestamp(max(times), UTC) if times else None


def last_fencing(history: str, node: str) -> datetime | None:
    """Read from stonith_admin's XML when the fencer last had it confirmed that a node was off."""
    root = etree.fromstring(history.encode())
    times = [
        at
        for event in root.iter("fence_event")
        if (event.get("target"), event.get("status")) == (node, "success") and event.get("action") in ("off", "reboot")
        if (at := _time(str(event.get("completed", ""))))
    ]
    return max(times, default=None)


def _of(cib: str, path: str) -> Iterator[etree._Element]:
    return etree.fromstring((cib or "<cib/>").encode()).iterfind(path)


def _time(text: str) -> datetime | None:
    """Read `2026-11-24 20:00:00.123456 +01:00`; without a zone it is UTC."""
    zone = ZONE.search(text)
    try:
        return datetime.fromisoformat(f"{text[:19]}{zone[1] if zone else '+00:00'}")
    except ValueError:
        return None
