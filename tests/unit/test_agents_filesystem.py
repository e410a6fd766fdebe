"""The agent of the file system mounts for writing, leaves alone what is mounted otherwise, and ends what keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.agent_node import FAILED, NOT_RUNNING, OK, World, world_in


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_in(tmp_path) as made:
        yield made


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
