"""Watches every data node from outside all along a drill."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Self

from pcmk_ha.client.clock import now
from pcmk_ha.drill.evidence import Sample
from pcmk_ha.drill.samples import Heard, boot_times, parse_heard, place_samples, watch_script
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.remote.stream import NodeStream


class Watchers:
    """A stream from each data node; `with` starts and ends them."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._heard: dict[str, list[Heard]] = {node.name: [] for node in cluster.nodes}
        self._streams = contextlib.ExitStack()

    def __enter__(self) -> Self:
        script = watch_script(self._cluster)
        for node in self._cluster.nodes:
            self._streams.enter_context(NodeStream(self._cluster, node, script, self._hearer(node.name), clock=now))
        return self

    def _hearer(self, node: str) -> Callable[[str, float], None]:
        def hear(line: str, came: float) -> None:
            if heard := parse_heard(node, line, came):
                self._heard[node].append(heard)

        return hear

    def all_watched(self) -> bool:
        """Whether every data node has been heard."""
        return all(self._heard.values())

    def samples(self) -> tuple[Sample, ...]:
        """Return everything seen so far, node by node."""
        return tuple(s for lines in self._heard.values() for s in place_samples(tuple(lines)))

    def boots(self) -> dict[str, float]:
        """Return when each boot that was seen began (seconds since 1970)."""
        pairs = (pair for lines in self._heard.values() for pair in zip(lines, place_samples(lines), strict=True))
        return boot_times(pairs)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._streams.close()
