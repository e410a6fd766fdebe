"""The members of a cluster as far as they can be reached: what looking, waiting and moving need to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pcmk_ha.errors import NodeUnreachable
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.remote.runner import Runner


@dataclass(frozen=True)
class Members:
    """Those that answer in `nodes`; `down` names the others, with the reason."""

    cluster: Cluster
    nodes: Mapping[str, Runner]
    down: Mapping[str, str] = field(default_factory=dict)

    def require_all(self) -> None:
        """Raise NodeUnreachable unless every member answers."""
        if self.down:
            reasons = "\n".join(f"{name}: {reason}" for name, reason in self.down.items())
            raise NodeUnreachable(reasons, hint="this needs every member; `pcmk-ha check` tells more")

    def any_node(self) -> Runner:
        """Return a data node that answers, the first in the file's order."""
        for node in self.cluster.nodes:
            if node.name in self.nodes:
                return self.nodes[node.name]
        raise NodeUnreachable("no data node answers", hint="\n".join(self.down.values()))
