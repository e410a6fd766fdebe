"""Rules: when a location or a set holds."""

from __future__ import annotations

import re

from pcmk_ha.cib.crm.words import NUMBER, children, ident, need, pair, quote, score, take
from pcmk_ha.cib.elements import Element

UNARY = ("defined", "not_defined")
BINARY = ("lt", "gt", "lte", "gte", "eq", "ne")
ATTRIBUTE = re.compile(r"[A-Za-z0-9_#$-][A-Za-z0-9_#$:.-]*")
KEYWORDS = {"date", *UNARY, "rule"}
# Those that both crmsh 4.4 and 5.0 know; the first misspells `yeardays`.
SPECS = ("hours", "monthdays", "weekdays", "months", "weeks", "years", "weekyears")


def rule(element: Element, default_id: str) -> str:
    """Print a rule: `rule $role=Promoted -inf: #uname ne node1`."""
    if element.get("id-ref") is not None:
        return f"rule $id-ref={ident(take(element, 'id-ref')['id-ref'])}"
    given = take(element, "id", "role", "score", "score-attribute", "boolean-op")
    words = ["rule"]
    if "id" in given and given["id"] != default_id:
        words.append(f"$id={ident(given['id'])}")
    if "role" in given:
        words.append(f"$role={ident(given['role'])}")
    words.append(f"{_weight(given)}:")
    expressions = children(element, "expression", "date_expression")
    # With one expression there is nothing to join, and the word for it would be lost.
    operation = given.get("boolean-op", "and")
    need(expressions and (len(expressions) > 1 or operation == "and"), "rule")
    return " ".join((*words, f" {operation} ".join(_expression(e) for e in expressions)))


def _weight(given: dict[str, str]) -> str:
    need(("score" in given) != ("score-attribute" in given), "rule")
    if "score" in given:
        return score(given["score"])
    attribute = given["score-attribute"]
    need(ATTRIBUTE.fullmatch(attribute) and ":" not in attribute, attribute)
    need(not NUMBER.fullmatch(attribute.upper().replace("INF", "INFINITY")), attribute)
    need(attribute.lower() not in ("advisory", "mandatory", "infinity"), attribute)
    return attribute


def _expression(element: Element) -> str:
    if element.tag == "date_expression":
        return _date(element)
    given = take(element, "id", "attribute", "operation", "value", "type", "value-source")
    operation, attribute = given["operation"], given["attribute"]
    need(ATTRIBUTE.fullmatch(attribute) and attribute.lower() not in KEYWORDS, attribute)
    if operation in UNARY:
        need(not {"value", "type", "value-source"} & set(given), "expression")
        return f"{operation} {attribute}"
    need(operation in BINARY and "value" in given, operation)
    need(re.fullmatch(r"[^\s{}]+", given["value"]), given["value"])
    kind = f"{given['type']}:" if "type" in given else ""
    value = quote(given["value"])
    if "value-source" in given:
        value = f"{given['value-source']}{{{value}}}"
        need('"' not in value, value)
    return f"{attribute} {kind}{operation} {value}"


def _date(element: Element) -> str:
    given = take(element, "id", "operation", "start", "end")
    operation = given["operation"]
    parts = children(element, "duration", "date_spec")
    if operation in ("lt", "gt"):
        name = "end" if operation == "lt" else "start"
        need(not parts and set(given) == {"id", "operation", name}, "date_expression")
        return f"date {operation} {quote(given[name])}"
    spans = [pair(name, given[name]) for name in ("start", "end") if name in given]
    if operation == "date_spec":
        need(len(parts) == 1 and not spans, "date_expression")
        return " ".join(("date spec", *_spec(parts[0])))
    need(operation == "in_range", operation)
    if parts:
        need(len(parts) == 1 and list(spans) and "end" not in given, "date_expression")
        return " ".join(("date in", *spans, *_spec(parts[0])))
    need(len(spans) == 2, "date_expression")
    return " ".join(("date in", *spans))


def _spec(element: Element) -> list[str]:
    given = take(element, "id", *SPECS)
    found = [pair(name, value) for name, value in given.items() if name != "id"]
    need(found and not len(element), element.tag)
    return found
