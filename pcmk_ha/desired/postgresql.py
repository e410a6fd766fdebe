"""PostgreSQL's parameters: what a failover needs, under what the cluster file says."""

from __future__ import annotations

from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.scalars import Scalar


def parameters(cluster: Cluster, version: int) -> dict[str, Scalar]:
    """Return every parameter we write, user's last word included.

    A failover is a crash recovery: what bounds the WAL to replay (checkpoint_timeout, max_wal_size) bounds
    how long it takes. syncfs replaces a walk over every data file before replay (PostgreSQL 14 on).
    """
    ours: dict[str, Scalar] = {
        "listen_addresses": "*",
        "port": cluster.postgresql.port,
        "unix_socket_directories": "/run/postgresql",
        "password_encryption": "scram-sha-256",
        "checkpoint_timeout": "5min",
        "max_wal_size": "1GB",
        "checkpoint_completion_target": 0.9,
        "log_line_prefix": "%m [%p] %q%u@%d ",
        "log_checkpoints": True,
        # A stop waits for every connection that has not yet said who it is, and for a client that is gone it waits
        # that long (60 s if nothing is said).
        "authentication_timeout": "10s",
        # A broken client connection must not hold locks for hours after a failover.
        "tcp_keepalives_idle": 10,
        "tcp_keepalives_interval": 5,
        "tcp_keepalives_count": 3,
    }
    if version >= 14:
        ours["recovery_init_sync_method"] = "syncfs"
    return ours | cluster.timers.parameters | cluster.postgresql.parameters


def quote(value: Scalar) -> str:
    """Write a parameter's value as postgresql.conf wants it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        return str(value)
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
