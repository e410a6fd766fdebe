"""Patroni, etcd, HAProxy and Keepalived, as `pcmk-ha lab up --stack patroni` sets them up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pcmk_ha.drill.patterns import DETECTED, VIP_UP, Pattern
from pcmk_ha.lab.patroni.files import DATA
from pcmk_ha.lab.patroni.service import is_whole, members
from pcmk_ha.lab.state import load_lab
from side.contender import Site
from side.nodes import Failed, await_true
from side.phases import PATRONI, ROUTED

PACKAGES = ("patroni", "etcd-server", "haproxy", "keepalived", "postgresql-17")
CTL = "patronictl -c /etc/patroni/config.yml"
FAST = {"ttl": 20, "loop_wait": 5, "retry_timeout": 5}


@dataclass(frozen=True)
class Patroni:
    """With its defaults, or its fast profile."""

    site: Site
    fast: bool = False
    patterns: tuple[Pattern, ...] = PATRONI
    packages: tuple[str, ...] = PACKAGES
    exclusive: tuple[str, ...] = ("VIP",)  # PostgreSQL runs on both nodes, as it must

    @property
    def name(self) -> str:
        """Name in the raw data."""
        return "patroni-fast" if self.fast else "patroni"

    def build(self) -> None:
        """By the lab's own command; raises Failed."""
        self.site.up("--stack", "patroni")
        if self.fast:
            changes = " ".join(f"-s {name}={value}" for name, value in FAST.items())
            self.site.nodes.run("node1", f"{CTL} edit-config --force {changes}")
        await_true(self.is_whole, "a whole Patroni cluster", timeout_s=120)

    def password(self) -> str:
        """The lab's own."""
        return load_lab(self.site.lab).paths.superuser_password.read_text().strip()

    def primary(self) -> str:
        """The leader."""
        for member in members(load_lab(self.site.lab)):
            if member["Role"] == "Leader":
                return str(member["Member"])
        raise Failed("Patroni has no leader")

    def is_whole(self) -> bool:
        """A leader, and a synchronous standby that streams."""
        return is_whole(members(load_lab(self.site.lab)))

    def switch_over(self, to: str) -> None:
        """Move by Patroni's own command."""
        self.site.nodes.run(to, f"{CTL} switchover --force --leader {self.primary()} --candidate {to}")

    def tidy(self) -> None:
        """Nothing is left behind."""

    def pid_file(self) -> str:
        """On the data disk."""
        return f"{DATA}/postmaster.pid"

    def timers(self, fault: str) -> Mapping[str, float]:
        """The leader's key lives for ttl; Keepalived waits 3 and a bit adverts; HAProxy looks every 3 s, twice."""
        ttl, loop = (FAST["ttl"], FAST["loop_wait"]) if self.fast else (30, 10)
        return {DETECTED: loop if fault == "postmaster-kill" else ttl, VIP_UP: 3.6, ROUTED: 6.0}
