"""Waits until a lab's Patroni cluster serves: made by itself on the nodes' first boot."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from pcmk_ha.errors import CommandFailed, TimedOut
from pcmk_ha.lab.process import Report, run

if TYPE_CHECKING:
    from pcmk_ha.lab.state import Lab

READY_S = 240
LOOK_S = 1.0
LIST = ("patronictl", "-c", "/etc/patroni/config.yml", "list", "-f", "json")


def members(lab: Lab, *, by: str = "") -> list[dict[str, Any]]:
    """Return Patroni's members as `patronictl list` shows them, asked on any data node that answers, `by` first."""
    names = sorted((node.name for node in lab.spec.nodes if node.has_disk), key=lambda name: name != by)
    for name in names:
        try:
            found = run(("ssh", "-F", str(lab.ssh_config), "-o", "ConnectTimeout=3", name, *LIST), timeout=30)
            return list(json.loads(found))
        except (CommandFailed, ValueError):
            continue
    return []


def is_whole(found: list[dict[str, Any]]) -> bool:
    """Whether there is a leader and a synchronous standby that streams: both copies are good."""
    states = {(str(member["Role"]), str(member["State"])) for member in found}
    return {("Leader", "running"), ("Sync Standby", "streaming")} <= states


def await_service(lab: Lab, report: Report) -> None:
    """Wait until both copies are good; raises TimedOut with what Patroni says."""
    report("Patroni makes its cluster")
    deadline = time.monotonic() + READY_S
    while not is_whole(found := members(lab)):
        if time.monotonic() > deadline:
            raise TimedOut(f"Patroni's cluster was not complete within {READY_S} s; `patronictl list` says: {found}")
        time.sleep(LOOK_S)
