"""Commented cluster files to start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Answers:
    """What a starter file is made of."""

    name: str = "pgha"
    node1: str = "node1"
    address1: str = "192.0.2.11"
    bmc1: str = "192.0.2.111"
    node2: str = "node2"
    address2: str = "192.0.2.12"
    bmc2: str = "192.0.2.112"
    disk: str = "/dev/sdb"
    vip: str = "192.0.2.100"

    QUESTIONS: ClassVar[dict[str, str]] = {
        "name": "Name of the cluster",
        "node1": "Host name of the first node",
        "address1": "Its address",
        "bmc1": "Address of its BMC (IPMI)",
        "node2": "Host name of the second node",
        "address2": "Its address",
        "bmc2": "Address of its BMC (IPMI)",
        "disk": "Empty disk for the data, on both",
        "vip": "Virtual IP address of the service",
    }


EXAMPLE = """\
# A PostgreSQL cluster of two nodes. Everything not written here has a safe default: docs/cluster-file.md.
# yaml-language-server: $schema=cluster.schema.json    (pcmk-ha schema > cluster.schema.json)
name: {name}
nodes:
  - name: {node1}               # as `uname -n` prints it
    address: {address1}
    # A second network makes the cluster survive the loss of one; DRBD then replicates over the last link.
    # links: [{address1}, 198.51.100.11]
    disk: {disk}             # empty: DRBD takes it whole
    fence: {{ip: {bmc1}}}   # what can switch this node off
  - name: {node2}
    address: {address2}
    disk: {disk}
    fence: {{ip: {bmc2}}}
vip: {vip}               # applications connect here
stonith:
  agent: fence_ipmilan        # also fence_redfish, fence_virsh, fence_vbox, fence_pve, fence_vmware_rest, ...
  parameters:
    username: admin
    password: {{env: FENCE_PASSWORD}}   # never written here: {{env: NAME}} or {{file: PATH}}
# A third vote decides at once who goes on when the two lose sight of each other:
# arbiter:
#   name: arbiter
#   address: 192.0.2.13
#   fence: {{ip: 192.0.2.113}}
# postgresql:
#   parameters: {{shared_buffers: 4GB}}
#   hba:
#     - {{address: 203.0.113.0/24}}
"""

PROVIDERS = ("virtualbox", "libvirt")
VAGRANT_FENCE = {
    "virtualbox": (
        "fence_vbox",
        "192.168.56.1",
        "pcmk-ha_{node}",
        "a login on the host that owns the machines",
    ),
    "libvirt": ("fence_virsh", "192.168.121.1", "pcmk-ha_{node}", "a login on the host that may run virsh"),
}
VAGRANT = """\
# The machines of the Vagrantfile ({provider}). The host switches them off: it must allow SSH.
name: vagrant
nodes:
  - name: node1
    address: 192.168.56.11
    ssh: node1                # from `vagrant ssh-config`, see below
    links: [192.168.56.11, 192.168.57.11]
    disk: {disk}
    fence: {{plug: {plug1}}}
  - name: node2
    address: 192.168.56.12
    ssh: node2
    links: [192.168.56.12, 192.168.57.12]
    disk: {disk}
    fence: {{plug: {plug2}}}
vip: 192.168.56.100/24
ssh_config: vagrant.ssh_config      # vagrant ssh-config > vagrant.ssh_config
stonith:
  agent: {agent}
  parameters:
    ip: {host}
    username: vagrant-fence         # {login}
    password: {{env: FENCE_PASSWORD}}
"""


def example_file(answers: object) -> str:
    """Return the commented example."""
    assert isinstance(answers, Answers)
    return EXAMPLE.format(**vars(answers))


def vagrant_file(provider: str) -> str:
    """Return the file for the Vagrantfile's machines, fenced by their host."""
    agent, host, plug, login = VAGRANT_FENCE[provider]
    disk = "/dev/sdb" if provider == "virtualbox" else "/dev/vdb"
    plugs = {f"plug{n}": plug.format(node=f"node{n}") for n in (1, 2)}
    return VAGRANT.format(provider=provider, agent=agent, host=host, login=login, disk=disk, **plugs)
