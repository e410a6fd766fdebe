"""A lab's networks: one namespace, in it a bridge for each link and a tap for each node on each link."""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network

from pcmk_ha.errors import BadInput, PcmkHaError, Problem
from pcmk_ha.lab.process import run
from pcmk_ha.lab.spec import CLUSTER_NET, REPLICATION_NET, LabSpec

LINKS: dict[str, IPv4Network] = {"cluster": CLUSTER_NET, "replication": REPLICATION_NET}
CLONE_NEWNET = 0x40000000


def inside(netns: str, argv: Sequence[str]) -> tuple[str, ...]:
    """Return the command that runs `argv` inside a namespace."""
    return ("ip", "netns", "exec", netns, *argv)


def create_network(spec: LabSpec) -> None:
    """Make the namespace, its bridges and taps; one that exists already is an error of the caller."""
    run(("ip", "netns", "add", spec.netns))
    run(("ip", "-n", spec.netns, "-batch", "-"), stdin="\n".join(_commands(spec)) + "\n")
    # Pings and connections between nodes cross the bridge only; the host must never route or filter them.
    run(inside(spec.netns, ("sysctl", "-q", "-w", "net.ipv6.conf.all.disable_ipv6=1")))


def delete_network(spec: LabSpec) -> None:
    """Take the namespace away, and with it everything in it."""
    if exists(spec.netns):
        run(("ip", "netns", "delete", spec.netns))


def exists(netns: str) -> bool:
    """Whether there is such a namespace."""
    return os.path.exists(f"/run/netns/{netns}")  # noqa: PTH110  a mount point, asked for by name


def members(netns: str) -> tuple[int, ...]:
    """Every process in a namespace; none when there is no such namespace."""
    if not exists(netns):
        return ()
    return tuple(int(pid) for pid in run(("ip", "netns", "pids", netns)).split())


def _commands(spec: LabSpec) -> Iterator[str]:
    yield "link set lo up"
    for number, (link, network) in enumerate(LINKS.items()):
        # Its own address: a bridge takes one of its ports' otherwise, and another one when that port is pulled out. The
        # nodes that are left would talk to nobody then, for half a minute, BMCs and clients among it.
        yield f"link add {link} address 02:00:00:00:77:{number:02x} type bridge"
        yield f"addr add {network[1]}/{network.prefixlen} dev {link}"
        yield f"link set {link} up"
        for node in spec.nodes:
            tap = node.tap(link)
            yield f"tuntap add {tap} mode tap"
            yield f"link set {tap} master {link} up"
    for node in spec.nodes:
        yield f"addr add {node.bmc_address}/{CLUSTER_NET.prefixlen} dev cluster"


def add_bmc_address(spec: LabSpec, node: str) -> None:
    """Give the BMC of a new machine its address; nothing when that is there."""
    address = f"{spec.node(node).bmc_address}/{CLUSTER_NET.prefixlen}"
    run(("ip", "-n", spec.netns, "addr", "replace", address, "dev", "cluster"))


def set_link(spec: LabSpec, node: str, link: str, *, up: bool) -> None:
    """Cut or heal a node's cable; `link` is cluster, replication or all."""
    if link not in (*LINKS, "all"):
        raise BadInput([Problem(f"{link}: not a link", f"one of {', '.join(LINKS)}, all")])
    found = spec.node(node)
    for name in LINKS if link == "all" else (link,):
        # Out of the bridge, not down: the guest's driver does not survive the loss of its tap's carrier.
        run(("ip", "-n", spec.netns, "link", "set", found.tap(name), *(("master", name) if up else ("nomaster",))))


def find_links(spec: LabSpec) -> dict[str, dict[str, str]]:
    """Return `up` or `cut` of every link of every node."""
    shown = json.loads(run(("ip", "-n", spec.netns, "-json", "link", "show")))
    plugged = {link["ifname"] for link in shown if "master" in link}
    return {node.name: {link: "up" if node.tap(link) in plugged else "cut" for link in LINKS} for node in spec.nodes}


def enter(netns: str) -> None:
    """Move this process into a namespace; sockets it already has stay where they were opened."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/run/netns/{netns}") as handle:  # noqa: PTH123
        if libc.setns(handle.fileno(), CLONE_NEWNET) != 0:
            raise PcmkHaError(f"cannot enter {netns}: {os.strerror(ctypes.get_errno())}")
