"""A CIB as nested plain values, for JSON."""

from __future__ import annotations

from typing import Any

from lxml import etree

from pcmk_ha.cib.elements import Element
from pcmk_ha.errors import BadInput, Problem


def parse_cib(text: str, name: str) -> Element:
    """Parse a CIB document; raises BadInput with the line when it is none."""
    try:
        root = etree.fromstring(text.encode(), etree.XMLParser(remove_blank_text=True, resolve_entities=False))
    except etree.XMLSyntaxError as error:
        raise BadInput([Problem(f"not XML: {error.msg}", "", name, error.lineno or 0)]) from None
    if root.tag not in ("cib", "configuration") or (root.tag == "cib" and root.find("configuration") is None):
        hint = "a CIB is what `cibadmin --query` prints"
        raise BadInput([Problem(f"<{root.tag}> is not a CIB with a configuration", hint, name, 1)])
    return root


def as_plain(element: Element) -> dict[str, Any]:
    """Return tag, attributes and children."""
    children = [as_plain(child) for child in element if isinstance(child.tag, str)]
    plain: dict[str, Any] = {
        "tag": element.tag,
        **({"attributes": dict(element.items())} if len(element.keys()) else {}),
    }
    return plain | ({"children": children} if children else {})
