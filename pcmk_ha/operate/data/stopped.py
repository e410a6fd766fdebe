"""DRBD's own word, in its metadata, for what a stopped copy is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pcmk_ha.errors import PcmkHaError
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.remote.runner import Runner

FLAGS = ("consistent", "up to date", "primary")  # the first of those that follow the generation identifiers


@dataclass(frozen=True)
class StoppedCopy:
    """What `drbdadm get-gi` says of a device that is down."""

    generation: str  # of the data; its lowest bit says whether the side is Primary
    up_to_date: bool
    primary: bool


def parse_generation(text: str) -> StoppedCopy | None:
    """Read four generation identifiers and the flags after them; None where DRBD says something else."""
    fields = text.strip().partition("\n")[0].rstrip(":").split(":")
    if len(fields) < 4 + len(FLAGS) or len(fields[0]) != 16:
        return None
    consistent, current, primary = (flag == "1" for flag in fields[4 : 4 + len(FLAGS)])
    return StoppedCopy(f"{int(fields[0], 16) & ~1:016X}", consistent and current, primary)


def reasons_against_copies(copies: Mapping[str, StoppedCopy | None]) -> tuple[str, ...]:
    """Why the copies, as they were stopped, are not two good ones."""
    reasons = []
    for node, copy in copies.items():
        if copy is None:
            reasons.append(f"{node}: DRBD's metadata could not be read")
        elif copy.primary or not copy.up_to_date:
            reasons.append(f"{node}: the copy was stopped as {'Primary' if copy.primary else 'not UpToDate'}")
    if len({copy.generation for copy in copies.values() if copy}) > 1:
        reasons.append("the copies are of different generations")
    return tuple(reasons)


def check_stopped_copies(cluster: Cluster, nodes: Mapping[str, Runner]) -> None:
    """Raise PcmkHaError unless every copy within reach was stopped as a good one, and none as Primary."""
    reach = [node.name for node in cluster.nodes if node.name in nodes]
    argv = ("drbdadm", "get-gi", cluster.drbd.resource)
    found = {name: parse_generation(nodes[name].run(argv, ok=None).stdout) for name in reach}
    if reasons := reasons_against_copies(found):
        raise PcmkHaError(
            f"every resource is stopped, Corosync still runs: {'; '.join(reasons)}",
            hint="`pcmk-ha start` starts the service again, where DRBD catches up; --force stops the cluster as it is",
        )
