"""A running PostgreSQL on its own node, asked over its socket as its own superuser."""

from __future__ import annotations

from pcmk_ha.desired.values import Desired
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.remote.runner import Runner

CHECKPOINT_S = 1800  # a cache of many gigabytes on a slow disk; nothing is out of service meanwhile


def ask_server(runner: Runner, desired: Desired, query: str) -> str:
    """Return the answer to a query, unaligned; empty where the server does not answer."""
    outcome = runner.run(_psql(desired.cluster, query), ok=None)
    return outcome.stdout.strip() if outcome.status == 0 else ""


def _psql(cluster: Cluster, query: str) -> tuple[str, ...]:
    port = str(cluster.postgresql.port)
    psql = ("env", "-C", "/", "psql", "-X", "-A", "-t", "-h", "/run/postgresql", "-p", port, "-c", query)
    return ("runuser", "-u", "postgres", "--", *psql)


def checkpoint(runner: Runner, cluster: Cluster) -> None:
    """Have the server write out what is dirty, as fast as it can; raises CommandFailed when it does not."""
    runner.run(_psql(cluster, "CHECKPOINT"), timeout=CHECKPOINT_S)


def has_read_its_files(runner: Runner, desired: Desired) -> bool:
    """Whether the server loaded its configuration after our files were last written."""
    loaded = ask_server(runner, desired, "SELECT extract(epoch FROM pg_conf_load_time())")
    stats = runner.run(("stat", "-c", "%Y", *(file.path for file in desired.volume_files)), ok=(0, 1)).stdout
    return not loaded or all(float(loaded) >= int(written) for written in stats.split())


def reload_server(runner: Runner, desired: Desired) -> None:
    """Have the server read its files again; what needs a restart is shown by `pg_settings.pending_restart`."""
    ask_server(runner, desired, "SELECT pg_reload_conf()")
