"""What nodes should hold, as values that can be compared with what was found."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field

from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.platform import Platform


@dataclass(frozen=True)
class File:
    """A file that pcmk-ha owns on a node; `secret` content never reaches a screen or a log."""

    path: str
    content: str = field(repr=False)
    mode: int = 0o644
    owner: str = "root:root"
    secret: bool = False
    encoding: str = "utf-8"  # "base64" for binary content

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes the file should hold."""
        raw = b64decode(self.content) if self.encoding == "base64" else self.content.encode()
        return hashlib.sha256(raw).hexdigest()


@dataclass(frozen=True)
class Desired:
    """Everything the nodes should hold."""

    cluster: Cluster
    platform: Platform
    packages: Mapping[str, tuple[str, ...]]  # by node
    files: Mapping[str, tuple[File, ...]]  # by node, in the order they are written
    volume_files: tuple[File, ...]  # inside the replicated file system, written once it is mounted
    cib: str = field(repr=False)  # <cib> document: configuration without nodes and status; holds secrets

    @property
    def postgresql_version(self) -> int:
        """Major version of PostgreSQL."""
        return self.cluster.postgresql.version or self.platform.postgresql

    @property
    def programs(self) -> str:
        """Folder of PostgreSQL's own programs; those of these names on PATH are Debian's Perl scripts around them."""
        return f"/usr/lib/postgresql/{self.postgresql_version}/bin"

    @property
    def data_directory(self) -> str:
        """PostgreSQL's data directory, on the replicated file system."""
        chosen = self.cluster.postgresql.data_directory
        return chosen or f"{self.cluster.filesystem.mount_point}/{self.postgresql_version}/main"
