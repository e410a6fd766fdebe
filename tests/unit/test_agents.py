"""Our resource agents say what is, do what they are asked, and refuse what would do harm.

The real scripts run under dash. The programs they start are stand-ins that do to a few files what the real ones do to
a node; processes and PostgreSQL's lock file are real.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

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


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    for process in made.processes():
        os.kill(process, signal.SIGKILL)


@pytest.mark.parametrize("agent", AGENTS)
def test_an_agent_describes_itself_by_the_rules(world: World, agent: str) -> None:
    done = world._start(agent, "meta-data", 5, {})
    described = etree.fromstring(done.stdout.encode())
    assert described.get("name") == agent
    if RULES.exists():
        etree.RelaxNG(etree.parse(RULES)).assertValid(described)
    known = {str(e.get("name")) for e in described.iterfind("parameters/parameter")}
    used = set(re.findall(r"OCF_RESKEY_([a-z]\w*)", (HOME / agent).read_text()))
    assert used
    assert known >= used


@pytest.mark.parametrize("agent", AGENTS)
def test_what_no_agent_can_do_is_said(world: World, agent: str) -> None:
    assert world.run(agent, "dance")[0] == UNIMPLEMENTED


@pytest.mark.parametrize(
    ("agent", "wrong"),
    [
        ("drbd", {"drbd_resource": ""}),
        ("filesystem", {"device": ""}),
        ("postgresql", {"pgdata": ""}),
        ("postgresql", {"port": "x"}),
        ("vip", {"ip": ""}),
        ("vip", {"cidr_netmask": "x"}),
    ],
)
def test_a_resource_that_makes_no_sense_runs_nowhere(world: World, agent: str, wrong: dict[str, str]) -> None:
    code, reason = world.run(agent, "start", **wrong)
    assert code == MISCONFIGURED
    assert reason


# The address


ROUTES = "192.0.0.0/8 dev wide proto kernel scope link\n192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.11\n"


def test_an_address_joins_the_narrowest_network_it_is_in(world: World) -> None:
    world.set("routes", ROUTES)
    assert world.run("vip", "monitor")[0] == NOT_RUNNING
    assert world.run("vip", "start")[0] == OK
    assert any("addr add 192.0.2.100/24 brd + dev eth0" in call for call in world.calls)
    assert world.run("vip", "monitor")[0] == OK
    assert world.run("vip", "start")[0] == OK
    assert world.run("vip", "stop")[0] == OK
    assert world.run("vip", "monitor")[0] == NOT_RUNNING
    assert world.run("vip", "stop")[0] == OK


def test_an_address_goes_where_the_file_says(world: World) -> None:
    assert world.run("vip", "start", nic="bond0", cidr_netmask="25")[0] == OK
    assert any("192.0.2.100/25 brd + dev bond0" in call for call in world.calls)


def test_an_address_without_a_network_is_not_added(world: World) -> None:
    code, reason = world.run("vip", "start")
    assert (code, reason) == (FAILED, "no interface here is in the network of 192.0.2.100")


def test_an_address_that_stays_is_no_success(world: World) -> None:
    world.set("address", "192.0.2.100/24")
    world.set("broken")
    assert world.run("vip", "stop")[0] == FAILED


# The file system


def test_a_file_system_is_mounted_for_writing_and_unmounted(world: World) -> None:
    world.set("device")
    assert world.run("filesystem", "monitor")[0] == NOT_RUNNING
    assert world.run("filesystem", "start", options="noatime")[0] == OK
    assert "mount -w -t ext4 -o noatime" in "\n".join(world.calls)
    assert world.run("filesystem", "monitor")[0] == OK
    assert world.run("filesystem", "stop")[0] == OK
    assert world.run("filesystem", "monitor")[0] == NOT_RUNNING
    assert world.run("filesystem", "stop")[0] == OK


@pytest.mark.parametrize(
    ("mounts", "action", "said"),
    [
        ("{device} /srv/pgdata ext4 ro,noatime 0 0", "monitor", "became read-only"),
        ("/dev/other /srv/pgdata ext4 rw 0 0", "monitor", "instead of"),
        ("/dev/other /srv/pgdata ext4 rw 0 0", "start", "instead of"),
        ("/dev/other /srv/pgdata ext4 rw 0 0", "stop", "instead of"),
        ("{device} /mnt ext4 rw 0 0", "start", "is mounted on /mnt"),
    ],
)
def test_what_is_mounted_otherwise_is_a_failure_and_is_left_alone(
    world: World, mounts: str, action: str, said: str
) -> None:
    world.set("device")
    world.set("mounts", mounts.format(device=world.root / "device") + "\n")
    code, reason = world.run("filesystem", action)
    assert code == FAILED
    assert said in reason
    assert not [call for call in world.calls if call.startswith(("mount", "umount"))]


def test_whoever_keeps_files_open_is_asked_first_and_then_ended(world: World) -> None:
    world.set("device")
    world.run("filesystem", "start")
    world.set("busy")
    world.set("stubborn")
    assert world.run("filesystem", "stop")[0] == OK
    signals = [call.split()[2] for call in world.calls if call.startswith("fuser")]
    assert signals[0] == "-TERM"
    assert signals[-1] == "-KILL"


def test_a_file_system_that_cannot_be_mounted_says_why(world: World) -> None:
    world.set("device")
    world.set("broken")
    code, reason = world.run("filesystem", "start")
    assert code == FAILED
    assert reason.endswith("cannot be mounted: wrong fs type")


# The replicated device


@pytest.mark.parametrize(
    ("said", "code", "score"),
    [
        (("Connected", "Secondary/Primary", "UpToDate/UpToDate"), OK, "-U 10000"),
        (("Connected", "Primary/Secondary", "UpToDate/UpToDate"), PROMOTED, "-U 10000"),
        (("WFConnection", "Primary/Unknown", "UpToDate/DUnknown"), PROMOTED, "-U 10000"),
        (("WFConnection", "Secondary/Unknown", "UpToDate/DUnknown"), OK, "-U 1000"),
        (("WFConnection", "Secondary/Unknown", "UpToDate/Outdated"), OK, "-U 10000"),
        (("SyncTarget", "Secondary/Primary", "Inconsistent/UpToDate"), OK, "-U 10"),
        (("WFConnection", "Secondary/Unknown", "Consistent/DUnknown"), OK, "-U 5"),
        (("WFConnection", "Secondary/Unknown", "Outdated/DUnknown"), OK, "-D"),
        (("WFConnection", "Secondary/Unknown", "Inconsistent/DUnknown"), OK, "-D"),
        (("Connected", "Primary/Secondary", "Diskless/UpToDate"), PROMOTED, "-U 10"),
    ],
)
def test_a_copy_is_worth_as_much_as_is_known_of_both(
    world: World, said: tuple[str, str, str], code: int, score: str
) -> None:
    world.drbd(*said)
    assert world.run("drbd", "monitor", CRM_meta_interval="10000")[0] == code
    assert world.score == score


def test_a_disk_that_is_being_attached_changes_no_score(world: World) -> None:
    world.drbd("Connected", "Secondary/Primary", "Negotiating/UpToDate")
    world.run("drbd", "monitor", CRM_meta_interval="10000")
    # the peer's copy is good: that is what decides, as it does with the stock agent
    assert world.score == "-U 10"


@pytest.mark.parametrize(
    ("status", "code", "score"),
    [
        ("pgdata role:Secondary\n  disk:UpToDate\n  node2 role:Primary\n    peer-disk:UpToDate\n", OK, "-U 10000"),
        ("pgdata role:Primary\n  disk:UpToDate\n  node2 connection:Connecting\n", PROMOTED, "-U 10000"),
        ("pgdata role:Secondary\n  disk:UpToDate quorum:no\n  node2 connection:Connecting\n", OK, "-D"),
        ("pgdata role:Secondary\n  disk:Inconsistent\n  node2 role:Primary\n    peer-disk:UpToDate\n",
         OK, "-U 10"),
    ],
)  # fmt: skip
def test_drbd_9_is_understood_too(world: World, status: str, code: int, score: str) -> None:
    world.set("drbd", "version: 9.2.12 (api:2/proto:118-122)\n")
    world.set("status", status)
    assert world.run("drbd", "monitor", CRM_meta_interval="10000")[0] == code
    assert world.score == score


def test_what_is_not_configured_does_not_run_and_a_probe_changes_nothing(world: World) -> None:
    assert world.run("drbd", "monitor", CRM_meta_interval="0")[0] == NOT_RUNNING
    assert world.get("scores") == ""
    assert world.run("drbd", "monitor", CRM_meta_interval="10000")[0] == NOT_RUNNING
    assert world.score == "-D"


def test_a_device_comes_up_is_promoted_demoted_and_goes_down(world: World) -> None:
    world.set("after-up", "version: 8.4.11\n 0: cs:Connected ro:Secondary/Secondary ds:UpToDate/UpToDate C r-----\n")
    then_it_is = {"start": OK, "promote": PROMOTED, "demote": OK, "stop": NOT_RUNNING}
    for action in ("start", "start", "promote", "promote", "demote", "demote", "promote", "stop", "stop"):
        assert world.run("drbd", action)[0] == OK
        assert world.run("drbd", "monitor", CRM_meta_interval="10000")[0] == then_it_is[action]
    assert world.score == "-D"


@pytest.mark.parametrize("code", ["17", "11"])
def test_a_promotion_that_drbd_refuses_fails_and_says_why(world: World, code: str) -> None:
    world.drbd("WFConnection", "Secondary/Unknown", "Consistent/DUnknown")
    world.set("refuses", code)
    found, reason = world.run("drbd", "promote", timeout_s=2)
    assert found == FAILED
    assert "State change failed" in reason
    assert len([call for call in world.calls if "primary" in call]) == (1 if code == "17" else pytest.approx(5, abs=4))


@pytest.mark.parametrize("action", ["promote", "demote"])
def test_what_was_never_started_has_no_role(world: World, action: str) -> None:
    assert world.run("drbd", action) == (FAILED, "pgdata was not started")


def test_a_device_without_its_disk_does_not_start(world: World) -> None:
    world.set("broken")
    assert world.run("drbd", "start") == (FAILED, "pgdata does not come up: no such disk")


# The server


def test_a_server_is_started_watched_and_stopped(world: World) -> None:
    assert world.run("postgresql", "monitor")[0] == NOT_RUNNING
    assert world.run("postgresql", "start")[0] == OK
    assert world.run("postgresql", "start")[0] == OK
    assert world.run("postgresql", "monitor")[0] == OK
    assert world.run("postgresql", "monitor", CRM_meta_interval="1000")[0] == OK
    assert world.run("postgresql", "stop")[0] == OK
    assert world.run("postgresql", "monitor")[0] == NOT_RUNNING
    assert world.run("postgresql", "stop")[0] == OK


def test_a_start_ends_when_recovery_does(world: World) -> None:
    world.set("recovers")
    began = time.monotonic()
    assert world.run("postgresql", "start")[0] == OK
    assert time.monotonic() - began > 1


def test_a_server_that_ends_in_its_start_says_why(world: World) -> None:
    world.set("broken")
    code, reason = world.run("postgresql", "start")
    assert code == FAILED
    assert reason == "the server ended: FATAL:  could not locate a valid checkpoint record"


def test_a_backup_that_was_not_recovered_is_not_started_and_not_touched(world: World) -> None:
    (world.data / "backup_label").write_text("START WAL LOCATION\n")
    code, reason = world.run("postgresql", "start")
    assert code == MISCONFIGURED
    assert "backup_label" in reason
    assert (world.data / "backup_label").exists()
    assert not world.processes()


@pytest.mark.parametrize("name", ["recovery.signal", "standby.signal"])
def test_a_backup_that_is_to_be_recovered_is_started(world: World, name: str) -> None:
    (world.data / "backup_label").write_text("START WAL LOCATION\n")
    (world.data / name).touch()
    assert world.run("postgresql", "start")[0] == OK


def test_a_server_that_was_killed_leaves_nothing_that_stands_in_the_way(world: World) -> None:
    world.set("child")
    world.run("postgresql", "start")
    time.sleep(0.3)
    os.kill(world.postmaster(), signal.SIGKILL)
    time.sleep(0.2)
    assert world.run("postgresql", "monitor")[0] == NOT_RUNNING
    left = set(world.processes())
    assert world.run("postgresql", "start")[0] == OK
    assert not left & set(world.processes())
    assert world.run("postgresql", "monitor")[0] == OK


def test_a_server_that_was_killed_and_left_nothing_does_not_run(world: World) -> None:
    world.run("postgresql", "start")
    os.kill(world.postmaster(), signal.SIGKILL)
    time.sleep(0.2)
    assert world.run("postgresql", "monitor")[0] == NOT_RUNNING
    assert world.run("postgresql", "stop")[0] == OK


def test_another_process_with_the_number_of_a_lost_server_is_left_alone(world: World) -> None:
    with subprocess.Popen(["sleep", "30"], cwd="/") as other:
        lines = [str(other.pid), str(world.data), "1", "5432", "/run", "*", " 1 2", "ready   "]
        (world.data / "postmaster.pid").write_text("\n".join(lines) + "\n")
        assert world.run("postgresql", "monitor")[0] == NOT_RUNNING
        assert world.run("postgresql", "start")[0] == OK
        assert world.postmaster() != other.pid
        assert world.run("postgresql", "stop")[0] == OK
        assert other.poll() is None
        other.kill()


def test_a_server_that_does_not_answer_has_failed(world: World) -> None:
    world.run("postgresql", "start")
    world.set("deaf")
    assert world.run("postgresql", "monitor", timeout_s=2)[0] == OK
    code, reason = world.run("postgresql", "monitor", timeout_s=2, CRM_meta_interval="1000")
    assert code == FAILED
    assert "does not answer" in reason


def test_a_server_is_asked_now_and_then_and_looked_at_always(world: World) -> None:
    world.run("postgresql", "start")
    assert world.run("postgresql", "monitor", CRM_meta_interval="1000")[0] == OK
    world.set("deaf")
    assert world.run("postgresql", "monitor", CRM_meta_interval="1000")[0] == OK
    assert world.run("postgresql", "monitor", timeout_s=2, CRM_meta_interval="1000", ask_every="0")[0] == FAILED


def test_a_frozen_server_is_found_and_stopped_at_once(world: World) -> None:
    world.run("postgresql", "start")
    os.kill(world.postmaster(), signal.SIGSTOP)
    world.set("deaf")
    began = time.monotonic()
    assert world.run("postgresql", "monitor", CRM_meta_interval="1000")[0] == FAILED
    assert world.run("postgresql", "stop")[0] == OK
    assert time.monotonic() - began < 5
    assert not world.processes()


def test_without_its_volume_a_server_does_not_run_and_is_stopped(world: World) -> None:
    gone = str(world.root / "nothing")
    assert world.run("postgresql", "monitor", pgdata=gone)[0] == NOT_RUNNING
    assert world.run("postgresql", "stop", pgdata=gone)[0] == OK
    assert world.run("postgresql", "start", pgdata=gone)[0] == NOT_INSTALLED
