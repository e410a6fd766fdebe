"""Primitives, templates, and what contains them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pcmk_ha.cib.crm.sets import pairs
from pcmk_ha.cib.crm.words import INDENT, Printer, children, described, ident, need, pair, take
from pcmk_ha.cib.elements import Element

SETS = {"instance_attributes": "params", "meta_attributes": "meta", "utilization": "utilization"}
OP_SETS = {"instance_attributes": "op_params", "meta_attributes": "op_meta"}
OP_ATTRIBUTES = ("interval", "timeout", "start-delay", "interval-origin", "role", "record-pending", "enabled",
                 "on-fail", "description")  # fmt: skip
AGENT = re.compile(r"[A-Za-z0-9_-]+(:[A-Za-z0-9_.@-]+){1,2}")


def primitive(word: str) -> Printer:
    """Return the printer of primitives or of templates."""

    def printer(element: Element) -> Iterator[str]:
        given = take(element, "id", "class", "provider", "type", "template", "description")
        head = f"{word} {ident(given['id'])} {_agent(given)}"
        yield INDENT.join((head, *described(given), *_content(element, given["id"])))

    return printer


def _agent(given: dict[str, str]) -> str:
    parts = [given[name] for name in ("class", "provider", "type") if name in given]
    if "template" in given:
        need(not parts, "a template and an agent")
        return f"@{ident(given['template'])}"
    agent = ":".join(parts)
    need(AGENT.fullmatch(agent) and ("provider" in given) == (given.get("class") == "ocf"), agent)
    return agent


def _content(element: Element, owner: str) -> Iterator[str]:
    # Their order among each other means nothing; the shell reads sets after operations as part of those.
    found = children(element, *SETS, "operations")
    for child in found:
        if child.tag in SETS:
            yield pairs(child, SETS[str(child.tag)], f"{owner}-{child.tag}")
    for child in found:
        if child.tag == "operations":
            yield from _operations(child)


def _operations(element: Element) -> Iterator[str]:
    given = take(element, "id", "id-ref")
    for name, value in given.items():
        yield f"operations ${name}={ident(value)}"
    for op in children(element, "op"):
        yield _op(op)


def _op(element: Element) -> str:
    given = take(element, "id", "name", *OP_ATTRIBUTES)
    need("interval" in given and "id" in given, "op")
    attributes = (pair(name, value) for name, value in given.items() if name not in ("id", "name"))
    words = [f"op {ident(given['name'])}", *attributes]
    for child in children(element, *OP_SETS):
        words.append(pairs(child, OP_SETS[str(child.tag)], f"{given['id']}-{child.tag}"))
    return " ".join(words)


def container(word: str) -> Printer:
    """Return the printer of groups, clones or masters; their members are elements of their own."""

    def printer(element: Element) -> Iterator[str]:
        given = take(element, "id", "description")
        found = children(element, "primitive", "group", "instance_attributes", "meta_attributes")
        members = [child for child in found if child.tag not in SETS]
        need(members, element.tag)
        names = (ident(str(member.get("id"))) for member in members)
        sets = (pairs(c, SETS[str(c.tag)], f"{given['id']}-{c.tag}") for c in found if c.tag in SETS)
        yield INDENT.join((" ".join((f"{word} {ident(given['id'])}", *names)), *described(given), *sets))

    return printer
