"""A node on which DRBD's handlers run under dash, and what the cluster's programs answer there.

The programs are stand-ins that print what the real ones printed in a lab (Pacemaker 2.1.5 and 3.0.0), from files the
test puts there.
"""

from __future__ import annotations

import shutil
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from pcmk_ha.assets import find_folder

HOME = find_folder("templates") / "usr/local/lib/pcmk-ha"
ID = "drbd-fence-by-handler-pgdata-drbd_pgdata-clone"
OURS = f'<rsc_location id="{ID}"><rule><expression operation="ne" value="node1"/></rule></rsc_location>'
THEIRS = OURS.replace("node1", "node2")
DOWN, ALIVE, LOST = ("false", "false"), ("true", "false"), ("false", "true")  # online, unclean
QUORUM = """Quorum information
------------------
Date:             Tue Nov 24 21:30:37 2026
Nodes:            2
Quorate:          {}
"""

CIBADMIN = r"""#!/bin/sh
echo "cibadmin $*" >> "$WORLD/calls"
node=here
while [ $# -gt 0 ]; do
  case $1 in
    --bump) exit 0;;
    --create) verb=create;; --delete) verb=delete;; --query) verb=query;;
    --node) shift; node=$1;; --xpath) shift; xpath=$1;; --xml-text) shift; xml=$1;;
  esac
  shift
done
[ ! -e "$WORLD/broken" ] || exit 102
case $verb in
  create)
    [ -e "$WORLD/no-quorum" ] && exit 109
    [ -e "$WORLD/unmanaged" ] && exit 78
    [ -s "$WORLD/constraint" ] && exit 76
    printf '%s\n' "$xml" > "$WORLD/constraint"
    [ -e "$WORLD/peer-follows" ] && cp "$WORLD/constraint" "$WORLD/peer-constraint"
    exit 0;;
  delete) rm -f "$WORLD/constraint"; exit 0;;
esac
case $xpath in
  *"@id='drbd_pgdata-clone'"*) [ -e "$WORLD/unmanaged" ] && exit 105; exit 0;;
  *) file=$WORLD/constraint; [ "$node" = here ] || file=$WORLD/peer-constraint
     [ -s "$file" ] || exit 105; cat "$file";;
esac
"""
CRM_MON = '#!/bin/sh\ncat "$WORLD/crm_mon"\n'
QUORUMTOOL = '#!/bin/sh\ncat "$WORLD/quorum"\n'
# Without --verbose Pacemaker shows one fencing of a node, the oldest.
STONITH = r"""#!/bin/sh
case "$*" in
  *--verbose*) cat "$WORLD/history";;
  *) echo "<list>"; sed -n '/<fence_event/p' "$WORLD/history" | sed -n '$p'; echo "</list>";;
esac
"""
DRBDADM = '#!/bin/sh\ncat "$WORLD/$1"\n'


class World:
    """What the cluster's programs answer on this node."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.fencings: list[str] = []
        self.bin.mkdir()
        scripts = {"cibadmin": CIBADMIN, "stonith_admin": STONITH, "drbdadm": DRBDADM,
                   "crm_mon": CRM_MON, "corosync-quorumtool": QUORUMTOOL, "logger": "#!/bin/sh\n",
                   "uname": "#!/bin/sh\necho node1\n"}  # fmt: skip
        for name, text in scripts.items():
            path = self.bin / name
            path.write_text(text)
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        for name in ("date", "sleep", "sed", "grep", "cat", "cp", "rm", "flock", "setsid"):
            (self.bin / name).symlink_to(shutil.which(name) or "")
        self.set("dstate", "UpToDate/DUnknown")
        self.set("role", "Secondary/Unknown")
        self.set("cstate", "WFConnection")
        self.set("history", "<pacemaker-result/>")
        self.set("quorum", QUORUM.format("Yes"))
        self.state(ALIVE)

    def set(self, name: str, text: str) -> None:
        (self.root / name).write_text(text + "\n")

    def state(self, seen: tuple[str, str]) -> None:
        """Have crm_mon (2.1 and 3.0 print the same here) see the peer online or not, unclean or not."""
        node = (
            '    <node name="{}" id="{}" online="{}" standby="false" standby_onfail="false" maintenance="false" '
            'pending="false" unclean="{}" health="green" shutdown="false" is_dc="false" type="member"/>'
        )
        both = (node.format("node1", 1, "true", "false"), node.format("node2", 2, *seen))
        running = '      <node name="node2" id="2" cached="true"/>'
        self.set("crm_mon", "\n".join(["<nodes>", *both, "</nodes>", "<resources>", running, "</resources>"]))

    def members(self, *names: str) -> None:
        """Have Corosync, with quorum, count these members; the first one is this node."""
        lines = [f"         {n}          1 {name}" for n, name in enumerate(names, 1)]
        head = ["Membership information", "----------------------", "    Nodeid      Votes Name", f"{lines[0]} (local)"]
        self.set("quorum", "\n".join([QUORUM.format("Yes"), *head, *lines[1:]]))

    def lost(self, seconds_ago: float, power: str) -> None:
        """Have watch-peer note a loss of the peer."""
        note_loss(self.root, "node2", seconds_ago, power)

    def reconnect(self) -> None:
        """Have DRBD see its peer again, both sides good."""
        self.set("cstate", "Connected")
        self.set("dstate", "UpToDate/UpToDate")

    def fenced(
        self, *, seconds_ago: float, status: str = "success", target: str = "node2", action: str = "reboot"
    ) -> None:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() - seconds_ago))
        self.fencings.insert(
            0,
            f'    <fence_event action="{action}" target="{target}" client="pacemaker-controld.1151" origin="node1" '
            f'status="{status}" delegate="node1" completed="{when}.007335Z"/>',
        )
        head = f'<pacemaker-result>\n  <list name="fencing history" count="{len(self.fencings)}">'
        self.set("history", "\n".join([head, *self.fencings, "  </list>", "</pacemaker-result>"]))

    def run(
        self, name: str = "drbd-fence-peer", *arguments: str, wait: int = 1, pauses: int = 5, **environment: str
    ) -> int:
        for script in HOME.iterdir():
            text = script.read_text().replace("PATH=/usr/sbin:/usr/bin:/sbin:/bin", f"PATH={self.bin}")
            text = text.replace("HINT=/run/", f"HINT={self.root}/").replace("LOST=/run/", f"LOST={self.root}/")
            text = text.replace("AFTER_SERVICE=5", "AFTER_SERVICE=1")
            text = text.replace("PAUSES=10", f"PAUSES={pauses}")
            text = text.replace("/run/lock/", f"{self.root}/lock-").replace("TRIES=20", "TRIES=3")
            text = text.replace("WAIT_SECONDARY=90", f"WAIT_SECONDARY={wait}").replace("PAUSE=3", "PAUSE=0.2")
            text = text.replace("WAIT_PRIMARY=86400", f"WAIT_PRIMARY={wait}")
            (self.root / script.name).write_text(text)
            (self.root / script.name).chmod(0o755)
        given = {"DRBD_RESOURCE": "pgdata", "DRBD_PEER": "node2"} | environment
        variables = {"WORLD": str(self.root), **{k: v for k, v in given.items() if v}}
        command = ["dash", str(self.root / name), *arguments]
        return subprocess.run(command, env=variables, timeout=30, check=False).returncode

    @property
    def calls(self) -> str:
        path = self.root / "calls"
        return path.read_text() if path.exists() else ""

    @property
    def constraint(self) -> str:
        path = self.root / "constraint"
        return path.read_text() if path.exists() else ""


def note_loss(folder: Path, node: str, seconds_ago: float, power: str) -> None:
    """Leave the note that watch-peer leaves of a node which Corosync lost."""
    since = float(Path("/proc/uptime").read_text().split()[0]) - seconds_ago
    (folder / f"pcmk-ha-lost-{node}").write_text(f"{since * 100:.0f} {power}\n")


def soon(holds: Callable[[], object]) -> bool:
    """Whether something comes to hold within five seconds."""
    deadline = time.monotonic() + 5
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(holds())
