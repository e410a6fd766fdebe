"""What lies in the data directory and must not be there when the cluster starts PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping

from pcmk_ha.errors import PcmkHaError
from pcmk_ha.facts.labels import ADVICE, ask_labels, describe, parse_labels
from pcmk_ha.facts.pacemaker import CONSTRAINTS, HELD_BY_RESTORE
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.remote.first import from_first
from pcmk_ha.remote.runner import Runner


def find_labels(cluster: Cluster, nodes: Mapping[str, Runner]) -> dict[str, tuple[str, ...]]:
    """Return the paths of such files by node, those nodes alone that have any."""
    argv = ask_labels(cluster)
    reach = [node.name for node in cluster.nodes if node.name in nodes]
    found = {name: parse_labels(nodes[name].run(argv).stdout) for name in reach}
    return {name: paths for name, paths in found.items() if paths}


def check_files(cluster: Cluster, nodes: Mapping[str, Runner]) -> None:
    """Raise PcmkHaError where a base backup was copied into the volume and not recovered, or is being put in place."""
    constraints = from_first(nodes.values(), lambda runner: runner.run(CONSTRAINTS).stdout)
    if HELD_BY_RESTORE in constraints:
        raise PcmkHaError("the cluster runs, and a restore has not ended", hint="`pcmk-ha restore` finishes it")
    if found := find_labels(cluster, nodes):
        said = "; ".join(describe(name, path) for name, paths in found.items() for path in paths)
        hint = f"PostgreSQL is kept stopped, its file system is mounted; {ADVICE}; then `pcmk-ha start` again"
        raise PcmkHaError(said, hint=hint)
