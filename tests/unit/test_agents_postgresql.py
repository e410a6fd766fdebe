"""The agent of the server knows whether it runs and answers, and starts no data that was not recovered."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.agent_node import FAILED, MISCONFIGURED, NOT_INSTALLED, NOT_RUNNING, OK, World, world_in


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_in(tmp_path) as made:
        yield made


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
