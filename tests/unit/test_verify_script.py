"""What compares both copies records a result only of a comparison that came to its end.

The real script runs under dash; the cluster's programs are stand-ins, and time passes with each `sleep`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pcmk_ha.assets import find_folder
from pcmk_ha.facts.records import VERIFIED

SCRIPT = find_folder("templates") / "usr/local/lib/pcmk-ha/drbd-verify"
DONE = "block drbd0: Online verify done (total 8 sec; paused 0 sec; 131072 K/sec)"
RESYNC_DONE = "block drbd0: Resync done (total 1 sec; paused 0 sec; 2048 K/sec)"
# As `drbdsetup status pgdata --verbose --statistics` of drbd-utils 9.22 lays it out.
STATUS_9 = """pgdata node-id:0 role:Primary suspended:no force-io-failures:no
    write-ordering:flush
  volume:0 minor:0 disk:UpToDate backing_dev:/dev/sdb quorum:yes
      size:1048508 read:2100 written:1980 al-writes:12 bm-writes:0 upper-pending:0 lower-pending:0
      al-suspended:no blocked:no
  node2 node-id:1 connection:Connected role:Secondary congested:no ap-in-flight:0
      rs-in-flight:0
    volume:0 replication:{does} peer-disk:UpToDate done:12.50 resync-suspended:no
        received:0 sent:1980 out-of-sync:{kib} pending:0 unacked:0
"""
STANDINS = {
    "drbdadm": 'echo "drbdadm $*" >> "$WORLD/calls"; [ "$1" != role ] || cat "$WORLD/role"\n'
    '[ "$3" != verify ] || cp "$WORLD/comparing" "$WORLD/proc"\n',
    "drbdsetup": 'cat "$WORLD/status"\n',
    "journalctl": 'cat "$WORLD/kernel"\n',
    "crm_attribute": 'echo "crm_attribute $*" >> "$WORLD/calls"; [ ! -e "$WORLD/no-quorum" ]\n',
    "sleep": '[ ! -e "$WORLD/over" ] || { mv "$WORLD/over" "$WORLD/proc"; mv "$WORLD/status.over" "$WORLD/status"; }\n',
    "uname": "echo node1\n",
}


def proc(does: str, kib: int = 0, peer: str = "UpToDate") -> str:
    text = f"""version: 8.4.11 (api:1/proto:86-101)
srcversion: DA6B55A41DED5E58CDBAB30
 0: cs:{does} ro:Primary/Secondary ds:UpToDate/{peer} C r-----
    ns:60132 nr:1960 dw:108808 dr:60658 al:32 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:{kib}
"""
    if does.startswith("Verify"):
        text += "\t[==>.................] verified: 18.4% (842492/1031732)K\n"
        text += "\tfinish: 0:00:08 speed: 94,620 (94,620) want: 95,040 K/sec\n"
    return f"{text} 1: cs:Connected ro:Secondary/Secondary ds:UpToDate/UpToDate C r-----\n    ns:0 oos:77\n"


class World:
    """The node the script runs on."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "bin").mkdir()
        for name, text in STANDINS.items():
            (root / "bin" / name).write_text(f"#!/bin/sh\n{text}")
            (root / "bin" / name).chmod(0o755)
        for name in ("awk", "grep", "date", "cat", "cp", "mv"):
            (root / "bin" / name).symlink_to(shutil.which(name) or "")
        self.set(role="Primary/Secondary", proc=proc("Connected"), comparing=proc("VerifyS"), over=proc("Connected"))
        self.set(kernel=DONE, status="")
        (root / "status.over").write_text("")

    def set(self, **files: str) -> None:
        for name, text in files.items():
            (self.root / name).write_text(text)

    def run(self) -> subprocess.CompletedProcess[str]:
        text = SCRIPT.read_text().replace("PATH=/usr/sbin:/usr/bin:/sbin:/bin", f"PATH={self.root}/bin")
        text = text.replace("/proc/drbd", f"{self.root}/proc")
        return subprocess.run(
            ["dash", "-c", text, "drbd-verify", "pgdata", "0"], env={**os.environ, "WORLD": str(self.root)},
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip

    @property
    def calls(self) -> list[str]:
        path = self.root / "calls"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def recorded(self) -> str:
        """What follows the time in the record, empty where there is none."""
        found = re.search(rf"--node node1 --name {VERIFIED} --update \S+Z (\d+)$", "\n".join(self.calls), re.MULTILINE)
        return found[1] if found else ""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_equal_copies_are_recorded_with_nothing_that_differs(world: World) -> None:
    done = world.run()
    assert (done.returncode, world.recorded) == (0, "0")
    assert "drbdadm -- --start=0 verify pgdata" in world.calls
    assert "0 KiB differ" in done.stdout


def test_what_differs_is_recorded_and_is_no_failure_of_the_unit(world: World) -> None:
    world.set(over=proc("Connected", 40))
    assert (world.run().returncode, world.recorded) == (0, "40")


def test_the_secondary_compares_nothing(world: World) -> None:
    world.set(role="Secondary/Primary")
    assert world.run().returncode == 0
    assert world.calls == ["drbdadm role pgdata"]


def test_a_comparison_somebody_has_begun_is_waited_for(world: World) -> None:
    world.set(proc=proc("VerifyS"))
    assert (world.run().returncode, world.recorded) == (0, "0")
    assert not [call for call in world.calls if "verify pgdata" in call]


@pytest.mark.parametrize(
    "found",
    [proc("WFConnection", peer="DUnknown"), proc("SyncSource", 900, "Inconsistent"), proc("Connected", 0, "Diskless")],
)
def test_without_two_good_copies_nothing_is_compared(world: World, found: str) -> None:
    world.set(proc=found)
    done = world.run()
    assert done.returncode == 1
    assert "no two good copies" in done.stderr
    assert len(world.calls) == 1


@pytest.mark.parametrize("kernel", ["", RESYNC_DONE, DONE.replace("drbd0", "drbd01")])
def test_a_comparison_that_was_cut_short_is_not_recorded_although_it_looks_ended(world: World, kernel: str) -> None:
    world.set(kernel=kernel)
    done = world.run()
    assert (done.returncode, world.recorded) == (1, "")
    assert "did not come to its end" in done.stderr


def test_a_result_that_cannot_be_recorded_is_a_failure(world: World) -> None:
    world.set(**{"no-quorum": ""})
    assert world.run().returncode == 1


def test_drbd_9_is_asked_by_its_own_tool(world: World) -> None:
    version = "version: 9.2.19 (api:2/proto:86-122)\n"
    world.set(proc=version, comparing=version, over=version, status=STATUS_9.format(does="VerifyS", kib=0))
    world.set(kernel="drbd pgdata/0 drbd0 node2: Online verify done (total 8 sec; paused 0 sec; 131072 K/sec)")
    (world.root / "status.over").write_text(STATUS_9.format(does="Established", kib=12))
    assert (world.run().returncode, world.recorded) == (0, "12")
