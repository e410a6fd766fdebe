"""A cluster that exists only in Pacemaker's scheduler: faults go in, placement comes out."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.look.service import Service, parse_service

SCORE = "10000"  # what ocf:linbit:drbd gives a node whose data is UpToDate and connected


@dataclass
class Simulated:
    """A CIB file that crm_simulate works on in place."""

    path: Path
    cluster: Cluster
    transition: str = ""

    @classmethod
    def started(cls, cib: str, cluster: Cluster, path: Path) -> Simulated:
        """Start the whole cluster: every member online, both copies good, everything placed."""
        root = etree.fromstring(cib.encode())
        nodes = root.find("configuration/nodes")
        assert nodes is not None
        for number, node in enumerate(cluster.members, 1):
            etree.SubElement(nodes, "node", id=str(number), uname=node.name)
        root.set("have-quorum", "1")
        root.set("dc-uuid", "1")
        root.set("crm_feature_set", "3.16.1")
        path.write_text(etree.tostring(root, encoding="unicode"))
        found = cls(path, cluster)
        found.inject(*(word for node in cluster.members for word in ("--node-up", node.name)))
        for node in cluster.nodes:
            found.score(node.name, SCORE)
        found.settle()
        return found

    def inject(self, *faults: str) -> None:
        """Apply faults and let the cluster answer them."""
        argv = ("crm_simulate", "--xml-file", str(self.path), "--in-place", *faults)
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr + done.stdout[-2000:]
        self.transition = done.stdout

    def settle(self) -> None:
        """Let the cluster do what is still to be done."""
        for _round in range(3):
            self.inject()

    def score(self, node: str, value: str) -> None:
        """Set DRBD's promotion score on a node."""
        root = etree.parse(self.path).getroot()
        state = root.find(f"status/node_state[@uname='{node}']")
        assert state is not None
        ident = f"master-{self.cluster.drbd_id}"
        for old in state.findall(f"transient_attributes//nvpair[@name='{ident}']"):
            old.getparent().remove(old)  # type: ignore[union-attr]
        attributes = state.find("transient_attributes")
        if attributes is None:
            attributes = etree.SubElement(state, "transient_attributes", id=str(state.get("id")))
            etree.SubElement(attributes, "instance_attributes", id=f"status-{node}")
        home = attributes.find("instance_attributes")
        assert home is not None
        etree.SubElement(home, "nvpair", id=f"status-{node}-{ident}", name=ident, value=value)
        self.path.write_text(etree.tostring(root, encoding="unicode"))

    def configure(self, scope: str, xml: str) -> None:
        """Create an element of the configuration."""
        argv = ("cibadmin", "--modify", "--allow-create", "--scope", scope, "--xml-text", xml)
        subprocess.run(argv, env={**os.environ, "CIB_file": str(self.path)}, timeout=30, check=True)

    def lose_quorum(self) -> None:
        """Let the members that are left be too few."""
        root = etree.parse(self.path).getroot()
        root.set("have-quorum", "0")
        self.path.write_text(etree.tostring(root, encoding="unicode"))

    def standby(self, node: str) -> None:
        """Ask a node to run nothing."""
        number = [member.name for member in self.cluster.members].index(node) + 1
        self.configure(
            "nodes",
            f'<node id="{number}" uname="{node}"><instance_attributes id="nodes-{number}">'
            f'<nvpair id="nodes-{number}-standby" name="standby" value="on"/></instance_attributes></node>',
        )

    def fail_often(self, resource: str, node: str) -> None:
        """Let a resource have failed as often as a node is forgiven."""
        root = etree.parse(self.path).getroot()
        home = root.find(f"status/node_state[@uname='{node}']/transient_attributes/instance_attributes")
        assert home is not None
        name = f"fail-count-{resource}#monitor_10000"
        etree.SubElement(home, "nvpair", id=f"status-{node}-fail-{resource}", name=name, value="3")
        self.path.write_text(etree.tostring(root, encoding="unicode"))

    @property
    def service(self) -> Service:
        """Where everything is now."""
        argv = ("crm_mon", "--output-as=xml", "--one-shot", "--inactive")
        done = subprocess.run(
            argv, env={**os.environ, "CIB_file": str(self.path)}, capture_output=True, text=True, timeout=30, check=True
        )
        return parse_service(done.stdout, self.cluster)
