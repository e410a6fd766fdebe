"""Whether PostgreSQL accepts connections on a node."""

from __future__ import annotations

from pcmk_ha.model.cluster import Cluster

# By its own path: Debian's command of that name is a Perl script around it, and takes ten times as long.
READY = 'set -- "$1" /usr/lib/postgresql/*/bin/pg_isready; exec "$2" -q -p "$1"'
AWAIT = (
    'set -- "$1" "$2" /usr/lib/postgresql/*/bin/pg_isready; '
    'until "$3" -q -p "$1"; do [ "$2" -gt 0 ] || exit 1; set -- "$1" $(($2 - 1)) "$3"; sleep 0.5; done'
)


def ask_ready(cluster: Cluster) -> tuple[str, ...]:
    """Return the command that ends with 0 where it does; see pg_isready(1)."""
    return ("sh", "-c", READY, "ready", str(cluster.postgresql.port))


def await_ready(cluster: Cluster, seconds: int) -> tuple[str, ...]:
    """Return the command that ends with 0 as soon as it does, with 1 after so many seconds."""
    return ("sh", "-c", AWAIT, "await-ready", str(cluster.postgresql.port), str(2 * seconds))
