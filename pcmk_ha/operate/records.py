"""Writing dated records: see pcmk_ha.facts.records."""

from __future__ import annotations

from datetime import datetime

from pcmk_ha.facts.records import NODES, Records, format_time, parse_records
from pcmk_ha.remote.runner import Runner


def read_records(runner: Runner) -> Records:
    """Ask one member."""
    return parse_records(runner.run(NODES).stdout)


def write_record(runner: Runner, node: str, name: str, at: datetime) -> None:
    """Keep in the cluster's configuration when something of a node was proven."""
    runner.run(("crm_attribute", "--node", node, "--name", name, "--update", format_time(at)), timeout=60)
