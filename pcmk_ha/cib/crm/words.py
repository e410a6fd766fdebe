"""What every printer needs: attributes that must all be said, values as the crm shell reads them back.

The shell splits a line as a POSIX shell does, takes a colon at the end of a word for a score or an id, and turns
what is not ASCII into character references before it splits (crmsh 4.4 and 5.0). What does not come back from
that unchanged is Inexpressible here, and stands as an `xml` line instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from pcmk_ha.cib.elements import Element

Printer = Callable[[Element], Iterator[str]]

INDENT = " \\\n\t"
PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,#*-]+")
NAME = re.compile(r"[A-Za-z0-9_#./:*%+-][A-Za-z0-9_#./:*%+@-]*")
IDENT = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
NUMBER = re.compile(r"[+-]?(INFINITY|[0-9]+)")
# Words that begin another part of an element: as the name of a pair without a value they would be misread.
PARTS = {"params", "meta", "utilization", "operations", "op", "op_params", "op_meta", "rule", "attributes",
         "to", "select", "network", "storage", "primitive"}  # fmt: skip


class Inexpressible(Exception):
    """The crm syntax has no words for this element."""


def take(element: Element, *names: str) -> dict[str, str]:
    """Return the attributes; one that is not among `names` cannot be said."""
    given = {str(name): str(value) for name, value in element.items()}
    if not set(given) <= set(names):
        raise Inexpressible(element.tag)
    return given


def need(said: object, what: object) -> None:
    """Give up on an element that the syntax cannot say."""
    if not said:
        raise Inexpressible(what)


def children(element: Element, *tags: str) -> list[Element]:
    """Return the children, comments apart; one of another kind cannot be said."""
    found = [child for child in element if isinstance(child.tag, str)]
    need(all(child.tag in tags for child in found), element.tag)
    return found


def quote(value: str) -> str:
    """Return a value as the shell reads it back."""
    need(value.isascii() and value.isprintable(), value)
    if PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def ident(value: str) -> str:
    """Return an id; the shell takes no other than XML names, and no colon."""
    need(IDENT.fullmatch(value), value)
    return value


def pair(name: str, value: str) -> str:
    """Return `name=value`."""
    need(NAME.fullmatch(name), name)
    return f"{name}={quote(value)}"


def described(given: dict[str, str]) -> list[str]:
    """Return the description as a list of one, or of none."""
    if "description" not in given:
        return []
    need(given["description"], "an empty description")
    return [f"description={quote(given['description'])}"]


def score(value: str) -> str:
    """Return a score as the shell shortens it."""
    need(NUMBER.fullmatch(value) and value != "+INFINITY", value)
    return value.replace("INFINITY", "inf")
