"""The cluster file of a lab."""

from __future__ import annotations

from pcmk_ha.lab.spec import BMC_USER, CLUSTER_NET, DATA_DISK, VIP, NodeSpec
from pcmk_ha.lab.state import load_lab


def lab_file(name: str) -> str:
    """Return a complete cluster file for a lab's nodes; raises PcmkHaError when there is no such lab."""
    lab = load_lab(name)
    data = "".join(_node(node) for node in lab.spec.nodes if node.has_disk)
    arbiter = next((node for node in lab.spec.nodes if not node.has_disk), None)
    return f"""\
# The nodes of the lab {name}. Everything not written here has a safe default: docs/cluster-file.md.
name: {name}
lab: {name}                  # where the nodes are, and from where clients reach them
nodes:
{data}{_arbiter(arbiter) if arbiter else ""}vip: {VIP}/{CLUSTER_NET.prefixlen}
stonith:
  agent: fence_ipmilan
  parameters:
    username: {BMC_USER}
    password: {{file: {lab.paths.bmc_password}}}
    power_wait: 0            # a lab's BMC answers when the node is really off
"""


def _node(node: NodeSpec) -> str:
    return f"""\
  - name: {node.name}
    address: {node.address}
    links: [{node.address}, {node.replication_address}]
    disk: {DATA_DISK}
    fence: {{ip: {node.bmc_address}}}
"""


def _arbiter(node: NodeSpec) -> str:
    return f"""\
arbiter:                     # votes, and runs nothing
  name: {node.name}
  address: {node.address}
  links: [{node.address}, {node.replication_address}]
  fence: {{ip: {node.bmc_address}}}
"""
