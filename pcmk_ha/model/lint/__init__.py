"""What a cluster file may say by its types but must not mean: one small rule each."""

from __future__ import annotations

from collections.abc import Iterator

from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.lint import fencing, members, service
from pcmk_ha.model.lint.finding import Finding


def find_problems(cluster: Cluster) -> Iterator[Finding]:
    """Yield every problem with the place it stands at."""
    for rule in (*members.RULES, *fencing.RULES, *service.RULES):
        yield from rule(cluster)
