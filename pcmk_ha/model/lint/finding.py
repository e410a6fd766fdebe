"""A problem and its place, and the members it may be found at."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pcmk_ha.errors import Problem
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.document import Path
from pcmk_ha.model.parts import Node

Finding = tuple[Path, Problem]
Rule = Callable[[Cluster], Iterator[Finding]]


def members_of(cluster: Cluster) -> Iterator[tuple[Path, Node]]:
    """Yield every member with the place it stands at."""
    for index, node in enumerate(cluster.nodes):
        yield ("nodes", index), node
    if cluster.arbiter:
        yield ("arbiter",), cluster.arbiter
