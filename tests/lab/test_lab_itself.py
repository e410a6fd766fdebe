"""A lab starts quickly, cuts power for real, leaves nothing behind, and says what is in its way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest_lab import PROGRAM, Bench, lab_of, make_bench

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def lab() -> Iterator[Bench]:
    yield from lab_of("itself")


def processes_of(bench: Bench) -> list[str]:
    found = subprocess.run(["ps", "axww", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
    state = bench.environment["XDG_STATE_HOME"]
    return [line for line in found.splitlines() if state in line and "pcmk-ha lab" not in line]


def test_a_second_lab_of_the_same_name_is_refused(lab: Bench) -> None:
    done = lab.run("lab", "up", "--name", "itself", ok=(1,))
    assert "is up already" in done.stderr
    assert "lab down --name itself" in done.stderr


def test_another_lab_starts_beside_it_in_under_20_seconds(lab: Bench) -> None:
    other = make_bench("beside")
    begin = time.monotonic()
    try:
        other.run("lab", "up", "--name", "beside", "--hours", "1")
        assert time.monotonic() - begin < 20
        assert json.loads(other.lab("status", "--json"))["nodes"]["node1"]["power"] == "on"
        assert "10.77.0.11" in lab.on("node1", "ip -br addr")
    finally:
        other.run("lab", "down", "--name", "beside")
    assert processes_of(other) == []
    assert not Path("/run/netns/pcmk-beside").exists()


def test_the_plain_ssh_command_works_with_the_labs_config(lab: Bench) -> None:
    config = Path(lab.environment["XDG_STATE_HOME"]) / "pcmk-ha/labs/itself/ssh_config"
    done = subprocess.run(
        ["ssh", "-F", str(config), "node2", "uname", "-n"], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.strip() == "node2"


def test_the_stock_fence_agent_cuts_power_and_the_same_disk_boots_again(lab: Bench) -> None:
    lab.on("node1", "echo precious > /root/kept; sync")
    password = (Path(lab.environment["XDG_STATE_HOME"]) / "pcmk-ha/labs/itself/bmc.password").read_text().strip()
    agent = "printf 'ip=10.77.0.101\\nusername=admin\\npassword={}\\nlanplus=1\\naction={}\\n' | fence_ipmilan"
    lab.on("node2", agent.format(password, "off"))
    assert lab.lab("power", "status", "node1").strip() == "node1: power off"
    assert not [line for line in processes_of(lab) if "umid=node1" in line]
    lab.on("node2", agent.format(password, "on"))
    deadline = time.monotonic() + 60
    while "precious" not in lab.lab("ssh", "node1", "cat /root/kept", ok=(0, 1, 255)):
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_a_node_that_reboots_is_back_with_its_links_and_one_that_halts_stays_off(lab: Bench) -> None:
    boot = "cat /proc/sys/kernel/random/boot_id"
    before = lab.on("node1", boot)
    lab.on("node1", "systemctl reboot", ok=(0, 255))
    deadline = time.monotonic() + 60
    while (now := lab.lab("ssh", "node1", boot, ok=(0, 1, 255))) in ("", before):
        assert time.monotonic() < deadline, now
        time.sleep(0.5)
    assert "10.77.1.11" in lab.on("node1", "ip -br addr")
    lab.on("node1", "systemctl poweroff", ok=(0, 255))
    while "off" not in lab.lab("power", "status", "node1"):
        assert time.monotonic() < deadline + 30
        time.sleep(0.5)
    time.sleep(3)
    assert "node1: power off" in lab.lab("power", "status", "node1")
    lab.lab("power", "on", "node1")
    while "10.77.1.11" not in lab.lab("ssh", "node1", "ip -br addr", ok=(0, 1, 255)):
        assert time.monotonic() < deadline + 60
        time.sleep(0.5)


def test_a_frozen_node_hangs_and_goes_on(lab: Bench) -> None:
    lab.lab("freeze", "node2")
    assert json.loads(lab.lab("status", "--json"))["nodes"]["node2"]["frozen"]
    assert not lab.on("node1", "ping -c 1 -W 1 10.77.0.12 > /dev/null && echo answers || true")
    lab.lab("thaw", "node2")
    assert "answers" in lab.on("node1", "sleep 1; ping -c 1 -W 3 10.77.0.12 > /dev/null && echo answers")


def test_a_cut_link_is_cut_and_only_that_one(lab: Bench) -> None:
    lab.lab("link", "cut", "node2", "replication")
    ping = "ping -c 1 -W 1 {} > /dev/null && echo answers || echo silent"
    assert "silent" in lab.on("node1", ping.format("10.77.1.12"))
    assert "answers" in lab.on("node1", ping.format("10.77.0.12"))
    lab.lab("link", "heal", "node2", "replication")
    assert "answers" in lab.on("node1", "sleep 1; " + ping.format("10.77.1.12"))


def test_a_client_in_the_labs_network_reaches_the_nodes(lab: Bench) -> None:
    assert "1 received" in lab.lab("exec", "ping", "-c", "1", "10.77.0.11")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("power", "sideways", "node1"), "sideways: not a power state"),
        (("up", "--suite", "sarge"), "no such suite"),
        (("up", "--name", "a/b"), "not a lab's name"),
        (("link", "cut", "node9"), "node9: no such node in the lab itself"),
        (("status", "--name", "nowhere"), "there is no lab nowhere"),
    ],
)
def test_what_makes_no_sense_is_said(lab: Bench, arguments: tuple[str, ...], says: str) -> None:
    extra = () if "--name" in arguments or arguments[0] == "up" else ("--name", "itself")
    assert says in lab.run("lab", *arguments, *extra, ok=(1, 2)).stderr


@pytest.mark.parametrize(
    ("trouble", "mend", "says"),
    [("freeze", "thaw", "node2 did not answer SSH within 3 s"), ("power off", "power on", "node2 switched itself off")],
)
def test_a_node_that_does_not_come_up_is_shown_by_the_end_of_its_console(
    lab: Bench, trouble: str, mend: str, says: str
) -> None:
    script = (
        "from pcmk_ha.lab.lab import await_nodes, load_lab\n"
        "from pcmk_ha.errors import PcmkHaError\n"
        "try: await_nodes(load_lab('itself'), ['node2'], timeout_s=3)\n"
        "except PcmkHaError as error: print(error)"
    )
    lab.lab(*trouble.split(), "node2")
    try:
        argv = (str(PROGRAM.with_name("python")), "-c", script)
        done = subprocess.run(argv, env=lab.environment, capture_output=True, text=True, timeout=60, check=True)
    finally:
        lab.lab(*mend.split(), "node2")
    said, _, console = done.stdout.partition("; its console ends:\n")
    assert said == says
    assert "vec0" in console  # the kernel names its links
    assert "\x1b" not in console


def test_a_killed_supervisor_leaves_no_orphans_and_down_cleans_up() -> None:
    bench = make_bench("killed")
    bench.run("lab", "up", "--name", "killed", "--hours", "1")
    state = json.loads((Path(bench.environment["XDG_STATE_HOME"]) / "pcmk-ha/labs/killed/lab.json").read_text())
    assert len(processes_of(bench)) >= 5
    os.kill(state["supervisor"], signal.SIGKILL)
    deadline = time.monotonic() + 10
    while processes_of(bench):
        assert time.monotonic() < deadline, processes_of(bench)
        time.sleep(0.2)
    assert "was not taken down" in bench.run("lab", "up", "--name", "killed", ok=(1,)).stderr
    bench.run("lab", "down", "--name", "killed")
    assert not Path("/run/netns/pcmk-killed").exists()
    assert list((Path(bench.environment["XDG_STATE_HOME"]) / "pcmk-ha/labs").iterdir()) == []
