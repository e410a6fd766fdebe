"""The cluster file's top level."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from pcmk_ha.model.parts import (
    ClusterProperties,
    Drbd,
    Filesystem,
    Name,
    Node,
    Objectives,
    Part,
    Postgresql,
    Stonith,
    Timeouts,
    Vip,
)
from pcmk_ha.model.profile import PROFILES, Profile
from pcmk_ha.model.profile import Name as ProfileName


class Cluster(Part):
    """Two data nodes, an optional arbiter and the PostgreSQL service they keep alive."""

    name: Name = Field(description="Cluster name, in Corosync and Pacemaker.")
    nodes: tuple[Node, Node] = Field(description="The two nodes that hold data.")
    vip: Vip = Field(description="Address, or a mapping with address, prefix and interface.")
    arbiter: Node | None = Field(None, description="A third node that votes and runs nothing.")
    drbd: Drbd = Drbd()
    filesystem: Filesystem = Filesystem()
    postgresql: Postgresql = Postgresql()
    stonith: Stonith = Stonith()
    timeouts: Timeouts = Timeouts()
    properties: ClusterProperties = ClusterProperties()
    objectives: Objectives = Objectives()
    agents: Literal["own", "packaged"] = Field(
        "own", description="Resource agents: ours, or those of the packages resource-agents and drbd-utils."
    )
    profile: ProfileName = Field(
        "default", description="Timers of Corosync, DRBD and PostgreSQL; what the file says itself comes first."
    )
    start_on_boot: bool = Field(
        default=True, description="Corosync and Pacemaker start at boot, so that a fenced node rejoins by itself."
    )
    lab: Name | None = Field(None, description="Name of the local lab the nodes live in.")
    ssh_config: str | None = Field(None, description="ssh_config file; default the user's own.")

    @field_validator("vip", mode="before")
    @classmethod
    def _vip_may_be_an_address(cls, value: Any) -> Any:
        if not isinstance(value, str):
            if not isinstance(value, dict | Vip):
                raise PydanticCustomError("vip", "expected an address, or a mapping with address and prefix")
            return value
        address, _, prefix = value.partition("/")
        return {"address": address, "prefix": prefix or None}

    @property
    def members(self) -> tuple[Node, ...]:
        """Every node with a vote: the data nodes, then the arbiter."""
        return (*self.nodes, self.arbiter) if self.arbiter else self.nodes

    @property
    def drbd_id(self) -> str:
        """Id of the DRBD primitive; its promotable clone is `<id>-clone`."""
        return f"drbd_{self.drbd.resource}"

    @property
    def timers(self) -> Profile:
        """What is given up how soon, where the file does not say it."""
        return PROFILES[self.profile]

    @property
    def token_ms(self) -> int:
        """Corosync's token, milliseconds."""
        return self.timeouts.token_ms or self.timers.token_ms

    @property
    def consensus_ms(self) -> int:
        """How long Corosync waits for others before a new membership stands, milliseconds.

        With two votes there are no others but the one that was lost, and corosync.conf(5) says that less than a token
        is safe there.
        """
        own = self.token_ms * 12 // 10 if self.arbiter else max(300, self.token_ms * 4 // 10)
        return self.timeouts.consensus_ms or own

    @property
    def fencing_delay_s(self) -> int:
        """Seconds the promoted node may fence first; needed only where two votes can tie.

        Three seconds is twice what two nodes were seen to differ in noticing the same lost link.
        """
        if self.stonith.priority_delay_s is not None:
            return self.stonith.priority_delay_s
        return 0 if self.arbiter else self.timers.delay_s

    @property
    def asks_before_head_start(self) -> bool:
        """Whether our own fence agent gives the head start: it can ask first, where there is one device to be asked."""
        one_each = all(len(node.fence_devices) == 1 for node in self.nodes)
        return bool(self.fencing_delay_s) and self.agents == "own" and not self.arbiter and one_each
