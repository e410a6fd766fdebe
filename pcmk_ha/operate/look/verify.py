"""Proof that clients are served: a committed row, written and read back through the VIP."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from pcmk_ha.client.settings import connection_string
from pcmk_ha.desired.names import PGPASS
from pcmk_ha.desired.values import Desired
from pcmk_ha.errors import PcmkHaError
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.look.service import look_at_service
from pcmk_ha.remote.runner import Runner

PROOF = """\\set ON_ERROR_STOP on
CREATE SCHEMA IF NOT EXISTS pcmk_ha;
CREATE TABLE IF NOT EXISTS pcmk_ha.proof (id int PRIMARY KEY, word text, at timestamptz);
INSERT INTO pcmk_ha.proof VALUES (1, '{word}', now())
  ON CONFLICT (id) DO UPDATE SET word = excluded.word, at = excluded.at;
SELECT word FROM pcmk_ha.proof WHERE id = 1;
"""


def verify_write(nodes: Mapping[str, Runner], desired: Desired) -> None:
    """Write through the VIP from the data node that does not hold it, as a client would.

    Raises PcmkHaError when what was read is not what was written, CommandFailed when psql fails.
    """
    first = next(iter(nodes.values()))
    holder = look_at_service(first, desired.cluster).vip_on
    client = next(node.name for node in desired.cluster.nodes if node.name != holder)
    word = secrets.token_hex(8)
    argv = psql_argv(desired.cluster, "-q", "-A", "-t")
    answer = nodes[client].run(argv, stdin=PROOF.format(word=word), timeout=60)
    if answer.stdout.split()[-1:] != [word]:
        raise PcmkHaError(f"{client}: wrote {word} through the VIP and read {answer.stdout!r}")


def psql_argv(cluster: Cluster, *options: str) -> tuple[str, ...]:
    """Psql on a node as the superuser, through the VIP; its password stands in a 0600 file there."""
    target = connection_string(cluster, user="postgres", database="postgres")
    return ("env", f"PGPASSFILE={PGPASS}", "psql", "-X", "-d", target, *options)
