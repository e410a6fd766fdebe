"""Is the disk what the file says, and free; can the kernel replicate it."""

from __future__ import annotations

from collections.abc import Iterator

from pcmk_ha.facts import versions
from pcmk_ha.operate.checks.subject import Check, Subject

SMALLEST = 512 * 1024**2  # a file system, its journal and an empty database with its first WAL
GIB = 1024**3


def disk(subject: Subject) -> Iterator[Check]:
    """A block device that holds nothing, or DRBD already; what cannot be read is not empty."""
    if not subject.holds_data:
        return
    path = subject.node.disk or ""
    if subject.runner.run(("test", "-b", path), ok=(0, 1)).status:
        names = subject.text("lsblk", "-dpno", "NAME,SIZE").splitlines()
        there = ", ".join(" ".join(name.split()) for name in names)
        yield subject.fail("disk", f"{path} is not a block device", f"there are: {there}")
        return
    size = int(subject.runner.run(("blockdev", "--getsize64", path)).stdout)
    signatures = versions.parse_wipefs(subject.runner.run(("wipefs", "--no-act", "--json", path)).stdout)
    mounts = subject.runner.run(("lsblk", "-nro", "MOUNTPOINTS", path)).stdout.replace("\\x0a", " ").split()
    room = f"{path}, {size / GIB:.1f} GiB"
    if "drbd" in signatures:
        yield subject.ok("disk", f"{room}, holds DRBD already")
    elif mounts:
        yield subject.fail("disk", f"{room}, is in use as {', '.join(mounts)}", "name another disk")
    elif signatures:
        hint = f"if nobody needs it: bootstrap --wipe {subject.node.name}:{path}"
        yield subject.fail("disk", f"{room}, holds {', '.join(signatures)}", hint)
    elif subject.text("blockdev", "--getro", path) == "1":
        yield subject.fail("disk", f"{room}, is read-only", "name another disk")
    elif size < SMALLEST:
        yield subject.fail("disk", f"{room}, is too small", f"at least {SMALLEST / GIB:.1f} GiB")
    else:
        yield subject.ok("disk", f"{room}, empty")


def drbd_module(subject: Subject) -> Iterator[Check]:
    """There, to be loaded, and none of those that lose data."""
    if not subject.holds_data:
        return
    version = subject.text("modinfo", "-F", "version", "drbd")
    if not version:
        yield subject.fail("DRBD module", "this kernel has none", "install the distribution's own kernel")
        return
    loadable = subject.runner.run(("modprobe", "--dry-run", "drbd"), ok=None)
    if loadable.status:
        yield subject.fail("DRBD module", f"{version} cannot be loaded", loadable.stderr.strip())
    elif trouble := versions.bad_drbd(version):
        yield subject.fail("DRBD module", f"{version}: {trouble}", "update it")
    else:
        yield subject.ok("DRBD module", version)
