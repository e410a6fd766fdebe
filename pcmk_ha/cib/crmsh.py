"""Any CIB in the syntax of the crm shell; what that syntax cannot say stands as an `xml` line, as crmsh does it.

Nothing is dropped: a printer either says everything about its element or raises Inexpressible.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from lxml import etree

from pcmk_ha.cib.elements import Element

PLAIN = re.compile(r"^[A-Za-z0-9_./:@%+,#*-]+$")
SETS = {"instance_attributes": "params", "meta_attributes": "meta", "utilization": "utilization"}
INDENT = " \\\n\t"


class Inexpressible(Exception):
    """The crm syntax has no words for this element."""


def to_crmsh(root: Element) -> str:
    """Return a `<cib>` or `<configuration>` as text for `crm configure load`, one element after another."""
    configuration = root if root.tag == "configuration" else root.find("configuration")
    if configuration is None:
        return ""
    return "".join(f"{line}\n" for section in configuration for line in _section(section))


def _section(section: Element) -> Iterator[str]:
    if section.tag == "fencing-topology":
        yield from _or_xml(section, _topology)
        return
    for element in section:
        if not isinstance(element.tag, str):
            continue  # a comment
        yield from _or_xml(element, DEFAULTS.get(section.tag) or PRINTERS.get(element.tag, _unknown))


def _or_xml(element: Element, printer: Callable[[Element], Iterator[str]]) -> Iterator[str]:
    try:
        yield from list(printer(element))
    except Inexpressible:
        copy = etree.fromstring(etree.tostring(element), etree.XMLParser(remove_blank_text=True))
        text = etree.tostring(copy, encoding="unicode")
        yield f"xml {text}"


def _unknown(element: Element) -> Iterator[str]:
    raise Inexpressible(element.tag)
    yield ""


def _take(element: Element, *names: str) -> dict[str, str]:
    """Return attributes; one that is not among `names` cannot be said."""
    if set(map(str, element.keys())) - set(names):
        raise Inexpressible(element.tag)
    return {str(name): str(value) for name, value in element.items()}


def _only_children(element: Element, *tags: str) -> None:
    if any(child.tag not in tags for child in element):
        raise Inexpressible(element.tag)


def quote(value: str) -> str:
    """Return a value as the crm shell reads it back."""
    if PLAIN.match(value):
        return value
    if "\n" in value or "\\" in value or ('"' in value and "'" in value):
        raise Inexpressible(value)
    return f"'{value}'" if '"' in value else f'"{value}"'


def _pair(name: str, value: str) -> str:
    return f"{name}={quote(value)}"


# --- sets of name-value pairs


def _node(element: Element) -> Iterator[str]:
    given = _take(element, "id", "uname", "type", "description")
    _only_children(element, "instance_attributes", "utilization")
    if given.get("type", "member") != "member":
        raise Inexpressible("node")
    parts = [f"node {given['id']}: {given['uname']}" if given.get("uname") != given["id"] else f"node {given['id']}"]
    if "description" in given:
        parts.append(f"description={quote(given['description'])}")
    for child in element:
        word = "attributes" if child.tag == "instance_attributes" else "utilization"
        parts.append(_pairs(child, word, f"{given.get('uname')}-{child.tag}"))
    yield INDENT.join(parts)


def _pairs(element: Element, word: str, default_id: str) -> str:
    """Print a set: `params $id="x" a=b c=d`; the id only where it is not the one crmsh would give."""
    if "id-ref" in element.keys():  # noqa: SIM118  lxml elements iterate over children
        return f"{word} $id-ref={quote(_take(element, 'id-ref')['id-ref'])}"
    given = _take(element, "id")
    _only_children(element, "nvpair")
    words = [word]
    if given["id"] != default_id:
        words.append(f"$id={quote(given['id'])}")
    words += [_nvpair(pair) for pair in element]
    return " ".join(words)


def _nvpair(pair: Element) -> str:
    given = _take(pair, "id", "name", "value")
    if "name" not in given or "value" not in given:
        raise Inexpressible("nvpair")
    if not PLAIN.match(given["name"]) or given["name"].startswith("$"):
        raise Inexpressible(given["name"])
    return _pair(given["name"], given["value"])


def _properties(word: str) -> Callable[[Element], Iterator[str]]:
    def printer(element: Element) -> Iterator[str]:
        given = _take(element, "id")
        _only_children(element, "nvpair")
        if not len(element):
            raise Inexpressible("empty set")
        yield INDENT.join((f"{word} {given['id']}:", *(_nvpair(pair) for pair in element)))

    return printer


# --- resources


def _type(given: dict[str, str]) -> str:
    if "template" in given:
        return f"@{given['template']}"
    return ":".join(given[name] for name in ("class", "provider", "type") if name in given)


def _primitive(word: str) -> Callable[[Element], Iterator[str]]:
    def printer(element: Element) -> Iterator[str]:
        given = _take(element, "id", "class", "provider", "type", "template", "description")
        parts = [f"{word} {given['id']} {_type(given)}"]
        if "description" in given:
            parts.append(f"description={quote(given['description'])}")
        parts += _content(element, given["id"])
        yield INDENT.join(parts)

    return printer


def _content(element: Element, ident: str) -> Iterator[str]:
    for child in element:
        if child.tag in SETS:
            yield _pairs(child, SETS[child.tag], f"{ident}-{child.tag}")
        elif child.tag == "operations":
            yield from _operations(child, ident)
        else:
            raise Inexpressible(child.tag)


def _operations(element: Element, ident: str) -> Iterator[str]:
    if len(element.keys()):
        given = _take(element, "id")
        if given["id"] != f"{ident}-operations":
            yield f"operations $id={quote(given['id'])}"
    for op in element:
        attributes = {str(name): str(value) for name, value in op.items()}
        if len(op) or op.tag != "op" or "id-ref" in attributes or "name" not in attributes:
            raise Inexpressible("op")
        name = attributes.pop("name")
        attributes.pop("id")
        yield " ".join((f"op {name}", *(_pair(key, value) for key, value in attributes.items())))


def _container(word: str) -> Callable[[Element], Iterator[str]]:
    """Groups, clones and masters: their members are printed first, each as an element of its own."""

    def printer(element: Element) -> Iterator[str]:
        given = _take(element, "id", "description")
        members = [child for child in element if child.tag in ("primitive", "group")]
        parts = [" ".join((f"{word} {given['id']}", *(str(member.get("id")) for member in members)))]
        if "description" in given:
            parts.append(f"description={quote(given['description'])}")
        for child in element:
            if child.tag in ("meta_attributes", "instance_attributes"):
                parts.append(_pairs(child, SETS[child.tag], f"{given['id']}-{child.tag}"))
            elif child not in members:
                raise Inexpressible(str(child.tag))
        for member in members:
            yield from _or_xml(member, PRINTERS[str(member.tag)])
        yield INDENT.join(parts)

    return printer


# --- constraints


def _score(value: str) -> str:
    return {"INFINITY": "inf", "+INFINITY": "inf", "-INFINITY": "-inf"}.get(value, value)


def _location(element: Element) -> Iterator[str]:
    given = _take(element, "id", "rsc", "rsc-pattern", "node", "score", "role", "resource-discovery")
    if "rsc" not in given:
        raise Inexpressible("rsc_location")
    head = [f"location {given['id']} {given['rsc']}"]
    if "role" in given:
        head.append(f"role={given['role']}")
    if "resource-discovery" in given:
        head.append(f"resource-discovery={given['resource-discovery']}")
    if "node" in given:
        if len(element) or "score" not in given:
            raise Inexpressible("rsc_location")
        head.append(f"{_score(given['score'])}: {given['node']}")
        yield " ".join(head)
        return
    _only_children(element, "rule")
    yield INDENT.join((" ".join(head), *(_rule(rule) for rule in element)))


def _rule(rule: Element) -> str:
    given = _take(rule, "id", "role", "score", "boolean-op")
    _only_children(rule, "expression")
    if "score" not in given or not len(rule):
        raise Inexpressible("rule")
    words = ["rule"]
    if "id" in given:
        words.append(f"$id={quote(given['id'])}")
    if "role" in given:
        words.append(f"$role={given['role']}")
    words.append(f"{_score(given['score'])}:")
    joiner = f" {given.get('boolean-op', 'and')} "
    return " ".join((*words, joiner.join(_expression(e) for e in rule)))


def _expression(expression: Element) -> str:
    given = _take(expression, "id", "attribute", "operation", "value", "type")
    operation, attribute = given["operation"], given["attribute"]
    if operation in ("defined", "not_defined"):
        return f"{operation} {attribute}"
    kind = f"{given['type']}:" if "type" in given else ""
    return f"{attribute} {kind}{operation} {quote(given['value'])}"


def _with_role(resource: str, role: str | None) -> str:
    return f"{resource}:{role}" if role else resource


def _colocation(element: Element) -> Iterator[str]:
    given = _take(element, "id", "score", "rsc", "rsc-role", "with-rsc", "with-rsc-role", "node-attribute")
    if "rsc" not in given or "with-rsc" not in given or "score" not in given:
        raise Inexpressible("rsc_colocation")
    ends = (
        _with_role(given["rsc"], given.get("rsc-role")),
        _with_role(given["with-rsc"], given.get("with-rsc-role")),
    )
    tail = [f"node-attribute={given['node-attribute']}"] if "node-attribute" in given else []
    yield " ".join((f"colocation {given['id']} {_score(given['score'])}:", *ends, *tail))


def _order(element: Element) -> Iterator[str]:
    given = _take(element, "id", "kind", "score", "first", "first-action", "then", "then-action", "symmetrical")
    if "first" not in given or "then" not in given or ("kind" in given) == ("score" in given):
        raise Inexpressible("rsc_order")
    kind = given.get("kind") or _score(given["score"])
    ends = (
        _with_role(given["first"], given.get("first-action")),
        _with_role(given["then"], given.get("then-action")),
    )
    tail = [f"symmetrical={given['symmetrical']}"] if "symmetrical" in given else []
    yield " ".join((f"order {given['id']} {kind}:", *ends, *tail))


def _ticket(element: Element) -> Iterator[str]:
    given = _take(element, "id", "ticket", "rsc", "rsc-role", "loss-policy")
    if "rsc" not in given:
        raise Inexpressible("rsc_ticket")
    words = [f"rsc_ticket {given['id']} {given['ticket']}:", _with_role(given["rsc"], given.get("rsc-role"))]
    if "loss-policy" in given:
        words.append(f"loss-policy={given['loss-policy']}")
    yield " ".join(words)


def _topology(element: Element) -> Iterator[str]:
    targets: dict[str, list[tuple[int, str]]] = {}
    for level in element:
        given = _take(level, "id", "target", "index", "devices")
        if "target" not in given:
            raise Inexpressible("fencing-level")
        targets.setdefault(given["target"], []).append((int(given["index"]), given["devices"]))
    for levels in targets.values():
        if [index for index, _devices in sorted(levels)] != list(range(1, len(levels) + 1)):
            raise Inexpressible("fencing-level")  # the syntax counts levels from 1
    if targets:
        lines = (f"{t}: {' '.join(devices for _i, devices in sorted(levels))}" for t, levels in targets.items())
        yield INDENT.join(("fencing_topology", *lines))


def _tag(element: Element) -> Iterator[str]:
    given = _take(element, "id")
    _only_children(element, "obj_ref")
    yield " ".join((f"tag {given['id']}:", *(str(reference.get("id")) for reference in element)))


PRINTERS: dict[str, Callable[[Element], Iterator[str]]] = {
    "node": _node,
    "primitive": _primitive("primitive"),
    "template": _primitive("rsc_template"),
    "group": _container("group"),
    "clone": _container("clone"),
    "master": _container("ms"),
    "rsc_location": _location,
    "rsc_colocation": _colocation,
    "rsc_order": _order,
    "rsc_ticket": _ticket,
    "tag": _tag,
    "cluster_property_set": _properties("property"),
}
DEFAULTS = {"rsc_defaults": _properties("rsc_defaults"), "op_defaults": _properties("op_defaults")}
