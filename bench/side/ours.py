"""pcmk-ha as it bootstraps by default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pcmk_ha.drill.evidence import EXCLUSIVE
from pcmk_ha.drill.patterns import ASKED, DETECTED, FENCED, STARTED, Pattern
from pcmk_ha.operate.secrets import generated_secrets
from side.contender import DATA_NODES, Site
from side.nodes import Failed
from side.phases import PACEMAKER

PACKAGES = ("corosync", "pacemaker", "drbd-utils", "resource-agents", "fence-agents-ipmilan", "postgresql-17")
SCHEDULER_S = 1.0  # pacemaker-controld sleeps before it schedules
STATUS_SLEEP_S = 1.0  # fence agents, after they switched a node off
POLL_S = 1.0  # ocf:heartbeat:pgsql looks once a second whether PostgreSQL is there


@dataclass(frozen=True)
class Ours:
    """Two votes, or three."""

    site: Site
    arbiter: bool = False
    patterns: tuple[Pattern, ...] = PACEMAKER
    packages: tuple[str, ...] = PACKAGES
    exclusive: tuple[str, ...] = EXCLUSIVE

    @property
    def name(self) -> str:
        """Name in the raw data."""
        return "pcmk-ha-arbiter" if self.arbiter else "pcmk-ha"

    def build(self) -> None:
        """As in the README."""
        self.site.up(*(("--arbiter",) if self.arbiter else ()))
        self.site.run("bootstrap", "--yes")

    def password(self) -> str:
        """From the secrets that bootstrap made."""
        return str(generated_secrets(self.site.file)["superuser"])

    def primary(self) -> str:
        """The node that DRBD calls Primary."""
        return drbd_primary(self.site)

    def is_whole(self) -> bool:
        """What `pcmk-ha status` says."""
        try:
            self.site.run("status")
        except Failed:
            return False
        return True

    def switch_over(self, to: str) -> None:
        """Move by the product's own command."""
        self.site.run("switchover", "--yes", timeout=300)

    def tidy(self) -> None:
        """Forget failures."""
        for node in DATA_NODES:
            self.site.nodes.ask(node, "crm_resource --cleanup", timeout=60)

    def pid_file(self) -> str:
        """Below the mount point."""
        return f"{self.site.cluster.filesystem.mount_point}/*/main/postmaster.pid"

    def timers(self, fault: str) -> Mapping[str, float]:
        """From the cluster file."""
        cluster = self.site.cluster
        own = cluster.agents == "own"
        looks_s = 1.0 if own else 10.0
        detected = looks_s if fault == "postmaster-kill" else (cluster.token_ms + cluster.consensus_ms) / 1000
        # A node without power is found to be off, and neither waited for nor switched off.
        waits = fault != "power-loss" or not cluster.asks_before_head_start
        fenced = STATUS_SLEEP_S + cluster.fencing_delay_s if waits else 0.0
        return {DETECTED: detected, ASKED: SCHEDULER_S, FENCED: fenced, STARTED: 0.0 if own else POLL_S}


def drbd_primary(site: Site) -> str:
    """Return the node on which DRBD is Primary."""
    for node in DATA_NODES:
        if "ro:Primary/" in site.nodes.ask(node, "cat /proc/drbd"):
            return node
    raise Failed("no node is Primary")
