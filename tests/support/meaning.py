"""What a CIB means, without what tools may choose freely: ids of pairs, operations and expressions, and order."""

from __future__ import annotations

from lxml import etree

FREE_IDS = {"nvpair", "op", "expression", "date_expression", "rule", "resource_set", "recipient", "fencing-level",
            "instance_attributes", "meta_attributes", "utilization", "operations"}  # fmt: skip
ORDERED = {"group", "resource_set"}  # of primitives and references only; sets beside them may stand anywhere


def meaning(element: etree._Element) -> tuple[object, ...]:
    attributes = {k: v for k, v in element.items() if not (k == "id" and element.tag in FREE_IDS)}
    children = [meaning(child) for child in element if isinstance(child.tag, str)]
    if element.tag in ORDERED:
        children.sort(key=lambda child: child[0] not in ("primitive", "resource_ref"))
    else:
        children.sort(key=repr)
    return (element.tag, tuple(sorted(attributes.items())), tuple(children))


def sections(path: str) -> dict[str, tuple[object, ...]]:
    root = etree.parse(path, etree.XMLParser(remove_blank_text=True)).getroot()
    return {str(s.tag): meaning(s) for s in root.find("configuration") if len(s)}
