"""How a client should connect to a service whose address moves."""

from __future__ import annotations

from pcmk_ha.model.cluster import Cluster

# Without these a client waits for minutes on a server that is no longer there (libpq, "Connection Parameters").
TIMEOUTS: dict[str, str] = {
    "connect_timeout": "2",  # s, for each address
    "keepalives_idle": "2",  # s of silence before the first probe
    "keepalives_interval": "1",
    "keepalives_count": "3",
    "tcp_user_timeout": "3000",  # ms that data sent may stay unacknowledged
}


def connection_string(
    cluster: Cluster, *, user: str = "", database: str = "", host: str = "", timeouts: bool = True
) -> str:
    """Return a libpq connection string, through the VIP unless `host` names a node's address; without a password."""
    wanted = cluster.postgresql
    target = {
        "host": host or str(cluster.vip.address),
        "port": str(wanted.port),
        "user": user or wanted.user,
        "dbname": database or wanted.database,
    }
    return " ".join(f"{name}={value}" for name, value in {**target, **(TIMEOUTS if timeouts else {})}.items())
