"""Variants of a CIB: what must stand before anything runs, the configuration alone, a resource stopped."""

from __future__ import annotations

from lxml import etree


def fencing_only(cib: str) -> str:
    """Return the same CIB with only properties, STONITH devices and what places them."""
    root = etree.fromstring(cib.encode())
    devices = {str(p.get("id")) for p in root.iterfind("configuration/resources/primitive[@class='stonith']")}
    for section, keep in (("resources", "id"), ("constraints", "rsc")):
        for child in root.findall(f"configuration/{section}/*"):
            if child.get(keep) not in devices or child.get("with-rsc"):
                parent = child.getparent()
                assert parent is not None
                parent.remove(child)
    return etree.tostring(root, encoding="unicode")


def configuration_only(cib: str) -> str:
    """Return the same CIB without nodes and their status: what is wrong in it then is wrong anywhere."""
    root = etree.fromstring(cib.encode())
    for element in (*root.findall("status"), *root.findall("configuration/nodes")):
        for child in list(element):
            element.remove(child)
    return etree.tostring(root, encoding="unicode")


def with_stopped(cib: str, resource: str) -> str:
    """Return the same CIB with a resource told to stop, as `crm_resource --restart` does it for a while."""
    root = etree.fromstring(cib.encode())
    for found in root.iterfind(f"configuration/resources//*[@id='{resource}']"):
        told = etree.SubElement(found, "meta_attributes", id=f"{resource}-told")
        etree.SubElement(told, "nvpair", id=f"{resource}-told-stop", name="target-role", value="Stopped")
        found.insert(0, told)
    return etree.tostring(root, encoding="unicode")
