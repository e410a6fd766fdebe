"""Every command that changes a running cluster, killed at three points of its way and run again, on real nodes.

The points are a quarter, half and three quarters of what the command takes there when nobody kills it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
from conftest_lab import PROGRAM, Bench, lab_of
from test_proofs import resize_disk

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1800)]
MIB = 1 << 20
Story = Callable[[Bench], tuple[str, ...]]
POINTS = (0.25, 0.5, 0.75)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """A small cluster with a row in it, and room to grow."""
    for found in lab_of("killed"):
        for node in ("node1", "node2"):
            resize_disk(found, node, 640 * MIB)
        found.run("bootstrap", "--yes", timeout=500)
        found.await_health()
        found.run("psql", "-c", "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('precious')")
        yield found


def kill_at(bench: Bench, seconds: float, *arguments: str) -> None:
    """Run a command and kill it after some seconds, unless it has ended by then."""
    process = subprocess.Popen(
        (str(PROGRAM), *arguments), cwd=bench.folder, env=bench.environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def switch_over(bench: Bench) -> tuple[str, ...]:
    return ("switchover", bench.standby, "--yes")


def empty(bench: Bench) -> tuple[str, ...]:
    """Put the node that serves into standby; the other one is back before."""
    for node in ("node1", "node2"):
        bench.run("unstandby", node)
    bench.await_health()
    return ("standby", bench.primary, "--yes")


def fill(bench: Bench) -> tuple[str, ...]:
    node = bench.standby if len(bench.status()["service"]["unpromoted_on"]) else _idle(bench)
    bench.run("standby", node, "--yes")
    return ("unstandby", node)


def _idle(bench: Bench) -> str:
    serves = bench.status()["service"]["promoted_on"]
    return "node2" if serves == "node1" else "node1"


def leave_alone(bench: Bench) -> tuple[str, ...]:
    bench.run("maintenance", "off", "--yes")
    return ("maintenance", "on", "--yes")


def care_again(bench: Bench) -> tuple[str, ...]:
    bench.run("maintenance", "on", "--yes")
    return ("maintenance", "off", "--yes")


def stop(bench: Bench) -> tuple[str, ...]:
    bench.run("start")
    bench.await_health()
    return ("stop", "--yes")


def start(bench: Bench) -> tuple[str, ...]:
    bench.run("stop", "--yes")
    return ("start",)


def compare(bench: Bench) -> tuple[str, ...]:
    return ("verify",)


def copy_all(bench: Bench) -> tuple[str, ...]:
    return ("resync", "--full", bench.standby, "--yes")


def grow(bench: Bench) -> tuple[str, ...]:
    size = int(bench.on("node1", "blockdev --getsize64 /dev/mapper/data"))
    for node in ("node1", "node2"):
        resize_disk(bench, node, size + 128 * MIB)
    return ("grow", "--yes")


def rotate(bench: Bench) -> tuple[str, ...]:
    return ("rotate-secrets", "corosync", "drbd", "postgresql", "--yes")


def apply(bench: Bench) -> tuple[str, ...]:
    """Have Corosync, PostgreSQL and the CIB change."""
    path = bench.folder / "cluster.yaml"
    text = path.read_text().partition("# changed\n")[0]
    value = 1500 + int(time.time()) % 400
    times = f"timeouts: {{token_ms: {value}, start_s: {value // 3}}}"  # another stop_s would restart the server
    path.write_text(f"{text}# changed\n{times}\npostgresql: {{parameters: {{work_mem: {value}kB}}}}\n")
    return ("apply", "--yes")


def fence_all(bench: Bench) -> tuple[str, ...]:
    return ("fence-test", "--yes")


# A resync and a rotation that were begun are named by the next run, whoever began them.
FINISH: dict[Story, tuple[str, ...]] = {copy_all: ("resync", "--yes"), rotate: ("rotate-secrets", "--yes")}
STORIES = (
    switch_over, compare, copy_all, grow, rotate, apply, leave_alone, care_again, stop, start, empty, fill, fence_all,
)  # fmt: skip


def finish(bench: Bench, story: Story, arguments: tuple[str, ...]) -> None:
    bench.run(*FINISH.get(story, arguments), timeout=1200)


@pytest.mark.parametrize("story", STORIES)
def test_a_command_killed_at_three_points_is_finished_by_the_next_run(bench: Bench, story: Story) -> None:
    arguments = story(bench)
    begin = time.monotonic()
    bench.run(*arguments, timeout=1200)
    took = time.monotonic() - begin
    for point in POINTS:
        arguments = story(bench)
        kill_at(bench, took * point, *arguments)
        finish(bench, story, arguments)
    restore(bench, story)
    found = bench.await_health()
    assert found["leftover_constraints"] == []
    assert "precious" in bench.run("psql", "-c", "TABLE kept").stdout


def restore(bench: Bench, story: Story) -> None:
    """Undo what a story leaves on purpose."""
    if story is leave_alone:
        bench.run("maintenance", "off", "--yes")
    if story is stop:
        bench.run("start")
    if story is empty:
        for node in ("node1", "node2"):
            bench.run("unstandby", node)
