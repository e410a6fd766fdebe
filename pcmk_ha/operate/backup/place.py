"""What belongs to one data directory: where it is, its programs, and what a restore keeps beside it in the volume."""

from __future__ import annotations

from dataclasses import dataclass

from pcmk_ha.desired.values import Desired


@dataclass(frozen=True)
class Place:
    """Paths on the node that has the volume mounted."""

    mount_point: str
    data: str
    version: int
    port: int

    @classmethod
    def of(cls, desired: Desired) -> Place:
        """Return those of a cluster."""
        cluster = desired.cluster
        port = cluster.postgresql.port
        return cls(cluster.filesystem.mount_point, desired.data_directory, desired.postgresql_version, port)

    @property
    def programs(self) -> str:
        """Folder of PostgreSQL's server programs."""
        return f"/usr/lib/postgresql/{self.version}/bin"

    @property
    def part(self) -> str:
        """A backup that is being copied."""
        return f"{self.data}.pcmk-ha-part"

    @property
    def draft(self) -> str:
        """A backup that was copied whole, and that is recovered here."""
        return f"{self.data}.pcmk-ha-restore"

    @property
    def marker(self) -> str:
        """What is being restored: there as long as a restore has not ended."""
        return f"{self.data}.pcmk-ha-restore.json"

    def aside(self, ident: str) -> str:
        """Where the replaced data is kept."""
        return f"{self.data}.before-{ident}"
