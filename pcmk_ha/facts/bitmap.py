"""Which blocks DRBD has marked as differing, from `drbdmeta dump-md`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pcmk_ha.errors import PcmkHaError

BLOCK = 4096  # what one bit stands for: BM_BLOCK_SIZE in DRBD's drbd_int.h, all versions
BITS = 64
FULL = (1 << BITS) - 1
SIZE = re.compile(r"^\s*(?:la-size-sect|effective-size) (\d+);", re.MULTILINE)
BITMAP = re.compile(r"^\s*(?:bm|bitmap\[\d+\]) \{(.*?)^\s*\}", re.MULTILINE | re.DOTALL)
WORDS = re.compile(r"(?:(\d+) times )?0x([0-9A-Fa-f]{16});")


@dataclass(frozen=True, order=True)
class Extent:
    """Blocks that follow each other."""

    first: int
    count: int


@dataclass(frozen=True)
class Marked:
    """What one side has marked, and how large its device is, in blocks."""

    device: int
    extents: tuple[Extent, ...]

    @property
    def kib(self) -> int:
        """How much that is."""
        return blocks_in(self.extents) * BLOCK // 1024


def blocks_in(extents: Iterable[Extent]) -> int:
    """Return how many blocks that are."""
    return sum(extent.count for extent in extents)


def parse_dump(text: str) -> Marked:
    """Read the size of the device and its bitmap, or all bitmaps where there are several peers.

    Raises PcmkHaError for anything else: what is not understood must not be taken for "nothing differs".
    """
    size, bitmaps = SIZE.search(text), BITMAP.findall(text)
    if not size or not bitmaps:
        raise PcmkHaError("DRBD's metadata was not understood", hint="drbdmeta … dump-md on that node")
    device = -(-int(size[1]) * 512 // BLOCK)
    return Marked(device, union(_extents(body, device) for body in bitmaps))


def _extents(body: str, device: int) -> Iterator[Extent]:
    """Yield what the words mark; the lowest bit of the first word is the first block."""
    block = 0
    for times, digits in WORDS.findall(body):
        word, count = int(digits, 16), int(times or 1)
        if word == FULL:
            yield _clipped(block, count * BITS, device)
        elif word:
            for number in range(count):
                for first, length in _runs(word):
                    yield _clipped(block + number * BITS + first, length, device)
        block += count * BITS


def _runs(word: int) -> Iterator[tuple[int, int]]:
    """Yield where bits begin to be set, and how many."""
    at = 0
    while word:
        zeros = (word & -word).bit_length() - 1
        word >>= zeros
        ones = ((word + 1) & ~word).bit_length() - 1
        yield at + zeros, ones
        word >>= ones
        at += zeros + ones


def _clipped(first: int, count: int, device: int) -> Extent:
    return Extent(first, max(0, min(count, device - first)))


def union(groups: Iterable[Iterable[Extent]]) -> tuple[Extent, ...]:
    """Return what is in any of the groups, in order, with neighbours joined."""
    joined: list[Extent] = []
    for extent in sorted(extent for group in groups for extent in group if extent.count):
        last = joined[-1] if joined else Extent(0, 0)
        if joined and extent.first <= last.first + last.count:
            end = max(last.first + last.count, extent.first + extent.count)
            joined[-1] = Extent(last.first, end - last.first)
        else:
            joined.append(extent)
    return tuple(joined)
