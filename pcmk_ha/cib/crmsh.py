"""Any CIB in the syntax of the crm shell; what that syntax cannot say stands as an `xml` line, as crmsh does it.

Nothing is dropped but the ids of elements that nothing refers to and that the shell gives anew (pairs,
operations, expressions): a printer either says everything about its element or raises Inexpressible.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from pcmk_ha.cib.crm import constraints, others, resources
from pcmk_ha.cib.crm.words import INDENT, Inexpressible, Printer
from pcmk_ha.cib.elements import Element

PRINTERS: dict[str, Printer] = {
    "node": others.node,
    "template": resources.primitive("rsc_template"),
    "primitive": resources.primitive("primitive"),
    "group": resources.container("group"),
    "clone": resources.container("clone"),
    "master": resources.container("ms"),
    "tag": others.tag,
    "rsc_location": constraints.location,
    "rsc_colocation": constraints.colocation,
    "rsc_order": constraints.order,
    "rsc_ticket": constraints.ticket,
    "fencing-topology": others.topology,
    "cluster_property_set": others.properties("property"),
    "rsc_defaults": others.properties("rsc_defaults"),
    "op_defaults": others.properties("op_defaults"),
    "acl_role": others.role,
    "acl_target": others.roles_of("acl_target"),
    "acl_group": others.roles_of("acl_group"),
    "alert": others.alert,
}
# As `crm configure show` orders them: what is referred to stands first.
ORDER = ("node", "template", "primitive", "bundle", "group", "master", "clone", "tag", "rsc_location",
         "rsc_colocation", "rsc_order", "rsc_ticket", "fencing-topology", "cluster_property_set", "rsc_defaults",
         "op_defaults", "acl_role", "acl_target", "acl_group", "alert")  # fmt: skip
# Their ids are given anew by the shell, and there is no word for them.
UNNAMED = {"nvpair", "op", "expression", "date_expression", "date_spec", "duration", "resource_set", "recipient",
           "fencing-level", "acl_permission"}  # fmt: skip

DEFAULTS = ("rsc_defaults", "op_defaults")  # their sets are of a kind that other elements hold, too
CONTAINERS, MEMBERS = ("group", "clone", "master"), ("primitive", "group")


def to_crmsh(root: Element) -> str:
    """Return a `<cib>` or `<configuration>` as text for `crm configure load`."""
    configuration = root if root.tag == "configuration" else root.find("configuration")
    if configuration is None:
        return ""
    referred = _referred(configuration)
    found = [(kind, text) for section in configuration for kind, text in _section(section, referred)]
    found.sort(key=lambda entry: ORDER.index(entry[0]) if entry[0] in ORDER else len(ORDER))
    return "".join(f"{text}\n" for _kind, text in found)


def _referred(configuration: Element) -> frozenset[str]:
    """Return the ids that something names."""
    named = {str(e.get(name)) for e in configuration.iter() for name in ("id-ref", "reference") if e.get(name)}
    return frozenset(named | {str(e.get("id")) for e in configuration.iter("obj_ref")})


def _section(section: Element, referred: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield every element of a section with its kind; of levels the whole section is one element."""
    if section.tag == "fencing-topology":
        yield from _element(section, "fencing-topology", referred) if len(section) else ()
        return
    above: list[str] = []
    for element in section.iterchildren():
        if isinstance(element, etree._Comment):
            above += _lines(element)
        elif isinstance(element.tag, str):
            kind = str(section.tag if section.tag in DEFAULTS else element.tag)
            for at, text in _element(element, kind, referred):
                yield at, "\n".join((*above, text))
                above = []


def _element(element: Element, kind: str, referred: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield an element after its members; as XML it holds them."""
    said = _said(element, kind, referred)
    members = [child for child in element if child.tag in MEMBERS] if said and kind in CONTAINERS else []
    for member in members:
        yield from _element(member, str(member.tag), referred)
    inside = (c for c in element.iter(etree.Comment) if not any(c in m.iter(etree.Comment) for m in members))
    comments = [line for comment in inside for line in _lines(comment)]
    yield kind, "\n".join((*comments, said or _xml(element, kind)))


def _said(element: Element, kind: str, referred: frozenset[str]) -> str:
    """Return the element in crm syntax, or nothing."""
    below = (e for child in element if child.tag not in MEMBERS for e in child.iter(*UNNAMED))
    if kind not in PRINTERS or any(e.get("id") in referred for e in below):
        return ""
    try:
        return "\n".join(PRINTERS[kind](element))
    except Inexpressible:
        return ""


def _xml(element: Element, kind: str) -> str:
    """Return an element as an `xml` line, which the shell takes apart at white space and puts together with blanks."""
    text = etree.tostring(element, encoding="unicode", with_tail=False)
    copy = etree.fromstring(text, etree.XMLParser(remove_blank_text=True, remove_comments=True))
    if kind in DEFAULTS:
        wrapper = etree.Element(kind)
        wrapper.append(copy)
        copy = wrapper
    lines = etree.tostring(copy, pretty_print=True).decode().splitlines()
    return INDENT.join(_blanks(line) for line in ("xml " + lines[0], *lines[1:]))


def _lines(comment: Element) -> list[str]:
    return [f"# {line.strip()}" for line in (comment.text or "").splitlines() if line.strip()]


def _blanks(line: str) -> str:
    """Keep runs of blanks, which stand only inside values."""
    return re.sub(r"(?<= ) ", "&#32;", line.strip())
