"""Growing the volume into disks that the administrator has enlarged: DRBD first, then the file system in it.

What is to be done follows from three sizes: of the backing disks, of DRBD's device, of the file system. A run that was
killed leaves them as they are, and the next one goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from pcmk_ha.errors import PcmkHaError, Refused
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.data.copies import Copies, follow_resync, look_at_copies
from pcmk_ha.operate.tell import Say
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.remote.runner import Runner

MIB, SECTOR = 1 << 20, 512
LEAST = 16 * MIB  # less is rounding: a file system leaves the last, incomplete block group unused
RESIZE_S = 120


class Step(Enum):
    """What there is to do."""

    DEVICE = "growing DRBD's device"
    FILESYSTEM = "growing the file system"


@dataclass(frozen=True)
class Sizes:
    """What was found, in bytes."""

    backing: Mapping[str, int]  # by node: the disk below DRBD
    device: int
    filesystem: int

    @property
    def room(self) -> dict[str, int]:
        """What DRBD could offer on each node."""
        return {name: size - metadata_size(size) for name, size in self.backing.items()}

    @property
    def can_grow_device(self) -> bool:
        """Both disks are larger than what DRBD uses."""
        return min(self.room.values()) - self.device >= LEAST

    @property
    def is_one_larger(self) -> bool:
        """Only one disk is larger than what DRBD uses: the other was forgotten."""
        return max(self.room.values()) - self.device >= LEAST and not self.can_grow_device

    @property
    def can_grow_filesystem(self) -> bool:
        """DRBD's device is larger than the file system in it."""
        return self.device - self.filesystem >= LEAST

    def lines(self) -> tuple[str, ...]:
        """Each size in a sentence."""
        disks = (
            f"{name}: disk {gib(size)}, of which DRBD can use {gib(self.room[name])}"
            for name, size in self.backing.items()
        )
        return (*disks, f"DRBD's device {gib(self.device)}", f"file system {gib(self.filesystem)}")


def gib(size: int) -> str:
    """Return a size for people."""
    return f"{size / (1 << 30):.2f} GiB"


def metadata_size(backing: int) -> int:
    """Bytes that internal metadata for one peer take of a disk: DRBD User's Guide, "Estimating meta data size"."""
    sectors = backing // SECTOR
    return (-(-sectors // (1 << 18)) * 8 + 72) * SECTOR


@dataclass(frozen=True)
class Grow:
    """One run, on the two data nodes."""

    nodes: Mapping[str, Runner]
    cluster: Cluster

    @property
    def device(self) -> str:
        """DRBD's device."""
        return f"/dev/drbd{self.cluster.drbd.minor}"

    def look(self) -> tuple[Copies, Sizes]:
        """Ask both nodes; raises Refused where the service is not up, for then nothing is mounted."""
        copies = look_at_copies(self.nodes, self.cluster)
        if not copies.primary:
            raise Refused("the service is not up: its file system is mounted nowhere", hint="`pcmk-ha status`")
        runner = self.nodes[copies.primary]
        backing = {node.name: _bytes(self.nodes[node.name], node.disk or "") for node in self.cluster.nodes}
        return copies, Sizes(backing, _bytes(runner, self.device), self._filesystem(runner))

    def _filesystem(self, runner: Runner) -> int:
        if self.cluster.filesystem.type == "xfs":
            return parse_xfs_info(runner.run(("xfs_info", self.cluster.filesystem.mount_point)).stdout)
        return parse_dumpe2fs(runner.run(("dumpe2fs", "-h", self.device)).stdout)

    def check(self, copies: Copies, sizes: Sizes) -> tuple[Step, ...]:
        """Return what is to be done; raises Refused, with every reason, where DRBD's device should grow and cannot."""
        steps = plan_growth(sizes)
        forgotten = not steps and sizes.is_one_larger and not copies.is_syncing
        reasons = reasons_against(self.cluster, copies, sizes) if Step.DEVICE in steps or forgotten else ()
        if reasons:
            raise Refused("; ".join(reasons), hint="nothing was touched")
        return steps

    def run(self, copies: Copies, before: Sizes, say: Say, *, assume_clean: bool) -> Sizes:
        """Do what is to be done, wait until the new part is copied, and return the sizes then."""
        steps = self.check(copies, before)
        for step in steps:
            say(step.value)
            if step is Step.DEVICE:
                self._grow_device(copies, before, assume_clean=assume_clean)
            else:
                self._grow_filesystem(copies)
        if Step.DEVICE in steps or copies.is_syncing:
            follow_resync(lambda: look_at_copies(self.nodes, self.cluster), say)
        return self.look()[1] if steps else before

    def _grow_device(self, copies: Copies, before: Sizes, *, assume_clean: bool) -> None:
        """Have DRBD use both disks to their end; the new part is copied from the primary unless it may differ."""
        options = ("--", "--assume-clean") if assume_clean else ()
        runner = self.nodes[copies.primary]
        runner.run(("drbdadm", *options, "resize", self.cluster.drbd.resource), timeout=RESIZE_S)
        wait_until(
            lambda: _bytes(runner, self.device),
            lambda size: size > before.device,
            what=f"{runner.node}: a larger {self.device}",
            timeout_s=RESIZE_S,
            hint="look at the kernel's log on both nodes",
        )

    def _grow_filesystem(self, copies: Copies) -> None:
        """Have the mounted file system use the whole device."""
        runner = self.nodes[copies.primary]
        if self.cluster.filesystem.type == "xfs":
            runner.run(("xfs_growfs", self.cluster.filesystem.mount_point), timeout=3600)
        else:
            runner.run(("resize2fs", self.device), timeout=3600)


def plan_growth(sizes: Sizes) -> tuple[Step, ...]:
    """Return what is to be done; a larger device makes room for the file system."""
    if sizes.can_grow_device:
        return (Step.DEVICE, Step.FILESYSTEM)
    return (Step.FILESYSTEM,) if sizes.can_grow_filesystem else ()


def reasons_against(cluster: Cluster, copies: Copies, sizes: Sizes) -> tuple[str, ...]:
    """Why DRBD's device must not, or cannot, be grown."""
    reasons = []
    for name, room in sizes.room.items():
        if room - sizes.device < LEAST:
            disk = next(node.disk for node in cluster.nodes if node.name == name)
            reasons.append(
                f"{name}: {disk} has {gib(sizes.backing[name])}, all in use by DRBD: enlarge it first, on both nodes"
            )
    if "size" in cluster.drbd.disk:
        reasons.append("the cluster file limits the device by drbd.disk.size")
    if not copies.good.is_redundant or copies.is_working:
        reasons.append(f"DRBD must be connected, both copies good and nothing under way: {'; '.join(copies.lines())}")
    if copies.marked_kib:
        reasons.append("both copies differ: `pcmk-ha resync` first")
    return tuple(reasons)


def parse_dumpe2fs(text: str) -> int:
    """Read the size of an ext4 file system from `dumpe2fs -h`, in bytes."""
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    try:
        return int(fields["Block count"]) * int(fields["Block size"])
    except (KeyError, ValueError):
        raise PcmkHaError("the size of the file system was not understood", hint="dumpe2fs -h") from None


def parse_xfs_info(text: str) -> int:
    """Read the size of an XFS file system's data section from `xfs_info`, in bytes."""
    data = next((line for line in text.splitlines() if line.startswith("data")), "")
    fields = dict(word.rstrip(",").split("=", 1) for word in data.split() if "=" in word)
    try:
        return int(fields["bsize"]) * int(fields["blocks"])
    except (KeyError, ValueError):
        raise PcmkHaError("the size of the file system was not understood", hint="xfs_info") from None


def _bytes(runner: Runner, device: str) -> int:
    return int(runner.run(("blockdev", "--getsize64", device)).stdout)
