"""A node on which our real resource agents run, under dash.

The programs they start are stand-ins that do to a few files what the real ones do to a node; processes and
PostgreSQL's lock file are real.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pcmk_ha.assets import find_folder

TEMPLATES = find_folder("templates")
HOME = TEMPLATES / "usr/lib/ocf/resource.d/pcmk-ha"
AGENTS = ("drbd", "filesystem", "postgresql", "vip")
RULES = Path("/usr/share/resource-agents/metadata.rng")
OK, FAILED, UNIMPLEMENTED, NOT_INSTALLED, MISCONFIGURED, NOT_RUNNING, PROMOTED = 0, 1, 3, 5, 6, 7, 8
REAL = ("date", "sleep", "sed", "grep", "cat", "cp", "rm", "tail", "sort", "find", "install", "setsid", "mkdir",
        "uname", "touch", "nice", "head", "mv")  # fmt: skip

IP = r"""#!/bin/sh
echo "ip $*" >> "$WORLD/calls"
case "$*" in
  *"addr show to"*) [ ! -s "$WORLD/address" ] || echo "2: eth0    inet $(cat "$WORLD/address") scope global eth0";;
  *"route show match"*) cat "$WORLD/routes";;
  *"addr add"*) [ ! -e "$WORLD/broken" ] || { echo "RTNETLINK answers: no"; exit 2; }
    for word; do case $word in */*) echo "$word" > "$WORLD/address";; esac; done;;
  *"addr del"*) [ ! -e "$WORLD/broken" ] || exit 2; rm -f "$WORLD/address";;
esac
"""
MOUNT = r"""#!/bin/sh
echo "mount $*" >> "$WORLD/calls"
[ ! -e "$WORLD/broken" ] || { echo "wrong fs type"; exit 32; }
for last; do before=${now:-}; now=$last; done
echo "$before $now ext4 rw,noatime 0 0" >> "$WORLD/mounts"
"""
UMOUNT = r"""#!/bin/sh
echo "umount $*" >> "$WORLD/calls"
[ ! -e "$WORLD/busy" ] || { echo "target is busy"; exit 32; }
grep -v " $1 " "$WORLD/mounts" > "$WORLD/rest"; mv "$WORLD/rest" "$WORLD/mounts"
"""
FUSER = r"""#!/bin/sh
echo "fuser $*" >> "$WORLD/calls"
case "$*" in *-KILL*) rm -f "$WORLD/busy";; *) [ -e "$WORLD/stubborn" ] || rm -f "$WORLD/busy";; esac
"""


# 8.4: its state is a file.
DRBDSETUP = r"""#!/bin/sh
echo "drbdsetup $*" >> "$WORLD/calls"
[ ! -e "$WORLD/refuses" ] || { read -r code < "$WORLD/refuses"; echo "State change failed"; exit "$code"; }
case $1 in
  status) cat "$WORLD/status" 2>/dev/null || exit 10;;
  primary) sed -i 's/ro:Secondary/ro:Primary/' "$WORLD/drbd";;
  secondary) sed -i 's,ro:Primary,ro:Secondary,' "$WORLD/drbd";;
esac
"""
DRBDADM = r"""#!/bin/sh
echo "drbdadm $*" >> "$WORLD/calls"
case $1 in
  up) [ ! -e "$WORLD/broken" ] || { echo "no such disk"; exit 20; }; cat "$WORLD/after-up" > "$WORLD/drbd";;
  down) echo "version: 8.4.11 (api:1/proto:86-101)" > "$WORLD/drbd";;
  sh-minor) echo 0;;
esac
"""
ATTRD = '#!/bin/sh\necho "$*" >> "$WORLD/scores"\n'
SETPRIV = '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift\nexec "$@"\n'


# Writes its lock file as the real one does, recovers as long as it is told, and ends when it is asked to.
POSTGRES = rf"""#!{sys.executable}
import os, signal, subprocess, sys, time
world = os.environ["WORLD"]
def told(name): return os.path.exists(f"{{world}}/{{name}}")
if told("broken"):
    sys.exit("FATAL:  could not locate a valid checkpoint record")
def say(state):
    with open("postmaster.pid", "w") as file:
        file.write(f"{{os.getpid()}}\n{{os.getcwd()}}\n1700000000\n5432\n/run\n*\n 1 2\n{{state:8}}\n")
def end(*_):
    os.remove("postmaster.pid")
    sys.exit(0)
for number in (signal.SIGINT, signal.SIGQUIT):
    signal.signal(number, end)
say("starting")
if told("recovers"):
    time.sleep(1)
say("ready")
if told("child"):
    subprocess.Popen([f"{{world}}/backend/postgres"])
while True:
    time.sleep(0.05)
"""
BACKEND = "#!/bin/sh\nwhile :; do sleep 0.05; done\n"
PSQL = '#!/bin/sh\n[ ! -e "$WORLD/deaf" ] || exit 2\necho 1\n'
ISREADY = '#!/bin/sh\n[ ! -e "$WORLD/deaf" ] || exit 2\n'


class World:
    """A node."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.bin.mkdir()
        self.data = root / "data"
        self.data.mkdir()
        (self.data / "PG_VERSION").write_text("17\n")
        scripts = {"ip": IP, "mount": MOUNT, "umount": UMOUNT, "fuser": FUSER, "drbdsetup": DRBDSETUP,
                   "drbdadm": DRBDADM, "attrd_updater": ATTRD, "setpriv": SETPRIV, "postgres": POSTGRES,
                   "psql": PSQL, "pg_isready": ISREADY, "modprobe": "#!/bin/sh\nexit 1\n"}  # fmt: skip
        for name, text in scripts.items():
            self._program(self.bin / name, text)
        (root / "backend").mkdir()
        self._program(root / "backend/postgres", BACKEND)
        for name in REAL:
            (self.bin / name).symlink_to(shutil.which(name) or "")
        for name in ("calls", "mounts", "scores", "routes"):
            self.set(name)
        self.drbd()

    @staticmethod
    def _program(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def set(self, name: str, text: str = "") -> None:
        (self.root / name).write_text(text)

    def unset(self, name: str) -> None:
        (self.root / name).unlink()

    def get(self, name: str) -> str:
        return (self.root / name).read_text()

    def drbd(self, link: str = "", roles: str = "", disks: str = "") -> None:
        """Have DRBD 8.4 say this of its only device; nothing: it is not configured."""
        head = "version: 8.4.11 (api:1/proto:86-101)\nsrcversion: A\n"
        self.set("drbd", head + (f" 0: cs:{link} ro:{roles} ds:{disks} C r-----\n" if link else ""))

    def run(self, agent: str, action: str, *, timeout_s: float = 20, **parameters: str) -> tuple[int, str]:
        """Return the exit code and what Pacemaker would show."""
        done = self._start(agent, action, timeout_s, parameters)
        return done.returncode, done.stderr.partition("ocf-exit-reason:")[2].strip()

    def _start(
        self, agent: str, action: str, timeout_s: float, given: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        library = self.root / "agent.sh"
        shutil.copy(TEMPLATES / "usr/local/lib/pcmk-ha/agent.sh", library)
        text = (HOME / agent).read_text().replace("PATH=/usr/sbin:/usr/bin:/sbin:/bin", f"PATH={self.bin}")
        text = text.replace("/usr/local/lib/pcmk-ha/agent.sh", str(library)).replace("[ -b ", "[ -e ")
        text = text.replace("/proc/drbd", f"{self.root}/drbd").replace("/proc/self/mounts", f"{self.root}/mounts")
        text = text.replace("/run/pcmk-ha-vip", f"{self.root}/vip").replace("RETRY=1500", "RETRY=0")
        text = text.replace("CONNECT=500", "CONNECT=50").replace("PATIENCE=200", "PATIENCE=30")
        text = text.replace("/run/pcmk-ha-promoted", f"{self.root}/promoted")
        text = text.replace("/run/pcmk-ha-asked", f"{self.root}/asked").replace(
            "/usr/local/lib/pcmk-ha/keep-warm", "true"
        )
        text = text.replace("/usr/libexec/heartbeat", "/nowhere")
        script = self.root / f"agent-{agent}"
        script.write_text(text)
        defaults = {
            "drbd": {"drbd_resource": "pgdata"},
            "filesystem": {"device": str(self.root / "device"), "directory": "/srv/pgdata", "fstype": "ext4"},
            "postgresql": {"pgdata": str(self.data), "bindir": str(self.bin), "socketdir": str(self.root),
                           "logfile": str(self.root / "log")},
            "vip": {"ip": "192.0.2.100"},
        }[agent]  # fmt: skip
        variables = {f"OCF_RESKEY_{k}": v for k, v in (defaults | given).items() if not k.startswith("OCF_")}
        variables |= {k: v for k, v in given.items() if k.startswith("OCF_")}
        variables |= {"WORLD": str(self.root), "OCF_RESOURCE_INSTANCE": "thing", "PATH": str(self.bin),
                      "OCF_RESKEY_CRM_meta_timeout": str(int(timeout_s * 1000))}  # fmt: skip
        argv = [shutil.which("dash") or "dash", str(script), action]
        return subprocess.run(argv, env=variables, capture_output=True, text=True, timeout=40, check=False, cwd="/")

    @property
    def calls(self) -> list[str]:
        return self.get("calls").splitlines()

    @property
    def score(self) -> str:
        """What this node says last of its willingness to be promoted."""
        return self.get("scores").splitlines()[-1].removeprefix("-n master-thing ")

    def processes(self) -> list[int]:
        """Return what works in the data directory."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if (entry / "cwd").samefile(self.data) and (entry / "comm").read_text() == "postgres\n":
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def postmaster(self) -> int:
        return int((self.data / "postmaster.pid").read_text().split()[0])


@contextmanager
def world_in(root: Path) -> Iterator[World]:
    """Make a node; what still works in its data directory at the end is killed."""
    made = World(root)
    try:
        yield made
    finally:
        for process in made.processes():
            os.kill(process, signal.SIGKILL)
