"""Nodes, properties, fencing levels, tags, access rights and alerts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pcmk_ha.cib.crm.sets import pairs, rules_and_pairs
from pcmk_ha.cib.crm.words import INDENT, Printer, children, described, ident, need, quote, take
from pcmk_ha.cib.elements import Element

SHORT_ID = re.compile(r"[\w-]+", re.ASCII)
ALERT_SETS = {"instance_attributes": "attributes", "meta_attributes": "meta"}


def node(element: Element) -> Iterator[str]:
    """Print `node 1: node1 attributes standby=on`."""
    given = take(element, "id", "uname", "type", "description")
    need(re.fullmatch(r"[\w.-]+", given.get("uname", ""), re.ASCII), "uname")
    need(given.get("type", "member") in ("member", "remote"), given.get("type"))
    name = given["uname"] + (":remote" if given.get("type") == "remote" else "")
    parts = [f"node {name}" if given["id"] == given["uname"] else f"node {_head_id(given['id'])} {name}"]
    parts += described(given)
    for child in children(element, "instance_attributes", "utilization"):
        word = "attributes" if child.tag == "instance_attributes" else "utilization"
        parts.append(pairs(child, word, f"{given['uname']}-{child.tag}"))
    yield INDENT.join(parts)


def _head_id(value: str) -> str:
    return f"{value}:" if SHORT_ID.fullmatch(value) else f"$id={quote(value)}"


def properties(word: str) -> Printer:
    """Return the printer of cluster properties or of defaults."""

    def printer(element: Element) -> Iterator[str]:
        given = take(element, "id")
        ident(given["id"])
        found = rules_and_pairs(element, given["id"])
        need(found, "an empty set")
        yield INDENT.join((f"{word} {_head_id(given['id'])}", *found))

    return printer


def topology(element: Element) -> Iterator[str]:
    """Print every fencing level: `fencing_topology node1: ipmi pdu1,pdu2`."""
    targets: dict[str, list[tuple[int, str]]] = {}
    for level in children(element, "fencing-level"):
        given = take(level, "id", "target", "target-pattern", "target-attribute", "target-value", "index", "devices")
        targets.setdefault(_target(given), []).append((int(given["index"]), quote(given["devices"])))
    # The shell counts levels from 1, and those of an attribute without looking at its value.
    by_attribute = [target.partition("=")[0] for target in targets if target.startswith("attr:")]
    need(len(by_attribute) == len(set(by_attribute)), "one attribute with several values")
    for levels in targets.values():
        need([index for index, _devices in sorted(levels)] == list(range(1, len(levels) + 1)), "fencing-level")
    if targets:
        lines = (f"{t} {' '.join(devices for _i, devices in sorted(levels))}" for t, levels in targets.items())
        yield INDENT.join(("fencing_topology", *lines))


def _target(given: dict[str, str]) -> str:
    if "target" in given:
        need(":" not in given["target"], given["target"])
        return f"{quote(given['target'])}:"
    if "target-pattern" in given:
        return quote(f"pattern:{given['target-pattern']}")
    name, value = given["target-attribute"], given["target-value"]
    need(SHORT_ID.fullmatch(name) and SHORT_ID.fullmatch(value), name)
    return f"attr:{name}={value}"


def tag(element: Element) -> Iterator[str]:
    """Print `tag t a b`."""
    given = take(element, "id")
    found = [ident(take(child, "id")["id"]) for child in children(element, "obj_ref")]
    need(found, "tag")
    yield " ".join((f"tag {ident(given['id'])}:", *found))


def roles_of(word: str) -> Printer:
    """Return the printer of a user's or a group's roles."""

    def printer(element: Element) -> Iterator[str]:
        given = take(element, "id")
        roles = [ident(take(child, "id")["id"]) for child in children(element, "role")]
        need(roles, element.tag)
        yield " ".join((f"{word} {ident(given['id'])}", *roles))

    return printer


def role(element: Element) -> Iterator[str]:
    """Print `role r read xpath:/cib`."""
    given = take(element, "id", "description")
    permissions = [_permission(child) for child in children(element, "acl_permission")]
    need(permissions, "acl_role")
    yield INDENT.join((f"role {ident(given['id'])}", *described(given), *permissions))


def _permission(element: Element) -> str:
    given = take(element, "id", "description", "kind", "xpath", "reference", "object-type", "attribute")
    words = [given["kind"], *described(given)]
    said = {name: given[name] for name in ("xpath", "reference", "object-type", "attribute") if name in given}
    need(set(said) in ({"xpath"}, {"reference"}, {"object-type"}, {"object-type", "attribute"}), "acl_permission")
    short = {"xpath": "xpath", "reference": "ref", "object-type": "type", "attribute": "attr"}
    return " ".join((*words, *(f"{short[name]}:{quote(value)}" for name, value in said.items())))


def alert(element: Element) -> Iterator[str]:
    """Print `alert a /path meta timeout=15s select nodes to { address attributes x=y }`."""
    given = take(element, "id", "path", "description")
    found = children(element, *ALERT_SETS, "select", "recipient")
    parts = [f"alert {ident(given['id'])} {quote(given['path'])}", *described(given)]
    parts += _sets(found, given["id"])
    parts += [_select(child) for child in found if child.tag == "select"]
    parts += [_recipient(child) for child in found if child.tag == "recipient"]
    yield INDENT.join(parts)


def _sets(found: list[Element], owner: str) -> list[str]:
    sets = (child for child in found if child.tag in ALERT_SETS)
    return [pairs(child, ALERT_SETS[str(child.tag)], f"{owner}-{child.tag}") for child in sets]


def _select(element: Element) -> str:
    take(element)
    words = ["select"]
    for child in children(element, "select_nodes", "select_fencing", "select_resources", "select_attributes"):
        words.append(str(child.tag).removeprefix("select_"))
        if child.tag == "select_attributes":
            names = [quote(str(c.get("name"))) for c in children(child, "attribute")]
            need(names, "select_attributes")
            words += ["{", *names, "}"]
    need(len(words) > 1, "select")
    return " ".join(words)


def _recipient(element: Element) -> str:
    given = take(element, "id", "value", "description")
    need(given["value"] not in ("{", "}", "attributes", "meta", "to"), given["value"])
    sets = _sets(children(element, *ALERT_SETS), given["id"])
    return " ".join(("to {", quote(given["value"]), *described(given), *sets, "}"))
