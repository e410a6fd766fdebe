"""Why blocks are never compared by a CRC: PostgreSQL's control file has the same one in every version."""

from __future__ import annotations

import hashlib
import struct

import pytest

from pcmk_ha.desired.drbd import net_options
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.platform import DEBIAN_12, DEBIAN_13

POLYNOMIAL = 0x82F63B78  # Castagnoli, reflected: crc32c
BLOCK = 4096


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _bit in range(8):
            crc = (crc >> 1) ^ (POLYNOMIAL if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def control_file(fields: bytes) -> bytes:
    """A block as pg_control's first one is: fields, their CRC-32C, zeros (PostgreSQL's UpdateControlFile)."""
    return (fields + struct.pack("<I", crc32c(fields))).ljust(BLOCK, b"\0")


def test_crc32c_is_what_everybody_means_by_it() -> None:
    assert crc32c(b"123456789") == 0xE3069283


@pytest.mark.parametrize("later", [b"in production at 21:31:22".ljust(292, b"\1"), bytes(range(146)) * 2])
def test_two_control_files_have_one_crc32c_and_two_hashes(later: bytes) -> None:
    before, after = control_file(b"shut down at 21:31:04".ljust(292, b"\1")), control_file(later)
    assert before != after
    assert crc32c(before) == crc32c(after)
    assert hashlib.sha256(before).digest() != hashlib.sha256(after).digest()


@pytest.mark.parametrize("platform", [DEBIAN_12, DEBIAN_13])
def test_a_resync_sends_every_marked_block_and_verify_uses_a_hash(minimal: Cluster, platform: object) -> None:
    options = net_options(minimal, platform)  # type: ignore[arg-type]
    assert "csums-alg" not in options
    assert options["verify-alg"] == "sha256"
