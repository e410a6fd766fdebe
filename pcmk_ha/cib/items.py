"""A CIB as separate things with a key each: what three-way comparison works on.

A resource, a constraint or a fencing level is one thing. Of a set of properties or defaults each pair is one, for
there several hands write into the same set.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator

from lxml import etree

from pcmk_ha.cib.elements import Element
from pcmk_ha.cib.mask import mask_secrets

SETS = {"cluster_property_set", "meta_attributes", "instance_attributes"}
SECTIONS = ("crm_config", "resources", "constraints", "fencing-topology", "rsc_defaults", "op_defaults", "acls",
            "tags", "alerts", "tickets")  # fmt: skip
# Pacemaker writes these itself.
ITS_OWN = ("have-watchdog", "dc-version", "cluster-infrastructure", "last-lrm-refresh")
# Placed and removed by DRBD's fence handler whenever a side is lost, and by nobody's decision.
HANDLERS = "drbd-fence-by-handler-"


def items(cib: str, *, masked: bool = False) -> dict[str, str]:
    """Return what every thing in the configuration means, by key; `masked` without secrets."""
    root = etree.fromstring(cib.encode(), etree.XMLParser(remove_blank_text=True))
    if masked:
        mask_secrets(root)
    return {key: _meaning(element) for key, element in elements(root)}


def config_digest(cib: str) -> str:
    """Return a digest of what the configuration means, whatever its epoch is."""
    return hashlib.sha256(repr(sorted(items(cib).items())).encode()).hexdigest()


def elements(root: Element) -> Iterator[tuple[str, Element]]:
    """Yield every thing with its key, Pacemaker's and the fence handler's own left out."""
    for section in SECTIONS:
        for element in root.iterfind(f"configuration/{section}/*"):
            if not isinstance(element.tag, str):
                continue
            if element.tag in SETS:
                yield from _pairs(element)
            elif not key_of(element).startswith(HANDLERS):
                yield key_of(element), element


def key_of(element: Element) -> str:
    """Return an element's id; of a fencing level what it is for, as tools give it different ids."""
    if element.tag == "fencing-level":
        target = element.get("target") or element.get("target-pattern") or element.get("target-attribute")
        return f"fencing level {element.get('index')} of {target}"
    return str(element.get("id"))


def describe(key: str, meaning: str) -> str:
    """Say what a thing is, for people."""
    if "/" in key:
        return f"{'property' if key.startswith('cib-bootstrap-options/') else 'default'} {key.partition('/')[2]}"
    tag = etree.fromstring(meaning).tag if meaning else ""
    return f"{tag} {key}" if tag and tag != "fencing-level" else key


def canonical(element: Element) -> tuple[object, ...]:
    """What an element means: attributes without order, and pairs, operations and sections without order."""
    children: Iterator[tuple[object, ...]] = (canonical(child) for child in element if not _is_empty_set(child))
    ordered = element.tag in ("group", "resource_set", "resources")
    attributes = () if element.tag == "cib" else tuple(sorted(element.items()))
    return (element.tag, attributes, tuple(children) if ordered else tuple(sorted(children, key=repr)))


def _is_empty_set(element: Element) -> bool:
    """Whether it says nothing: `crm_resource --restart` leaves such a set behind."""
    return element.tag in SETS and not len(element)


def _pairs(element: Element) -> Iterator[tuple[str, Element]]:
    for pair in element.iterfind("nvpair"):
        if pair.get("name") not in ITS_OWN:
            yield f"{element.get('id')}/{pair.get('name')}", pair


def _meaning(element: Element) -> str:
    """Return a text that is equal for equal meanings: of a pair its value, of the rest sorted XML."""
    if element.tag == "nvpair":
        return f'<nvpair value="{_escaped(element.get("value", ""))}"/>'
    return etree.tostring(_sorted(copy.deepcopy(element)), encoding="unicode", with_tail=False)


def _sorted(element: Element) -> Element:
    attributes = sorted(element.items())
    for name in list(element.keys()):
        del element.attrib[name]
    for name, value in attributes:
        element.set(name, value)
    element[:] = [_sorted(child) for child in element if not _is_empty_set(child)]
    if element.tag not in ("group", "resource_set"):
        element[:] = sorted(element, key=lambda child: etree.tostring(child, encoding="unicode"))
    return element


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
