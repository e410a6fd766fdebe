"""The standby attribute that an update sets: in a set of attributes of its own, by which it is told from anybody's.

One write sets it and one removes it, with its mark. An administrator's standby is another attribute in another set:
an update never sets, believes or clears that. The score makes ours count where another set says `standby=off`.
"""

from __future__ import annotations

from lxml import etree

PREFIX = "pcmk-ha-update-"


def parse_aside(text: str) -> frozenset[str]:
    """Read, from the nodes section of a CIB, which nodes an update has put into standby."""
    if not text:
        return frozenset()
    return frozenset(
        str(node.get("uname"))
        for node in etree.fromstring(text.encode()).iter("node")
        if any(str(found.get("id")) == f"{PREFIX}{node.get('uname')}" for found in node.iter("instance_attributes"))
    )


def parse_node_id(text: str, name: str) -> str:
    """Read the id of a node; empty where there is no such node."""
    for node in etree.fromstring(text.encode()).iter("node"):
        if node.get("uname") == name:
            return str(node.get("id"))
    return ""


def set_aside(name: str, ident: str) -> tuple[str, ...]:
    """Return the command that puts a node into standby, as ours."""
    node = etree.Element("node", id=ident, uname=name)
    attributes = etree.SubElement(node, "instance_attributes", id=f"{PREFIX}{name}", score="INFINITY")
    etree.SubElement(attributes, "nvpair", id=f"{PREFIX}{name}-standby", name="standby", value="on")
    text = etree.tostring(node, encoding="unicode")
    return ("cibadmin", "--modify", "--allow-create", "--scope", "nodes", "--xml-text", text)


def release(name: str) -> tuple[str, ...]:
    """Return the command that ends that."""
    return ("cibadmin", "--delete", "--xpath", f"//instance_attributes[@id='{PREFIX}{name}']")
