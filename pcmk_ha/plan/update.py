"""Which node is updated next, and with which step. Everything follows from what was found.

One member is away at a time: it is put into standby by an attribute that is ours, stopped, updated, booted where that
is needed, started, and takes part again. Only when the cluster is whole is the next one begun. What was done is seen in
the versions that are installed, in what was unpacked since the boot, and in that attribute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pcmk_ha.desired.names import CLUSTER_UNITS
from pcmk_ha.facts.software import Software
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.plan import update_moves as do
from pcmk_ha.plan.boots import Boots
from pcmk_ha.plan.placement import other_data_node

# Packages whose old code goes on running until a boot: the C library is in every process, systemd and its bus are not
# restarted by their own packages, and microcode is loaded by the kernel.
WANTS_BOOT = ("libc6", "systemd", "dbus", "dbus-daemon", "intel-microcode", "amd64-microcode")
KERNEL = "linux-image-"


@dataclass(frozen=True)
class Found:
    """The cluster, as an update sees it in one look."""

    software: Mapping[str, Software]  # of members that answer
    serves: str
    aside: frozenset[str] = field(default_factory=frozenset)  # in standby by an update
    online: frozenset[str] = field(default_factory=frozenset)


def boot_reasons(found: Software, *, holds_data: bool) -> tuple[str, ...]:
    """Why a node wants a boot now."""
    return tuple(_boot_reasons(found, found.changed, holds_data=holds_data))


def foreseen_boot(found: Software, mode: Boots, *, holds_data: bool) -> tuple[str, ...]:
    """Why a node will be booted once it is updated; empty where it will not."""
    if mode is Boots.NEVER:
        return ()
    changed = (*found.changed, *(upgrade.package for upgrade in found.upgrades))
    reasons = tuple(dict.fromkeys(_boot_reasons(found, changed, holds_data=holds_data)))
    return reasons or (("asked for",) if mode is Boots.ALWAYS and changed else ())


def _boot_reasons(found: Software, changed: tuple[str, ...], *, holds_data: bool) -> Iterator[str]:
    """A kernel that was there before the last boot and was not chosen is somebody's choice."""
    for name in changed:
        if name in WANTS_BOOT or name.startswith(KERNEL):
            yield name
    if found.required is not None:
        yield found.required or "/run/reboot-required"
    if holds_data and found.replaced:
        yield "another DRBD module"


def is_due(found: Software, mode: Boots, *, holds_data: bool) -> bool:
    """Whether there is anything to do on a node."""
    return bool(found.upgrades or found.unfinished or found.is_working or _boots(found, mode, holds_data=holds_data))


def _boots(found: Software, mode: Boots, *, holds_data: bool) -> bool:
    match mode:
        case Boots.NEVER:
            return False
        case Boots.ALWAYS:
            return bool(found.changed or boot_reasons(found, holds_data=holds_data))
        case Boots.NEEDED:
            return bool(boot_reasons(found, holds_data=holds_data))


def order(cluster: Cluster, found: Found, mode: Boots) -> tuple[str, ...]:
    """Which members are to be updated: what was begun first, then the arbiter, the standby, and the one that serves."""
    due = [name for name in (node.name for node in cluster.members) if _is_due(cluster, found, name, mode)]
    return tuple(sorted(due, key=lambda name: _rank(cluster, found, name)))


def _is_due(cluster: Cluster, found: Found, name: str, mode: Boots) -> bool:
    software = found.software.get(name)
    due = software is not None and is_due(software, mode, holds_data=holds_data(cluster, name))
    return name in found.aside or due


def _rank(cluster: Cluster, found: Found, name: str) -> int:
    if name in found.aside:
        return 0
    return 3 if name == found.serves else 2 if holds_data(cluster, name) else 1


def holds_data(cluster: Cluster, name: str) -> bool:
    """Whether a member is no arbiter."""
    return name in (node.name for node in cluster.nodes)


def next_step(cluster: Cluster, found: Found, mode: Boots) -> do.Step | None:
    """Return what is done next, None when nothing is left to do."""
    todo = order(cluster, found, mode)
    if not todo:
        return None
    name = todo[0]
    if name in found.aside:
        return _with_node_aside(cluster, found, name, mode)
    if name == found.serves:
        return do.SwitchOver(other_data_node(cluster, name))
    return do.SetAside(name)


def _with_node_aside(cluster: Cluster, found: Found, name: str, mode: Boots) -> do.Step:
    software = found.software.get(name)
    if software is None:
        return do.AwaitNode(name)
    if software.is_working:
        return do.AwaitPackages(name)
    boots = _boots(software, mode, holds_data=holds_data(cluster, name)) and can_boot(
        software, holds_data=holds_data(cluster, name)
    )
    runs = bool(software.active.intersection(CLUSTER_UNITS))
    if software.upgrades or software.unfinished:
        return do.StopMember(name) if runs else do.Install(name, len(software.upgrades))
    if boots:
        return do.StopMember(name) if runs else do.Reboot(name, software.boot_id)
    if not set(CLUSTER_UNITS) <= software.active or name not in found.online:
        return do.StartMember(name)
    return do.Release(name)


def can_boot(found: Software, *, holds_data: bool) -> bool:
    """Whether a boot would find DRBD; a node that it would not is brought back as it runs."""
    return not holds_data or found.next_kernel in found.drbd
