"""Let the members and PostgreSQL's clients through the firewall that is active on a node."""

from __future__ import annotations

import json

from pcmk_ha.model.cluster import Cluster
from pcmk_ha.remote.runner import Runner

FIREWALLS = ("ufw", "firewalld", "nftables")  # the first that filters is the one to tell
COROSYNC = "5405-5412"  # udp, a port a link
OWN_FILE = "/etc/nftables.pcmk-ha.nft"
CONFIG = "/etc/nftables.conf"
MARK = "pcmk-ha"


def find_firewall(runner: Runner) -> str:
    """Return which firewall filters on a node: ufw, firewalld, nftables or none (empty)."""
    words = runner.run(("systemctl", "is-active", *FIREWALLS), ok=None).stdout.split()
    active = [unit for unit, word in zip(FIREWALLS, words, strict=False) if word == "active"]
    if "ufw" in active and "Status: active" in runner.run(("ufw", "status"), ok=None).stdout:
        return "ufw"
    if "firewalld" in active:
        return "firewalld"
    if "nftables" in active and input_chains(runner.run(("nft", "-j", "list", "chains"), ok=None).stdout):
        return "nftables"
    return ""


def is_open(runner: Runner, firewall: str, cluster: Cluster) -> bool:
    """Whether the firewall lets the cluster through already."""
    if firewall == "nftables":
        ruleset = runner.run(("nft", "list", "ruleset"), ok=None).stdout
        return all(line.rpartition(" input ")[2] in ruleset for line in nft_rules("inet filter input", cluster))
    listing = {"ufw": ("ufw", "status"), "firewalld": ("firewall-cmd", "--list-ports")}[firewall]
    listed = runner.run(listing, ok=None).stdout
    ports = (f"{cluster.drbd.port}/tcp", f"{cluster.postgresql.port}/tcp")
    return all(port in listed for port in ports) and "5412/udp" in listed


def open_firewall(runner: Runner, firewall: str, cluster: Cluster) -> None:
    """Open the ports, now and at the next boot."""
    if firewall == "nftables":
        _open_nftables(runner, cluster)
        return
    for argv in commands(firewall, cluster):
        runner.run(argv)


def commands(firewall: str, cluster: Cluster) -> tuple[tuple[str, ...], ...]:
    """Return what opens the ports in ufw or firewalld."""
    ports = (f"{cluster.drbd.port}/tcp", f"{cluster.postgresql.port}/tcp")
    if firewall == "ufw":
        return (("ufw", "allow", "5405:5412/udp"), *(("ufw", "allow", port) for port in ports))
    opened = (f"{COROSYNC}/udp", *ports)
    permanent = tuple(("firewall-cmd", "--permanent", f"--add-port={port}") for port in opened)
    return (*permanent, ("firewall-cmd", "--reload"))


def input_chains(listing: str) -> tuple[str, ...]:
    """Return `family table chain` of every chain that filters what comes in, from `nft -j list chains`."""
    try:
        found = [entry["chain"] for entry in json.loads(listing or "{}").get("nftables", []) if "chain" in entry]
    except ValueError:
        return ()
    return tuple(
        f"{chain['family']} {chain['table']} {chain['name']}"
        for chain in found
        if chain.get("hook") == "input" and chain.get("type") == "filter" and chain["family"] in ("inet", "ip", "ip6")
    )


def nft_rules(chain: str, cluster: Cluster) -> tuple[str, ...]:
    """Return what lets the cluster through one chain, before whatever else that chain says."""
    return (
        f'insert rule {chain} udp dport {COROSYNC} accept comment "{MARK}"',
        f'insert rule {chain} tcp dport {cluster.drbd.port} accept comment "{MARK}"',
        f'insert rule {chain} tcp dport {cluster.postgresql.port} accept comment "{MARK}"',
    )


def _open_nftables(runner: Runner, cluster: Cluster) -> None:
    """Put our rules into a file of our own, which the administrator's file includes at its end."""
    chains = input_chains(runner.run(("nft", "-j", "list", "chains")).stdout)
    rules = [rule for chain in chains for rule in nft_rules(chain, cluster)]
    runner.put(OWN_FILE, "# Written by pcmk-ha\n" + "\n".join(rules) + "\n")
    include = f'include "{OWN_FILE}"'
    if include not in (runner.read(CONFIG) or ""):
        runner.run(("tee", "-a", CONFIG), stdin=f"{include}\n")
    runner.run(("nft", "-f", OWN_FILE))
