"""Is the node's own system fit: release, name, clock, packages, units."""

from __future__ import annotations

import time
from collections.abc import Iterator

from pcmk_ha.desired.names import COROSYNC_CONF
from pcmk_ha.desired.packages import node_packages
from pcmk_ha.facts import corosync, versions
from pcmk_ha.model.platform import PACKAGED_NAME, PLATFORMS
from pcmk_ha.operate.checks.subject import Check, Subject

LOOKS = 3  # at the clock; the quickest answer is the one that says most
ENABLED_UNITS = (
    "systemctl", "list-unit-files", "--state=enabled", "--no-legend", "drbd*", "postgresql*",
)  # fmt: skip
FAR_OFF_S = 60.0  # from this machine; what the nodes must agree on is compared among them


def system(subject: Subject) -> Iterator[Check]:
    """A release we know."""
    release = versions.parse_os_release(subject.runner.read("/etc/os-release") or "")
    if subject.platform is None:
        yield subject.fail("system", release.name, f"supported: Debian {', '.join(PLATFORMS)}")
    else:
        yield subject.ok("system", f"{release.name}, kernel {subject.text('uname', '-r')}")


def host_name(subject: Subject) -> Iterator[Check]:
    """Pacemaker and DRBD know a node by what `uname -n` says."""
    name = subject.text("uname", "-n")
    if name == subject.node.name:
        yield subject.ok("host name", name)
    else:
        hint = f"hostnamectl set-hostname {subject.node.name}, or change the file"
        yield subject.fail("host name", f"is {name or 'not known'}", hint)


def clock(subject: Subject) -> Iterator[Check]:
    """Somewhere near this machine's, and kept in time by something."""
    skew, within = measure_clock(subject)
    said = f"{skew:+.2f} s from this machine's (measured to {within:.2f} s)"
    synchronised = subject.text("timedatectl", "show", "-p", "NTPSynchronized", "--value")
    if abs(skew) - within > FAR_OFF_S:
        yield subject.warn("clock", said, "run chrony or systemd-timesyncd; or is it this machine's that is wrong?")
    elif synchronised == "no" and not subject.cluster.lab:
        yield subject.warn("clock", f"{said}, nothing keeps it in time", "apt-get install systemd-timesyncd")
    else:
        yield subject.ok("clock", said)


def measure_clock(subject: Subject) -> tuple[float, float]:
    """Return by how many seconds the node's clock is ahead of ours, and the error of that."""
    looks = []
    for _look in range(LOOKS):
        before = time.time()
        there = float(subject.runner.run(("date", "+%s.%N")).stdout)
        after = time.time()
        looks.append(((after - before) / 2, there - (before + after) / 2))
    within, skew = min(looks)
    return skew, within


def packages(subject: Subject) -> Iterator[Check]:
    """Installed, or at least to be had."""
    if subject.platform is None:
        return
    wanted = node_packages(subject.cluster, subject.platform, data=subject.holds_data)
    listed = subject.runner.run(("dpkg-query", "-W", "-f", versions.DPKG_FORMAT, *wanted), ok=(0, 1)).stdout
    found = versions.parse_dpkg(listed)
    missing = [package for package in wanted if package not in found]
    if not missing:
        yield subject.ok("packages", "all installed")
    else:
        candidates = versions.parse_policy(subject.runner.run(("apt-cache", "policy", *missing), ok=None).stdout)
        gone = [name for name in missing if name not in candidates]
        if gone:
            hint = "apt-get update; are Debian's main repositories configured?"
            yield subject.fail("packages", f"cannot be installed: {', '.join(gone)}", hint)
        else:
            yield subject.ok("packages", f"to install: {', '.join(missing)}")
    yield from (subject.warn(*words) for words in versions.known_bad(found))


def units(subject: Subject) -> Iterator[Check]:
    """Nothing but Pacemaker may start DRBD, the file system or PostgreSQL."""
    listed = subject.runner.run(ENABLED_UNITS, ok=(0, 1)).stdout  # 1: there are none
    enabled = [line.split()[0] for line in listed.splitlines()]
    ours = [unit for unit in enabled if unit in ("drbd.service", "postgresql.service")]
    others = [unit for unit in enabled if unit not in ours]
    if enabled and (others or _running_cluster(subject) == subject.cluster.name):
        said = f"{', '.join(enabled)} would start behind Pacemaker's back"
        yield subject.fail("units", said, f"systemctl disable {' '.join(enabled)}")
    elif ours:
        yield subject.ok("units", f"{', '.join(ours)} will be disabled")
    else:
        yield subject.ok("units", "nothing starts behind Pacemaker's back")
    yield from _fstab(subject)


def _fstab(subject: Subject) -> Iterator[Check]:
    if not subject.holds_data:
        return
    ours = {f"/dev/drbd{subject.cluster.drbd.minor}", subject.cluster.filesystem.mount_point}
    for line in (subject.runner.read("/etc/fstab") or "").splitlines():
        fields = line.split("#")[0].split()
        if ours.intersection(fields[:2]) and "noauto" not in "".join(fields[3:4]).split(","):
            yield subject.fail("units", f"/etc/fstab mounts {fields[1]} at boot", "only Pacemaker may: remove the line")


def other_cluster(subject: Subject) -> Iterator[Check]:
    """Not a member of another cluster: ours would overwrite its configuration and never meet its daemons."""
    running = _running_cluster(subject)
    configured = corosync.parse_cluster_name(subject.runner.read(COROSYNC_CONF) or "")
    foreign = {running, configured} - {"", subject.cluster.name, PACKAGED_NAME}
    if foreign:
        hint = f"take another node, or remove it there first and delete {COROSYNC_CONF}"
        yield subject.fail("other clusters", f"it belongs to the cluster {', '.join(sorted(foreign))}", hint)
    elif running == PACKAGED_NAME:
        yield subject.ok("other clusters", "the cluster of one that the packages started will be stopped")
    else:
        yield subject.ok("other clusters", "it is in none")


def _running_cluster(subject: Subject) -> str:
    """Return the name of the cluster whose Corosync runs here, empty where none does."""
    if not subject.is_active("corosync"):
        return ""
    return subject.runner.run(corosync.RUNNING_NAME).stdout.rpartition("= ")[2].strip()
