"""The replicated device, from `drbdadm dump-xml`."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from pcmk_ha.cib.elements import Element
from pcmk_ha.errors import PcmkHaError
from pcmk_ha.plan.adopt.found import Adopted

OURS = ("shared-secret", "fencing")  # written by us in any case
WEEKLY = "OnCalendar=Sun *-*-* "
HANDLERS = "/usr/local/lib/pcmk-ha/"


@dataclass(frozen=True)
class Side:
    """One node's side of the device."""

    disk: str
    minor: int
    address: str
    port: int


def find_resource(text: str, name: str) -> Element:
    """Return the resource of this name, or the only one; raises PcmkHaError where there is none to choose."""
    every = list(etree.fromstring(text.encode()).iterfind("resource")) if text.strip() else []
    named = [r for r in every if r.get("name") == name] or every
    if len(named) != 1:
        known = ", ".join(str(r.get("name")) for r in every) or "none"
        raise PcmkHaError(f"which DRBD resource holds the database? found: {known}", hint="drbdadm dump")
    return named[0]


def sides(resource: Element, out: Adopted) -> dict[str, Side]:
    """Return every node's side."""
    found = {}
    for host in resource.iterfind("host"):
        volumes = host.findall("volume")
        if len(volumes) > 1:
            out.notes.append(f"DRBD: volumes beyond the first of {host.get('name')} cannot be expressed")
        address = host.find("address")
        device = volumes[0].find("device")
        assert address is not None
        assert device is not None
        meta = volumes[0].findtext("meta-disk") or "internal"
        if meta != "internal":
            out.notes.append(f"DRBD: metadata on {meta} cannot be expressed, only internal")
        found[str(host.get("name"))] = Side(
            volumes[0].findtext("disk") or "", int(device.get("minor") or 0),
            (address.text or "").strip("[]"), int(address.get("port") or 7788),
        )  # fmt: skip
    return found


def options(resource: Element, section: str) -> dict[str, str]:
    """Return a section's options, those left out that we write in any case."""
    found = resource.iterfind(f"section[@name='{section}']/option")
    return {str(o.get("name")): str(o.get("value", "yes")) for o in found if o.get("name") not in OURS}


def verify_of(timer: str, *, enabled: bool) -> str:
    """Return how often both copies are compared; where nobody ever did it is what a new cluster has."""
    if timer and not enabled:
        return "never"
    return "weekly" if WEEKLY in timer else "monthly"


def note_handlers(resource: Element, out: Adopted) -> None:
    """Name handlers that ours would replace."""
    for option in resource.iterfind("section[@name='handlers']/option"):
        if not str(option.get("value")).startswith(HANDLERS):
            out.notes.append(f"DRBD: the handler {option.get('name')} {option.get('value')} is not taken over")
