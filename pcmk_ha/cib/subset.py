"""The part of a CIB that must stand before anything runs."""

from __future__ import annotations

from lxml import etree


def fencing_only(cib: str) -> str:
    """Return the same CIB with only properties, STONITH devices and what places them."""
    root = etree.fromstring(cib.encode())
    devices = {str(p.get("id")) for p in root.iterfind("configuration/resources/primitive[@class='stonith']")}
    for section, keep in (("resources", "id"), ("constraints", "rsc")):
        for child in root.findall(f"configuration/{section}/*"):
            if child.get(keep) not in devices:
                parent = child.getparent()
                assert parent is not None
                parent.remove(child)
    return etree.tostring(root, encoding="unicode")
