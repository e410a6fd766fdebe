"""The first fencing level of two votes: what is off already is off, and the node that serves fences first."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest
from lxml import etree
from support.handler_node import note_loss

AGENT = Path(__file__).parents[2] / "templates/usr/sbin/fence_pcmk_ha"
LIBRARY = Path(__file__).parents[2] / "templates/usr/local/lib/pcmk-ha/device.sh"
# As cibadmin 3.0.0 prints it, with a password that XML must escape.
DEVICE = """<primitive class="stonith" id="fence_node1" type="fence_sample">
  <instance_attributes id="fence_node1-instance_attributes">
    <nvpair id="fence_node1-instance_attributes-pcmk_host_list" name="pcmk_host_list" value="node1"/>
    <nvpair id="fence_node1-instance_attributes-ip" name="ip" value="10.77.0.101"/>
    <nvpair id="fence_node1-instance_attributes-password" name="password" value="a&lt;b&amp;amp;&quot;c'd=e"/>
  </instance_attributes>
  <operations>
    <op id="fence_node1-monitor-60s" interval="60s" name="monitor" timeout="60s"/>
  </operations>
</primitive>"""
MEMBERS = (
    "Membership information\n----------------------\n    Nodeid      Votes Name\n         2          1 node2 (local)\n"
)
ON, OFF, BROKEN = 0, 2, 1


class Machine:
    """A node's answers, in a folder of programs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked = folder / "asked"
        self.notes = folder / "notes"
        self.role("Secondary")
        self.members(MEMBERS)
        self.program("cibadmin", f"cat <<'END'\n{DEVICE}\nEND")
        self.device(ON)
        (folder / "hostname").write_text("node2\n")

    def program(self, name: str, body: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def role(self, role: str) -> None:
        line = f" 0: cs:WFConnection ro:{role}/Unknown ds:UpToDate/DUnknown C r-----\n"
        (self.folder / "drbd").write_text(f"version: 8.4.11 (api:1/proto:86-101)\n{line}")

    def members(self, text: str) -> None:
        self.program("corosync-quorumtool", f"cat <<'END'\n{text}END")

    def device(self, status: int, *, off: int = 0, on: int = 0) -> None:
        """The real device's agent, which notes what it is asked; `off` and `on` are what becomes of switching."""
        codes = {"status": status, "off": off, "on": on}
        answers = " ".join(f"*action={asked}) exit {code} ;;" for asked, code in codes.items())
        answers = f"case $given in {answers} esac"
        self.program("fence_sample", f"given=$(cat); printf '%s\\n--\\n' \"$given\" >> {self.asked}; {answers}")

    def configured(self, name: str, value: str) -> None:
        """Tell Pacemaker one more thing of the device."""
        nvpair = f'    <nvpair id="fence_node1-instance_attributes-{name}" name="{name}" value="{value}"/>'
        device = DEVICE.replace("  </instance_attributes>", f"{nvpair}\n  </instance_attributes>")
        self.program("cibadmin", f"cat <<'END'\n{device}\nEND")

    def run(self, action: str, head_start: int = 1) -> tuple[int, float]:
        """Return the agent's status, and the seconds it took."""
        script = AGENT.read_text().replace("PATH=/usr/sbin:", f"PATH={self.folder}:/usr/sbin:")
        script = script.replace("PROC=/proc/drbd", f"PROC={self.folder}/drbd").replace(
            "/proc/sys/kernel/hostname", f"{self.folder}/hostname"
        )
        script = script.replace("NOTES=/var/lib/pcmk-ha/power-on", f"NOTES={self.notes}")
        library = LIBRARY.read_text().replace("LOST=/run", f"LOST={self.folder}").replace("ASK_S=10", "ASK_S=2")
        (self.folder / "device.sh").write_text(library)
        script = script.replace("LIBRARY=/usr/local/lib/pcmk-ha/", f"LIBRARY={self.folder}/")
        script = script.replace("HINT=/run", f"HINT={self.folder}").replace("OFF_S=30", "OFF_S=1")
        script = script.replace("AFTER_SERVICE=5", "AFTER_SERVICE=0.1")
        orders = f"action={action}\nnodename=node1\ndrbd_resource=pgdata\nminor=0\nhead_start={head_start}\n"
        begin = time.monotonic()
        done = subprocess.run(("dash", "-c", script), input=orders, text=True, timeout=20, check=False, env=os.environ)
        return done.returncode, time.monotonic() - begin

    def age(self, seconds: float) -> None:
        """Make the note of a fencing older."""
        os.utime(self.notes / "node1", (time.time() - seconds, time.time() - seconds))

    def lost(self, seconds_ago: float, power: str) -> None:
        """Have watch-peer note a loss of the target."""
        note_loss(self.folder, "node1", seconds_ago, power)

    def orders(self) -> list[list[str]]:
        """Return what the real device was asked, one list each time."""
        return (
            [entry.split("\n")[:-1] for entry in self.asked.read_text().split("--\n")[:-1]]
            if self.asked.exists()
            else []
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A standby that lost its peer."""
    return Machine(tmp_path)


GIVEN = ["ip=10.77.0.101", "password=a<b&amp;\"c'd=e", "nodename=node1"]


def actions(machine: Machine, count: int) -> list[str]:
    """Wait for so many orders, and no longer than for a moment after them; return what was ordered."""
    deadline = time.monotonic() + 5
    while len(machine.orders()) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    assert all(order[:-1] == GIVEN for order in machine.orders())
    return [order[-1].removeprefix("action=") for order in machine.orders()]


def test_a_target_without_power_is_done_at_once_and_gets_its_power_back(machine: Machine) -> None:
    machine.device(OFF)
    status, took = machine.run("reboot", head_start=10)
    assert status == 0
    assert took < 5
    assert actions(machine, 2) == ["status", "on"]


def test_a_target_that_is_to_stay_off_stays_off(machine: Machine) -> None:
    machine.device(OFF)
    assert machine.run("off")[0] == 0
    machine.role("Primary")
    assert machine.run("off")[0] == 0
    assert actions(machine, 2) == ["status", "off"]


def test_a_target_with_power_loses_it_after_the_head_start_and_gets_it_back(machine: Machine) -> None:
    status, took = machine.run("reboot", head_start=2)
    assert status == 0
    assert 1 <= took < 4, "whole seconds, counted from the beginning"
    assert actions(machine, 3) == ["status", "off", "on"]


def test_the_node_that_serves_waits_for_nothing(machine: Machine) -> None:
    machine.role("Primary")
    status, took = machine.run("reboot", head_start=10)
    assert status == 0
    assert took < 2
    assert actions(machine, 2) == ["off", "on"]


def test_a_target_that_is_a_member_does_not_shoot_back(machine: Machine) -> None:
    machine.members(f"{MEMBERS}         1          1 node1\n")
    status, took = machine.run("reboot", head_start=10)
    assert status == 0
    assert took < 3
    assert actions(machine, 3) == ["status", "off", "on"]


@pytest.mark.parametrize("role", ["Primary", "Secondary"])
def test_a_target_that_was_seen_off_when_it_was_lost_is_not_asked_for_again(machine: Machine, role: str) -> None:
    machine.role(role)
    machine.lost(2, "off")
    status, took = machine.run("reboot", head_start=10)
    assert status == 0
    assert took < 1
    assert actions(machine, 1) == ["on"]


def test_a_target_that_had_power_when_it_was_lost_is_not_asked_for_again(machine: Machine) -> None:
    machine.lost(2, "on")
    status, took = machine.run("reboot", head_start=3)
    assert status == 0
    assert 1.7 <= took < 3, "the head start begins a second after the loss"
    assert actions(machine, 2) == ["off", "on"]


def test_an_answer_that_is_under_way_is_waited_for(machine: Machine) -> None:
    machine.lost(1, "asking")
    answer = threading.Timer(1, machine.lost, (2, "off"))
    answer.start()
    status, took = machine.run("reboot", head_start=10)
    answer.join()
    assert status == 0
    assert 0.8 < took < 3
    assert actions(machine, 1) == ["on"]


def test_the_node_that_serves_does_not_wait_for_an_answer(machine: Machine) -> None:
    machine.role("Primary")
    machine.lost(1, "asking")
    assert machine.run("reboot", head_start=10)[1] < 1
    assert actions(machine, 2) == ["off", "on"]


def test_an_answer_that_does_not_come_is_none(machine: Machine) -> None:
    machine.lost(1, "asking")
    status, took = machine.run("reboot", head_start=1)
    assert status == 1
    assert took < 5
    assert machine.orders() == []


def test_what_was_seen_of_an_earlier_loss_proves_nothing(machine: Machine) -> None:
    machine.lost(11, "off")
    assert machine.run("reboot", head_start=1)[0] == 0
    assert actions(machine, 3) == ["status", "off", "on"]


@pytest.mark.parametrize("role", ["Primary", "Secondary"])
def test_a_target_whose_device_does_not_switch_it_off_is_not_fenced_and_not_switched_on(
    machine: Machine, role: str
) -> None:
    machine.role(role)
    machine.device(ON, off=BROKEN)
    assert machine.run("reboot")[0] == 1
    assert actions(machine, 2)[-1] == "off"
    assert not list(machine.folder.glob("pcmk-ha-off*"))


def test_a_device_that_does_not_come_to_an_end_is_left_to_the_next_level(machine: Machine) -> None:
    machine.role("Primary")
    machine.program("fence_sample", "exec sleep 60")
    status, took = machine.run("reboot")
    assert status == 1
    assert took < 5


@pytest.mark.parametrize("name", [
    "pcmk_host_map", "pcmk_host_argument", "pcmk_off_action", "pcmk_on_action", "pcmk_status_action",
    "pcmk_reboot_action",
])  # fmt: skip
def test_a_device_that_pacemaker_is_told_more_of_is_left_to_pacemaker(machine: Machine, name: str) -> None:
    machine.configured(name, "x")
    status, took = machine.run("reboot", head_start=2)
    assert (status, machine.orders()) == (1, [])
    assert took >= 1, "after the head start"


@pytest.mark.parametrize(("status", "ordered"), [(OFF, ["status"]), (ON, ["status", "off"])])
def test_a_device_that_leaves_nodes_off_after_a_reboot_is_understood(
    machine: Machine, status: int, ordered: list[str]
) -> None:
    machine.device(status)
    machine.configured("pcmk_reboot_action", "off")
    assert machine.run("reboot")[0] == 0
    assert actions(machine, 3) == ordered


def test_a_node_that_was_not_switched_on_again_is_switched_on_later(machine: Machine) -> None:
    """The survivor lost its own power when it had fenced, or the device did not answer just then."""
    machine.device(ON, on=BROKEN)
    assert machine.run("reboot")[0] == 0
    assert actions(machine, 3) == ["status", "off", "on"]
    machine.device(OFF)
    assert machine.run("on")[0] == 0
    assert actions(machine, 3)[-2:] == ["off", "on"], "there may be somebody at it"
    machine.age(20)
    assert machine.run("on")[0] == 0
    assert actions(machine, 4) == ["status", "off", "on", "on"]
    assert machine.run("on")[0] == 0
    assert len(actions(machine, 4)) == 4, "it is on now"


def test_a_node_that_is_to_stay_off_now_is_not_switched_on_later(machine: Machine) -> None:
    machine.device(ON, on=BROKEN)
    machine.run("reboot")
    assert actions(machine, 3)[-1] == "on"
    assert machine.run("off")[0] == 0
    assert machine.run("on")[0] == 0
    assert actions(machine, 5) == ["status", "off", "on", "status", "off"]


def test_nobody_is_switched_on_after_ten_minutes(machine: Machine) -> None:
    machine.notes.mkdir()
    note = machine.notes / "node1"
    note.touch()
    machine.age(700)
    assert machine.run("on")[0] == 0
    assert machine.orders() == []
    assert not note.exists()


def test_no_node_switches_itself_off(machine: Machine) -> None:
    (machine.folder / "hostname").write_text("node1\n")
    machine.role("Primary")
    assert (machine.run("reboot")[0], machine.orders()) == (1, [])


def test_who_waits_for_the_fencing_is_told_of_it(machine: Machine) -> None:
    machine.run("reboot")
    assert float((machine.folder / "pcmk-ha-off-node1").read_text()) > 0


def test_a_longer_name_is_another_node(machine: Machine) -> None:
    machine.members(MEMBERS.replace("node2 (local)", "node11"))
    assert machine.run("reboot", head_start=2)[1] >= 1


@pytest.mark.parametrize("status", [BROKEN, 3, 127])
def test_a_device_that_says_neither_on_nor_off_proves_nothing_and_is_left_to_pacemaker(
    machine: Machine, status: int
) -> None:
    machine.device(status)
    code, took = machine.run("reboot", head_start=2)
    assert code == 1
    assert took >= 1, "after the head start"
    assert actions(machine, 1) == ["status"]


def test_without_the_device_or_the_configuration_nothing_is_proven(machine: Machine) -> None:
    (machine.folder / "fence_sample").unlink()
    assert machine.run("reboot")[0] == 1
    machine.program("cibadmin", "exit 105")
    assert machine.run("reboot")[0] == 1
    machine.program("cibadmin", 'echo \'<primitive class="stonith" id="fence_node1" type="rm -rf">\'')
    assert machine.run("reboot")[0] == 1


def test_drbd_9_is_asked_by_its_tool(machine: Machine) -> None:
    (machine.folder / "drbd").write_text("version: 9.2.19 (api:2/proto:118-122)\n")
    machine.program("drbdadm", 'echo "$1 $2" > ' + str(machine.folder / "said") + "; echo Primary")
    assert machine.run("reboot", head_start=10)[0] == 0
    assert (machine.folder / "said").read_text() == "role pgdata\n"
    assert actions(machine, 2) == ["off", "on"]


def test_whatever_else_it_is_asked_it_touches_no_device(machine: Machine) -> None:
    for action, wanted in (("monitor", 0), ("status", 0), ("validate-all", 0), ("on", 0), ("", 1)):
        assert machine.run(action)[0] == wanted, action
    assert machine.orders() == []


def test_its_metadata_names_what_the_cluster_gives_it() -> None:
    said = subprocess.run((AGENT, "-o", "metadata"), capture_output=True, timeout=10, check=True).stdout
    root = etree.fromstring(said)
    assert {p.get("name") for p in root.iter("parameter")} >= {"drbd_resource", "minor", "head_start", "nodename"}
    assert {a.get("name") for a in root.iter("action")} >= {"off", "reboot", "monitor"}
    assert subprocess.run((AGENT,), input=b"action=metadata\n", capture_output=True, check=True).stdout == said
