"""Who is quorate in which partition, by Corosync's own rule (calculate_quorum in its votequorum.c)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

DATA = frozenset({"node1", "node2"})
THIRD = "arbiter"
Views = Mapping[str, int]  # how many votes each running Corosync counts, 2 (with two_node) or 3


def partitions(names: frozenset[str]) -> Iterator[tuple[frozenset[str], ...]]:
    """Yield every way in which cut links can divide some nodes."""
    if not names:
        yield ()
        return
    first, *rest = sorted(names)
    for size in range(len(rest) + 1):
        for others in combinations(rest, size):
            block = frozenset({first, *others})
            for smaller in partitions(names - block):
                yield (block, *smaller)


def hears(one: str, other: str, views: Views) -> bool:
    """Whether two nodes can be in one membership: each must have the other in its list."""
    return not ((other == THIRD and views[one] == 2) or (one == THIRD and views[other] == 2))


def is_possible(block: frozenset[str], views: Views) -> bool:
    """Whether all of a block hear each other."""
    return all(hears(one, other, views) for one, other in combinations(sorted(block), 2))


def is_quorate(block: frozenset[str], views: Views) -> bool:
    """Whether anybody in a membership believes to have quorum."""
    expected = max(views[name] for name in block)
    for name in block:
        two_node = views[name] == 2 and len(block) <= 2
        if two_node or len(block) >= (expected + 2) // 2:
            return True
    return False


def quorate_blocks(views: Views) -> Iterator[tuple[frozenset[str], ...]]:
    """Yield, for every way to divide the nodes, the parts that are quorate."""
    for blocks in partitions(frozenset(views)):
        if all(is_possible(block, views) for block in blocks):
            yield tuple(block for block in blocks if is_quorate(block, views))


def are_two_votes(blocks: tuple[frozenset[str], ...]) -> bool:
    """Whether two quorate parts are the two data nodes alone, as with two votes: fencing decides between them."""
    return set(blocks) == {frozenset({name}) for name in DATA}


def largest(views: Views) -> tuple[frozenset[str], ...]:
    """Return the memberships of nodes between which no link is cut."""
    found = [blocks for blocks in partitions(frozenset(views)) if all(is_possible(b, views) for b in blocks)]
    return min(found, key=lambda blocks: (len(blocks), -max(map(len, blocks), default=0)), default=())
