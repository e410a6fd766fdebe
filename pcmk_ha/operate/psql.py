"""Psql through the VIP, on a node of the cluster."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence

from pcmk_ha.operate.look.verify import psql_argv
from pcmk_ha.operate.session import Session
from pcmk_ha.remote.connect import host_of


def run_psql(session: Session, arguments: Sequence[str], *, terminal: bool) -> int:
    """Run psql with the operator's terminal or streams; returns its exit status.

    ssh(1) carries the terminal; it reads the same ssh_config as every other connection of ours.
    """
    runner = session.any_node()
    cluster = session.cluster
    node = next(n for n in cluster.nodes if n.name == runner.node)
    config = session.ssh_config
    login = ["ssh", *(["-F", str(config)] if config else []), "-tt" if terminal else "-T", host_of(cluster, node)]
    quiet = () if terminal else ("-q",)
    command = shlex.join((*runner.sudo, *psql_argv(session.cluster, *quiet, *arguments)))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    sys.stdout.flush()
    return subprocess.run([*login, command], env=environment, check=False).returncode
