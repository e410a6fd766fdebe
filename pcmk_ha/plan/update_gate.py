"""Why packages must not be updated now, and what will be done where they may: pure, and every reason at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pcmk_ha.facts.pairs import bad_pairs
from pcmk_ha.facts.software import Software, Upgrade, newest_kernel
from pcmk_ha.facts.versions import bad_drbd, upstream
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.plan.boots import Boots
from pcmk_ha.plan.placement import other_data_node
from pcmk_ha.plan.update import Found, foreseen_boot, holds_data, order

SERVER = re.compile(r"^postgresql-(\d+)$")
CLUSTERS = re.compile(r"^(corosync|pacemaker|drbd|resource-agents|fence-agents|postgresql|linux-image)")
SHOWN = 6  # packages, by name


def reasons_against_update(
    cluster: Cluster, found: Found, mode: Boots, carriers: Mapping[str, frozenset[str]]
) -> tuple[str, ...]:
    """Why an update is refused; `carriers` are the new kernels that bring DRBD with them, by node."""
    return tuple(
        f"{name}: {reason}"
        for name in order(cluster, found, mode)
        if name in found.software
        for reason in _reasons(cluster, found, name, carriers.get(name, frozenset()))
    )


def _reasons(cluster: Cluster, found: Found, name: str, carriers: frozenset[str]) -> Iterator[str]:
    software = found.software[name]
    yield from _other_releases(software.upgrades)
    if holds_data(cluster, name):
        yield from _other_servers(software.upgrades)
        yield from _kernel_without_drbd(software, carriers)
    for other, theirs in found.software.items():
        if other != name:
            yield from _pairs(software, other, theirs)


def _other_releases(upgrades: tuple[Upgrade, ...]) -> Iterator[str]:
    for upgrade in upgrades:
        if upgrade.package == "base-files" and upgrade.old and upstream(upgrade.old)[:1] != upstream(upgrade.new)[:1]:
            yield f"its package sources are of another release (base-files {upgrade.old} -> {upgrade.new})"


def _other_servers(upgrades: tuple[Upgrade, ...]) -> Iterator[str]:
    """A new major version comes as a package of its own, which a package that stands for any version draws in."""
    for upgrade in upgrades:
        if (match := SERVER.match(upgrade.package)) and not upgrade.old:
            yield f"PostgreSQL {match[1]} would be installed: a change of the major version is no update"


def _kernel_without_drbd(software: Software, carriers: frozenset[str]) -> Iterator[str]:
    """Whether it is booted now or by the next fencing does not matter."""
    kernel = _next_kernel(software)
    if kernel in software.drbd or kernel in carriers:
        return
    if software.dkms:
        yield f"DRBD is built by DKMS, and nothing brings the headers of kernel {kernel}: linux-headers-{kernel}"
    else:
        yield f"kernel {kernel}, which the next boot starts, has no DRBD module (modinfo -k {kernel} drbd)"


def _pairs(software: Software, other: str, theirs: Software) -> Iterator[str]:
    new = {upgrade.package: upgrade.new for upgrade in software.upgrades}
    for package in ("pacemaker", "corosync"):
        if package in new:
            for reason in bad_pairs(package, new[package], theirs.versions.get(package, "")):
                yield f"{reason}, which {other} runs meanwhile"
    if dkms := new.get("drbd-dkms"):
        if reason := bad_drbd(dkms):
            yield f"DRBD {dkms} {reason}"
        for reason in bad_pairs("drbd", dkms, theirs.drbd.get(theirs.running, "")):
            yield f"{reason}; {other} runs that meanwhile"


def foretell(cluster: Cluster, found: Found, mode: Boots, carriers: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """Say what will be done to each node, one sentence each, in order."""
    for name in order(cluster, found, mode):
        software = found.software.get(name)
        if software is None:
            yield f"{name}: boots since an earlier run; it is waited for, and brought back"
            continue
        if name in found.aside:
            yield f"{name}: an earlier run put it into standby; it is gone on with"
        elif name == found.serves:
            yield f"{name} serves: the service moves to {other_data_node(cluster, name)} first, once that is whole"
        yield f"{name}: {_packages(software)}"
        reasons = foreseen_boot(software, mode, holds_data=holds_data(cluster, name))
        kernel = _kernel(software, carriers.get(name, frozenset()), holds_data=holds_data(cluster, name))
        yield f"{name}: reboots ({', '.join(reasons)}), {kernel}" if reasons else f"{name}: no reboot, {kernel}"
        if software.kept:
            yield f"{name}: kept back: {', '.join(software.kept)}"


def _packages(software: Software) -> str:
    if not software.upgrades:
        return (
            f"ends an installation that was cut short: {', '.join(software.unfinished)}"
            if software.unfinished
            else ("no package is to be updated")
        )
    first = sorted(software.upgrades, key=lambda upgrade: not CLUSTERS.match(upgrade.package))
    shown = [f"{u.package} {u.old} -> {u.new}" if u.old else f"{u.package} {u.new} (new)" for u in first[:SHOWN]]
    more = len(first) - SHOWN
    return f"updates {len(first)}: {', '.join(shown)}{f' and {more} more' if more > 0 else ''}"


def _kernel(software: Software, carriers: frozenset[str], *, holds_data: bool) -> str:
    """Say what the next boot starts, and whether it will find DRBD there."""
    kernel = _next_kernel(software)
    said = f"kernel {kernel}" if kernel == software.running else f"kernel {kernel} (now {software.running})"
    if not holds_data:
        return said
    if kernel in software.drbd:
        return f"{said} with DRBD {software.drbd[kernel]}".rstrip()
    return f"{said} {'with DRBD' if kernel in carriers else 'WITHOUT DRBD'}"


def _next_kernel(software: Software) -> str:
    """Return what a boot starts once everything is installed."""
    return newest_kernel((*software.kernels, *software.new_kernels)) or software.running
