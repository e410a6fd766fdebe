"""Addresses, links, ports and the VIP."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pcmk_ha.facts import sockets
from pcmk_ha.operate.checks.subject import Check, Subject

FIRST_LINK_PORT = 5405  # knet: a port a link, from here on


def addresses(subject: Subject) -> Iterator[Check]:
    """The node has the addresses the file gives it."""
    own = subject.text("ip", "-o", "addr")
    wanted = {str(subject.node.address), *subject.node.link_addresses}
    if subject.holds_data:
        wanted.add(subject.node.drbd_address)
    missing = sorted(address for address in wanted if f" {address}/" not in own)
    if missing:
        yield subject.fail("addresses", f"this node has no {', '.join(missing)}", "correct address, links or the node")
    else:
        yield subject.ok("addresses", ", ".join(sorted(wanted)))


def links(subject: Subject) -> Iterator[Check]:
    """Every other member answers on every address the cluster will use."""
    lost = []
    for peer in subject.cluster.members:
        replication = {peer.drbd_address} if subject.holds_data and peer in subject.cluster.nodes else set()
        for address in sorted({*peer.link_addresses, *replication}) if peer is not subject.node else ():
            if not subject.text("ping", "-c", "1", "-W", "1", address):
                lost.append(f"{peer.name} at {address}")
    if lost:
        yield subject.fail("links", f"no answer from {', '.join(lost)}", "is the node up, the cable in, ping allowed?")
    else:
        yield subject.ok("links", "every other member answers on every link")


def ports(subject: Subject) -> Iterator[Check]:
    """Free, or held by the cluster itself."""
    if subject.is_active("corosync") or subject.is_active("pacemaker"):
        yield subject.ok("ports", "held by the running cluster")
        return
    wanted = {("udp", FIRST_LINK_PORT + n): "Corosync" for n in range(len(subject.node.link_addresses))}
    if subject.holds_data:
        wanted |= {("tcp", subject.cluster.postgresql.port): "PostgreSQL"}
        replicating = " cs:" in subject.text("cat", "/proc/drbd")  # ours, from a run that was cut short
        wanted |= {} if replicating else {("tcp", subject.cluster.drbd.port): "DRBD"}
    listed = sockets.parse_listening(subject.runner.run(sockets.LISTENING).stdout)
    taken = [held for held in listed if (held.protocol, held.port) in wanted]
    if taken:
        said = {f"{held.port} (for {wanted[held.protocol, held.port]}) by {held.program}" for held in taken}
        hint = "Debian's own server? systemctl disable --now postgresql, if nobody needs it"
        names = {held.program for held in taken}
        yield subject.fail(
            "ports", f"in use: {', '.join(sorted(said))}", hint if names == {"postgres"} else "ss -ltunp"
        )
    else:
        yield subject.ok("ports", f"{', '.join(str(port) for _protocol, port in wanted)} are free")


def vip(subject: Subject) -> Iterator[Check]:
    """Nobody has it, and there is an interface for it."""
    if not subject.holds_data:
        return
    wanted = subject.cluster.vip
    own = subject.text("ip", "-o", "addr")
    if f" {wanted.address}/" in own or subject.text("ping", "-c", "1", "-W", "1", str(wanted.address)):
        if subject.is_active("pacemaker"):
            yield subject.ok("VIP", "held by the running cluster")
        else:
            yield subject.fail("VIP", f"{wanted.address} is in use already", "arping shows by whom; take another")
        return
    device = wanted.interface or _interface(subject.text("ip", "-json", "route", "get", str(wanted.address)))
    if wanted.interface and f" {wanted.interface} " not in own:
        yield subject.fail("VIP", f"there is no interface {wanted.interface}", "ip -br link lists them")
    elif not device:
        yield subject.fail("VIP", f"no interface leads to {wanted.address}", "set vip.interface")
    elif " REACHABLE" in subject.text("ip", "neigh", "show", str(wanted.address)):
        # It answers ARP but no ping, or it did within the last half minute.
        yield subject.warn("VIP", f"somebody had {wanted.address} a moment ago", "make sure that nobody has it now")
    else:
        yield subject.ok("VIP", f"{wanted.address} is free, goes to {device}")


def _interface(route: str) -> str:
    try:
        found = json.loads(route)[0]
    except (ValueError, IndexError):
        return ""
    return "" if "gateway" in found else str(found.get("dev", ""))
