"""A peer that Corosync lost is asked for its power at once, and what its fence device says is noted."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.handler_node import soon

from pcmk_ha.assets import find_folder

HOME = find_folder("templates") / "usr/local/lib/pcmk-ha"
# As corosync-cmapctl 3.1.9 prints them; it waits for more until its standard input ends.
LEFT = "modify> runtime.members.1.status (str) = left"
JOINED = "modify> runtime.members.1.status (str) = joined"
CREATED = "create> runtime.members.1.status (str) = joined"
DEVICE = (
    '<primitive class="stonith" id="fence_node1" type="fence_sample">\n'
    '  <nvpair id="fence_node1-instance_attributes-ip" name="ip" value="10.77.0.101"/>\n</primitive>'
)


class Watched:
    """A node whose Corosync says what the test writes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.said = root / "said"
        self.said.write_text('Type "q" to finish\n')
        self.program("corosync-cmapctl", f"timeout 20 tail -n +1 -f {self.said} & cat >/dev/null; kill $!")
        self.program("stdbuf", 'shift; exec "$@"')
        self.program("cibadmin", f"cat <<'END'\n{DEVICE}\nEND")
        self.device(2)
        (root / "hostname").write_text("node2\n")
        self.process: subprocess.Popen[bytes] | None = None

    def program(self, name: str, body: str) -> None:
        path = self.root / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def device(self, status: int, seconds: float = 0, name: str = "fence_sample") -> None:
        """The device's agent says when it is started, reads its orders to their end, and does what it is told."""
        self.program(
            name, f"echo {name} >>{self.root}/started; cat >>{self.root}/asked; sleep {seconds}; exit {status}"
        )

    def start(self) -> None:
        for name in ("watch-peer", "device.sh"):
            text = (HOME / name).read_text().replace("PATH=/usr/sbin:", f"PATH={self.root}:/usr/sbin:")
            text = (
                text.replace("=/run/", f"={self.root}/").replace("TICK=10", "TICK=0.5").replace("ASK_S=10", "ASK_S=3")
            )
            self.program(name, text.replace("/proc/sys/kernel/hostname", f"{self.root}/hostname"))
        command = ("dash", str(self.root / "watch-peer"), "1=node1", "2=node2")
        self.process = subprocess.Popen(command, start_new_session=True)
        assert soon((self.root / "pcmk-ha-watch").exists)

    def stop(self) -> None:
        if self.process:
            subprocess.run(("kill", "--", f"-{self.process.pid}"), check=False)
            self.process.wait(10)

    def say(self, *lines: str) -> None:
        with self.said.open("a") as file:
            file.writelines(f"{line}\n" for line in lines)

    @property
    def started(self) -> list[str]:
        path = self.root / "started"
        return path.read_text().split() if path.exists() else []

    @property
    def note(self) -> str:
        path = self.root / "pcmk-ha-lost-node1"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Watched]:
    """A node whose peer is a member."""
    watched = Watched(tmp_path)
    yield watched
    watched.stop()


def test_a_peer_that_is_lost_without_power_is_noted(node: Watched) -> None:
    node.start()
    begin = float(Path("/proc/uptime").read_text().split()[0]) * 100
    node.say(LEFT)
    assert soon(lambda: " off" in node.note)
    assert 0 <= int(node.note.split()[0]) - begin < 300
    assert (node.root / "asked").read_text() == "ip=10.77.0.101\nnodename=node1\naction=status\n"


@pytest.mark.parametrize(("status", "power"), [(0, "on"), (1, "unknown"), (3, "unknown"), (127, "unknown")])
def test_a_peer_that_may_have_power_is_not_taken_for_off(node: Watched, status: int, power: str) -> None:
    node.device(status)
    node.start()
    assert soon(lambda: node.started)
    node.say(LEFT)
    assert soon(lambda: f" {power}" in node.note)


def test_it_is_noted_at_once_that_the_device_is_being_asked(node: Watched) -> None:
    node.device(2, seconds=2)
    node.start()
    assert soon(lambda: node.started)
    node.say(LEFT)
    assert soon(lambda: " asking" in node.note)
    assert soon(lambda: " off" in node.note)


@pytest.mark.parametrize("back", [JOINED, CREATED])
def test_nothing_is_noted_of_a_peer_that_is_back(node: Watched, back: str) -> None:
    node.start()
    node.say(LEFT)
    assert soon(lambda: " off" in node.note)
    node.say(back)
    assert soon(lambda: not node.note)


def test_what_an_earlier_watch_noted_does_not_outlive_it(node: Watched) -> None:
    (node.root / "pcmk-ha-lost-node1").write_text("812 off\n")
    node.start()
    assert soon(lambda: not node.note)


def test_nobody_is_asked_for_an_arbiter_or_of_what_else_changes(node: Watched) -> None:
    node.start()
    node.say(LEFT.replace("members.1.", "members.3."), "modify> runtime.members.1.join_count (u32) = 3", JOINED)
    time.sleep(1)
    assert not (node.root / "asked").exists() or not (node.root / "asked").read_text()
    assert not list(node.root.glob("pcmk-ha-lost*"))


def test_an_agent_is_started_before_it_is_needed_and_again_when_the_peer_is_back(node: Watched) -> None:
    node.start()
    assert soon(lambda: node.started)
    node.say(LEFT)
    assert soon(lambda: " off" in node.note)
    time.sleep(1.2)
    assert len(node.started) == 1, "no other one while the peer is away"
    node.say(JOINED)
    assert soon(lambda: len(node.started) == 2)
    node.device(0)  # the one that waits is the old one
    node.say(LEFT)
    assert soon(lambda: " off" in node.note)
    assert (node.root / "asked").read_text().count("action=status") == 2


def test_another_device_than_the_one_that_waits_is_asked(node: Watched) -> None:
    node.start()
    assert soon(lambda: node.started)
    node.device(0, name="fence_other")
    node.program("cibadmin", f"cat <<'END'\n{DEVICE.replace('fence_sample', 'fence_other')}\nEND")
    node.say(LEFT)
    assert soon(lambda: " on" in node.note)


def test_an_agent_that_died_while_it_waited_is_started_anew(node: Watched) -> None:
    node.program("fence_sample", f"echo early >>{node.root}/started; exit 2")
    node.start()
    assert soon(lambda: node.started)
    node.device(0)
    node.say(LEFT)
    assert soon(lambda: " on" in node.note)


def test_a_device_that_does_not_answer_is_given_up(node: Watched) -> None:
    node.device(2, seconds=30)
    node.start()
    node.say(LEFT)
    assert soon(lambda: " unknown" in node.note)


def test_without_the_device_nothing_is_known(node: Watched) -> None:
    node.program("cibadmin", "exit 105")
    node.start()
    node.say(LEFT)
    assert soon(lambda: " unknown" in node.note)


def test_the_watch_ends_with_corosync(node: Watched) -> None:
    """The unit starts it again."""
    node.program("corosync-cmapctl", "exit 1")
    node.start()
    assert node.process is not None
    assert node.process.wait(5) == 0
