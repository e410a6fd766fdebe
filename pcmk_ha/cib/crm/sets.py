"""Sets of name-value pairs, with their scores and rules."""

from __future__ import annotations

import re

from pcmk_ha.cib.crm.rules import rule
from pcmk_ha.cib.crm.words import NAME, PARTS, children, ident, need, pair, quote, take
from pcmk_ha.cib.elements import Element

LIKE_A_SCORE = re.compile(r"[^:]+:")


def pairs(element: Element, word: str, default_id: str) -> str:
    """Print a set: `params $id="x" 10: rule ... a=b`; its id only where the shell would give another."""
    if element.get("id-ref") is not None:
        given = take(element, "id-ref")
        return f"{word} $id-ref={ident(given['id-ref'])}"
    given = take(element, "id", "score")
    words = [word]
    if given["id"] != default_id:
        words.append(f"$id={ident(given['id'])}")
    if "score" in given:
        words.append(f"{quote(given['score'])}:")
        need(LIKE_A_SCORE.fullmatch(f"{given['score']}:"), given["score"])
    body = rules_and_pairs(element, given["id"])
    # The first word may be read as a score: `state=on:`
    need("score" in given or not body or not LIKE_A_SCORE.fullmatch(body[0].replace('"', "")), word)
    return " ".join(words + body)


def rules_and_pairs(element: Element, ident: str) -> list[str]:
    """Print what a set holds; rules stand before pairs."""
    found = children(element, "rule", "nvpair")
    rules = [child for child in found if child.tag == "rule"]
    return [rule(child, f"{ident}-rule") for child in rules] + [nvpair(c) for c in found if c.tag == "nvpair"]


def nvpair(element: Element) -> str:
    """Print a pair: `a=b`, `a` when it has no value, `@id` or `@id:a` when it refers to another."""
    given = take(element, "id", "name", "value", "id-ref")
    if "id-ref" in given:
        need("id" not in given and "value" not in given, "nvpair")
        return f"@{ident(given['id-ref'])}" + (f":{quote(given['name'])}" if "name" in given else "")
    if "value" not in given:
        name = given["name"]
        need(NAME.fullmatch(name) and ":" not in name and name.lower() not in PARTS, name)
        return name
    return pair(given["name"], given["value"])
