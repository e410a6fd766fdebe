"""DRBD's options: our safe defaults under what the cluster file says."""

from __future__ import annotations

from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.platform import Platform
from pcmk_ha.model.scalars import Scalar

# protocol C: a write is acknowledged when both disks have it. Timers: see model/profile.py.
# after-sb-*: a split brain is never solved by discarding somebody's data automatically.
# No csums-alg: a resync sends every marked block. One that compares checksums trusts them, and PostgreSQL's
# pg_control ends with its own CRC-32C, so that all its versions have the same crc32c: the block was never sent, and
# a later failover began from a stale one and lost what was committed since. verify-alg is a hash for the same reason.
NET: dict[str, Scalar] = {
    "protocol": "C",
    "cram-hmac-alg": "sha256",
    "verify-alg": "sha256",
    "connect-int": 3,
    "after-sb-0pri": "disconnect",
    "after-sb-1pri": "disconnect",
    "after-sb-2pri": "disconnect",
    "rr-conflict": "disconnect",
}
# al-extents: 4 MiB each; after a crash that much is resynced. 1237 are 5 GiB, minutes on a 1 GBit/s link.
DISK: dict[str, Scalar] = {
    "on-io-error": "detach",
    "al-extents": 1237,
    "c-plan-ahead": 20,
    "c-fill-target": "1M",
    "c-min-rate": "10M",
    "c-max-rate": "500M",
}
FENCING: dict[str, Scalar] = {"fencing": "resource-and-stonith"}


def net_options(cluster: Cluster, platform: Platform) -> dict[str, str]:
    """Return the net section; DRBD 9 has `fencing` here, 8.4 in the disk section."""
    ours = NET | cluster.timers.net | (FENCING if platform.drbd_module == 9 else {})
    return {name: _text(value) for name, value in (ours | cluster.drbd.net).items()}


def disk_options(cluster: Cluster, platform: Platform) -> dict[str, str]:
    """Return the disk section."""
    ours = DISK | (FENCING if platform.drbd_module == 8 else {})
    return {name: _text(value) for name, value in (ours | cluster.drbd.disk).items()}


def _text(value: Scalar) -> str:
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)
