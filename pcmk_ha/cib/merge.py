"""Put what we want into a live CIB, and leave everything else in it as it is."""

from __future__ import annotations

import copy
from collections.abc import Collection

from lxml import etree

from pcmk_ha.cib.elements import Element
from pcmk_ha.cib.items import SETS, canonical, elements

# In the order the schema wants them (Pacemaker's cib-*.rng)
SECTIONS = (
    "crm_config",
    "nodes",
    "resources",
    "constraints",
    "fencing-topology",
    "rsc_defaults",
    "op_defaults",
)


def merge(live: str, desired: str, gone: Collection[str] = ()) -> str:
    """Return the live CIB with every element of the desired one in it, matched by id.

    Elements of other ids stay, but for those in `gone`: keys of pcmk_ha.cib.items that were ours once. A property
    set keeps the pairs we do not name; everything else of ours is replaced whole. Merging twice changes nothing more.
    """
    root = _parse(live)
    configuration = _child(root, "configuration")
    for element in [e for key, e in elements(root) if key in gone]:
        _take_out(element)
    for section in _parse(desired).iterfind("configuration/*"):
        home = _child(configuration, section.tag)
        for wanted in section:
            _put(root, home, wanted)
    return etree.tostring(root, encoding="unicode")


def is_merged(live: str, desired: str, gone: Collection[str] = ()) -> bool:
    """Whether a merge would change nothing but the order of pairs and attributes."""
    return canonical(_parse(live)) == canonical(_parse(merge(live, desired, gone)))


def _take_out(element: Element) -> None:
    """Remove an element; a section that was made for it alone goes with its last one."""
    parent = element.getparent()
    assert parent is not None
    parent.remove(element)
    if parent.tag == "fencing-topology" and not len(parent):
        _take_out(parent)


def _parse(text: str) -> Element:
    return etree.fromstring(text.encode(), etree.XMLParser(remove_blank_text=True))


def _child(parent: Element, tag: str) -> Element:
    found = parent.find(tag)
    if found is not None:
        return found
    made = etree.Element(tag)
    later = SECTIONS[SECTIONS.index(tag) + 1 :] if tag in SECTIONS else ()
    places = [parent.index(child) for child in parent if child.tag in later]
    parent.insert(min(places, default=len(parent)), made)
    return made


def _put(root: Element, home: Element, wanted: Element) -> None:
    found = _by_id(root, str(wanted.get("id")))
    if found is None:
        found = _same_level(home, wanted)
    if found is None:
        home.append(copy.deepcopy(wanted))
    elif wanted.tag in SETS:
        _put_pairs(root, found, wanted)
    elif canonical(found) != canonical(wanted):
        parent = found.getparent()
        assert parent is not None
        parent.replace(found, copy.deepcopy(wanted))


def _put_pairs(root: Element, found: Element, wanted: Element) -> None:
    """Set each pair by name: another tool may have chosen another id for it."""
    for pair in wanted:
        same = next((p for p in found.iterfind("nvpair") if p.get("name") == pair.get("name")), None)
        if same is not None:
            same.set("value", str(pair.get("value")))
        elif _by_id(root, str(pair.get("id"))) is None:
            found.append(copy.deepcopy(pair))


def _same_level(home: Element, wanted: Element) -> Element | None:
    """Find a fencing level by what it is for: other tools give it other ids, and there can be only one."""
    if wanted.tag != "fencing-level":
        return None
    key = (wanted.get("target"), wanted.get("index"))
    return next((e for e in home if (e.get("target"), e.get("index")) == key), None)


def _by_id(root: Element, ident: str) -> Element | None:
    return next((e for e in root.iterfind("configuration//*[@id]") if e.get("id") == ident), None)
