"""What the nodes run: the few versions that change what we write."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Platform:
    """Versions that decide a dialect; tuples compare as versions do."""

    suite: str
    pacemaker: tuple[int, ...]
    drbd_module: int  # 8 (8.4, in the kernel's tree) or 9
    postgresql: int  # major version the suite packages


DEBIAN_12 = Platform(suite="bookworm", pacemaker=(2, 1, 5), drbd_module=8, postgresql=15)
DEBIAN_13 = Platform(suite="trixie", pacemaker=(3, 0, 0), drbd_module=8, postgresql=17)
PLATFORMS = {platform.suite: platform for platform in (DEBIAN_13, DEBIAN_12)}
PACKAGED_NAME = "debian"  # cluster_name in the corosync.conf of Debian's package, which names no real cluster
