"""Where resources run, with what, and after what."""

from __future__ import annotations

from collections.abc import Iterator

from pcmk_ha.cib.crm.rules import rule
from pcmk_ha.cib.crm.words import INDENT, children, ident, need, quote, score, take
from pcmk_ha.cib.elements import Element

ROLES = ("Started", "Stopped", "Promoted", "Unpromoted", "Master", "Slave")
ACTIONS = ("start", "stop", "promote", "demote")


def location(element: Element) -> Iterator[str]:
    """Print `location l rsc 100: node`, or with rules in place of the score."""
    given = take(element, "id", "rsc", "rsc-pattern", "node", "score", "role", "resource-discovery")
    found = children(element, "rule", "resource_set")
    head = [f"location {ident(given['id'])}", *_who(given, [c for c in found if c.tag == "resource_set"])]
    head += [f"{name}={ident(given[name])}" for name in ("role", "resource-discovery") if name in given]
    rules = [child for child in found if child.tag == "rule"]
    if "node" in given:
        need("score" in given and not rules, "rsc_location")
        yield " ".join((*head, f"{score(given['score'])}:", quote(given["node"])))
        return
    need(rules and "score" not in given, "rsc_location")
    yield INDENT.join((" ".join(head), *(rule(child, f"{given['id']}-rule") for child in rules)))


def _who(given: dict[str, str], sets: list[Element]) -> list[str]:
    """Return the resource, the pattern, or the sets a location is about: exactly one of them."""
    need(("rsc" in given) + ("rsc-pattern" in given) + bool(sets) == 1, "rsc_location")
    if sets:
        return ["{", *_sets(sets, "role"), "}"]
    if "rsc" in given:
        return [ident(given["rsc"])]
    need(given["rsc-pattern"], "an empty pattern")
    return [quote(f"/{given['rsc-pattern']}/")]


def colocation(element: Element) -> Iterator[str]:
    """Print `colocation c inf: rsc with-rsc:Promoted`."""
    given = take(element, "id", "score", "rsc", "rsc-role", "with-rsc", "with-rsc-role", "node-attribute")
    need("score" in given, "rsc_colocation")
    words = [f"colocation {ident(given['id'])}", f"{score(given['score'])}:"]
    words += _ends(element, given, ("rsc", "with-rsc"), "role")
    if "node-attribute" in given:
        # the shell turns it into lower case
        need(given["node-attribute"] == given["node-attribute"].lower(), "node-attribute")
        words.append(f"node-attribute={quote(given['node-attribute'])}")
    yield " ".join(words)


def order(element: Element) -> Iterator[str]:
    """Print `order o Mandatory: first:promote then:start`."""
    # a score would come back as a kind
    given = take(element, "id", "kind", "first", "first-action", "then", "then-action", "symmetrical")
    words = [f"order {ident(given['id'])}"]
    if "kind" in given:
        need(given["kind"] in ("Mandatory", "Optional", "Serialize"), given["kind"])
        words.append(f"{given['kind']}:")
    words += _ends(element, given, ("first", "then"), "action")
    if "symmetrical" in given:
        need(given["symmetrical"] in ("true", "false"), given["symmetrical"])
        words.append(f"symmetrical={given['symmetrical']}")
    yield " ".join(words)


def ticket(element: Element) -> Iterator[str]:
    """Print `rsc_ticket t ticketA: rsc:Promoted loss-policy=stop`."""
    given = take(element, "id", "ticket", "rsc", "rsc-role", "loss-policy")
    need(":" not in given["ticket"], given["ticket"])
    words = [f"rsc_ticket {ident(given['id'])}", f"{quote(given['ticket'])}:"]
    words += _ends(element, given, ("rsc",), "role")
    if "loss-policy" in given:
        words.append(f"loss-policy={ident(given['loss-policy'])}")
    yield " ".join(words)


def _ends(element: Element, given: dict[str, str], names: tuple[str, ...], suffix: str) -> list[str]:
    """Return what a constraint ties together: two resources, or sets of them."""
    sets = children(element, "resource_set")
    if not sets:
        need(all(name in given for name in names), element.tag)
        return [_with(given[name], given.get(f"{name}-{suffix}"), suffix) for name in names]
    need(not any(name in given for name in names), element.tag)
    words = list(_sets(sets, suffix))
    # as many words as there are resources in the simple form: a marker says that they are a set
    return ["_rsc_set_", *words] if len(words) == len(names) else words


def _with(resource: str, what: str | None, suffix: str) -> str:
    if what is None:
        return ident(resource)
    need(what in (ROLES if suffix == "role" else ACTIONS), what)
    return f"{ident(resource)}:{what}"


def _sets(sets: list[Element], suffix: str) -> Iterator[str]:
    """Print sets: `a b`, `( a b )` in any order, `[ a b ]` any one of them; a role or action ends a set."""
    before: str | None = None  # how the set before ends, when no bracket does it
    for element in sets:
        given = take(element, "id", "sequential", "require-all", suffix)
        need({given.get(k, "true") for k in ("sequential", "require-all")} <= {"true", "false"}, "resource_set")
        brackets = _brackets(given.get("sequential", "true"), given.get("require-all", "true"))
        what = given.get(suffix)
        need(brackets or before is None or before != (what or ""), "two sets that would become one")
        names = [_with(str(c.get("id")), what, suffix) for c in children(element, "resource_ref")]
        need(names, "an empty set")
        yield from (brackets[:1], *names, brackets[1:]) if brackets else names
        before = None if brackets else what or ""


def _brackets(sequential: str, require_all: str) -> str:
    need((sequential, require_all) != ("true", "false"), "any of them, but in order")
    return "" if sequential == "true" else "()" if require_all == "true" else "[]"
