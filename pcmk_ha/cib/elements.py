"""The CIB's building blocks; every id is derived from what it names, so the same input gives the same XML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lxml import etree

Element = etree._Element
Values = Mapping[str, str | int]


@dataclass(frozen=True)
class Op:
    """One operation of a resource; times in seconds, `interval` 0 for all but monitors."""

    name: str
    timeout: int
    interval: int = 0
    role: str = ""
    on_fail: str = ""


def nvset(tag: str, owner: str, suffix: str, values: Values) -> Element:
    """Return a set of name-value pairs, `<owner>-<suffix>`."""
    found = etree.Element(tag, id=f"{owner}-{suffix}")
    for name, value in values.items():
        etree.SubElement(found, "nvpair", id=f"{owner}-{suffix}-{name}", name=name, value=str(value))
    return found


def primitive(
    ident: str,
    agent: str,
    *,
    parameters: Values | None = None,
    meta: Values | None = None,
    ops: Sequence[Op] = (),
) -> Element:
    """Return a primitive; `agent` is `class:provider:type` or `class:type`."""
    parts = agent.split(":")
    attributes = dict(zip(("class", "provider", "type") if len(parts) == 3 else ("class", "type"), parts, strict=True))
    found = etree.Element("primitive", {"id": ident, **attributes})
    if parameters:
        found.append(nvset("instance_attributes", ident, "instance_attributes", parameters))
    if meta:
        found.append(nvset("meta_attributes", ident, "meta_attributes", meta))
    if ops:
        operations = etree.SubElement(found, "operations")
        for op in ops:
            operations.append(_op(ident, op))
    return found


def _op(owner: str, op: Op) -> Element:
    # as the crm shell derives it: monitors of two roles have two intervals anyway
    found = etree.Element(
        "op",
        id=f"{owner}-{op.name}-{op.interval}s",
        name=op.name,
        interval=f"{op.interval}s",
        timeout=f"{op.timeout}s",
    )
    if op.role:
        found.set("role", op.role)
    if op.on_fail:
        found.set("on-fail", op.on_fail)
    return found


def group(ident: str, members: Sequence[Element]) -> Element:
    """Return resources that run together, in this order."""
    found = etree.Element("group", id=ident)
    found.extend(members)
    return found


def clone(member: Element, meta: Values) -> Element:
    """Return a clone of a primitive, `<primitive>-clone`."""
    ident = f"{member.get('id')}-clone"
    found = etree.Element("clone", id=ident)
    found.append(nvset("meta_attributes", ident, "meta_attributes", meta))
    found.append(member)
    return found


def colocation(ident: str, resource: str, with_resource: str, *, with_role: str = "") -> Element:
    """Return a mandatory colocation: `resource` only where `with_resource` is."""
    found = etree.Element("rsc_colocation", id=ident, score="INFINITY", rsc=resource)
    found.set("with-rsc", with_resource)
    if with_role:
        found.set("with-rsc-role", with_role)
    return found


def keep_away(ident: str, resource: str, with_resource: str, *, with_role: str, score: int) -> Element:
    """Return the wish that a resource be elsewhere if it can; it has no say in where the other one goes."""
    found = colocation(ident, resource, with_resource, with_role=with_role)
    found.set("score", f"-{score}")
    found.set("influence", "false")
    return found


def order(ident: str, first: str, first_action: str, then: str) -> Element:
    """Return a mandatory order before a start.

    `then-action` is always written: without it Pacemaker takes that of `first`, and the promotion of
    something that is never promoted silently takes the order away.
    """
    found = etree.Element("rsc_order", id=ident, kind="Mandatory", first=first, then=then)
    found.set("first-action", first_action)
    found.set("then-action", "start")
    return found


def order_if_both(ident: str, first: str, first_action: str, then: str, then_action: str) -> Element:
    """Return an order for the case that both are to be done, in which neither waits for the other otherwise."""
    found = etree.Element("rsc_order", id=ident, kind="Optional", symmetrical="false", first=first, then=then)
    found.set("first-action", first_action)
    found.set("then-action", then_action)
    return found


def avoid(ident: str, resource: str, node: str, *, never_probe: bool = False) -> Element:
    """Return a location that keeps a resource off a node."""
    found = etree.Element("rsc_location", id=ident, rsc=resource, node=node, score="-INFINITY")
    if never_probe:
        found.set("resource-discovery", "never")
    return found
