"""The guides' configuration, written by hand: contenders/textbook/ holds every file of it."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pcmk_ha.drill.evidence import EXCLUSIVE
from pcmk_ha.drill.patterns import ASKED, DETECTED, FENCED, PROMOTED, STARTED, Pattern
from pcmk_ha.lab.patroni.files import VERSIONS
from pcmk_ha.lab.state import load_lab
from side.contender import DATA_NODES, Site
from side.nodes import await_true
from side.ours import PACKAGES, POLL_S, SCHEDULER_S, STATUS_SLEEP_S, drbd_primary
from side.phases import PACEMAKER

FILES = Path(__file__).parent.parent / "contenders/textbook"
TEMPLATES = Path(__file__).parent.parent.parent / "templates"
OURS = "usr/local/lib/pcmk-ha"
# As drbd-utils packages them, with the events its manual names; and the corrected ones.
STOCK = {"@FENCE@": "/usr/lib/drbd/crm-fence-peer.sh", "@UNFENCE_WHEN@": "after-resync-target",
         "@UNFENCE@": "/usr/lib/drbd/crm-unfence-peer.sh"}  # fmt: skip
CORRECTED = {"@FENCE@": f"/{OURS}/drbd-fence-peer", "@UNFENCE_WHEN@": "unfence-peer",
             "@UNFENCE@": f"/{OURS}/drbd-unfence-peer"}  # fmt: skip
SOUND = ("cs:Connected", "ds:UpToDate/UpToDate")
FORGET = "crm_resource --clear --resource drbd_pgdata-clone; crm_resource --cleanup"
HURRY = "drbdadm disk-options --c-plan-ahead=0 --resync-rate=100M pgdata"
LEFT_BEHIND = ("drbd-fence-by-handler", "cli-prefer", "cli-ban")


@dataclass(frozen=True)
class Textbook:
    """With the packaged fence handlers, or with corrected ones."""

    site: Site
    stock: bool = False
    patterns: tuple[Pattern, ...] = PACEMAKER
    packages: tuple[str, ...] = PACKAGES
    exclusive: tuple[str, ...] = EXCLUSIVE

    @property
    def name(self) -> str:
        """Name in the raw data."""
        return "textbook-stock" if self.stock else "textbook"

    def build(self) -> None:
        """By hand, as the guides do; raises Failed."""
        self.site.up()
        nodes, key = self.site.nodes, base64.b64encode(os.urandom(256)).decode()
        for node in DATA_NODES:
            nodes.put(node, "/etc/corosync/corosync.conf", (FILES / "corosync.conf").read_text())
            nodes.put(node, "/etc/drbd.d/pgdata.res", self._resource())
            nodes.run(node, "umask 077; base64 -d > /etc/corosync/authkey", stdin=key)
            for name in ("drbd-fence-peer", "drbd-unfence-peer"):
                nodes.put(node, f"/{OURS}/{name}", (TEMPLATES / OURS / name).read_text())
                nodes.run(node, f"chmod 755 /{OURS}/{name}")
            nodes.run(node, (FILES / "node.sh").read_text())
        nodes.put("node1", "/root/bench.crm", self._configuration())
        nodes.put("node1", "/root/bench.sql", f"ALTER ROLE postgres PASSWORD '{self.password()}'\n")
        nodes.run("node1", (FILES / "data.sh").read_text(), timeout=300)
        await_true(self.is_whole, "a whole textbook cluster", timeout_s=240)

    def _resource(self) -> str:
        text = (FILES / "pgdata.res").read_text()
        for name, value in (STOCK if self.stock else CORRECTED).items():
            text = text.replace(name, value)
        return text

    def _configuration(self) -> str:
        password = load_lab(self.site.lab).paths.bmc_password.read_text().strip()
        text = (FILES / "cluster.crm").read_text().replace("@PASSWORD@", password)
        return text.replace("@VERSION@", str(VERSIONS[self.site.suite]))

    def password(self) -> str:
        """The lab's own."""
        return load_lab(self.site.lab).paths.superuser_password.read_text().strip()

    def primary(self) -> str:
        """The node that DRBD calls Primary."""
        return drbd_primary(self.site)

    def is_whole(self) -> bool:
        """Both disks good, both nodes online, everything started, nothing left behind; DRBD gets its defaults back."""
        nodes = self.site.nodes
        if not all(all(word in nodes.ask(node, "cat /proc/drbd") for word in SOUND) for node in DATA_NODES):
            return False
        shown = nodes.ask("node1", "crm_mon -1; cibadmin --query --scope constraints")
        wanted = ("Online: [ node1 node2 ]", "pg_vip\t", "Started")
        if not all(word in shown for word in wanted) or any(word in shown for word in (*LEFT_BEHIND, "Failed")):
            return False
        for node in DATA_NODES:
            nodes.ask(node, "drbdadm adjust pgdata")
        return True

    def switch_over(self, to: str) -> None:
        """Move the promoted role."""
        self.site.nodes.run(to, f"crm_resource --move --promoted --resource drbd_pgdata-clone --node {to}")

    def tidy(self) -> None:
        """Forget failures and what a move leaves; the stock handlers' constraint must go by itself.

        By default DRBD gives way to other writes until a resync has 250 KiB/s, and the next run would wait for ten
        minutes: it is hurried until both copies are good.
        """
        for node in DATA_NODES:
            self.site.nodes.ask(node, f"{FORGET}; {HURRY}", timeout=60)

    def pid_file(self) -> str:
        """Below the mount point."""
        return "/srv/pgdata/main/postmaster.pid"

    def timers(self, fault: str) -> Mapping[str, float]:
        """Defaults of Corosync (token, and 1.2 of it again), of the agents, and of the promotion that stalls."""
        detected = 30.0 if fault == "postmaster-kill" else 3.0 + 3.6
        promoted = {PROMOTED: 90.0} if self.stock else {}
        return {DETECTED: detected, ASKED: SCHEDULER_S, FENCED: STATUS_SLEEP_S, STARTED: POLL_S, **promoted}
