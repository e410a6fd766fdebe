"""A watched node's words are put where they belong, whatever holds them up and whatever is done to its clock."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pcmk_ha.drill.samples import Heard, boot_times, parse_heard, place_samples, watch_script
from pcmk_ha.model.cluster import Cluster


def heard(uptime: float, came: float, *, boot: str = "b1", has: str = "") -> Heard:
    return Heard("node1", boot, uptime, frozenset(has.split()), came)


def test_lines_that_come_at_once_are_taken_when_they_came() -> None:
    placed = list(place_samples([heard(10.0, 100.0), heard(10.2, 100.2), heard(10.4, 100.4)]))
    assert [s.at for s in placed] == pytest.approx([100.0, 100.2, 100.4])


def test_lines_held_up_on_their_way_are_put_back() -> None:
    """The network hung for five seconds: the first three came all at once with the fourth."""
    lines = [heard(10.0, 105.0), heard(11.0, 105.0), heard(12.0, 105.0), heard(15.0, 105.0)]
    assert [s.at for s in place_samples(lines)] == pytest.approx([100.0, 101.0, 102.0, 105.0])


def test_a_node_whose_own_time_stood_still_is_not_dated_back() -> None:
    """Frozen for 20 s with its clock: the look before was taken when it came, not 20 s later."""
    lines = [heard(10.0, 100.0, has="Primary"), heard(10.2, 120.2, has="Primary")]
    assert [s.at for s in place_samples(lines)] == pytest.approx([100.0, 120.2])


def test_the_next_life_of_a_node_says_nothing_about_the_last_one() -> None:
    lines = [heard(500.0, 100.0), heard(3.0, 130.0, boot="b2"), heard(3.2, 130.2, boot="b2")]
    assert [(s.boot, s.at) for s in place_samples(lines)] == [("b1", 100.0), ("b2", 130.0), ("b2", 130.2)]
    pairs = list(zip(lines, place_samples(lines), strict=True))
    assert boot_times(pairs) == pytest.approx({"b1": -400.0, "b2": 127.0})


@pytest.mark.parametrize("line", ["", "b1", "b1 12.", "b1 1e Primary"])
def test_a_line_cut_short_is_passed_over(line: str) -> None:
    found = parse_heard("node1", line, 1.0)
    assert found is None or found.uptime == 12.0


PROC_DRBD = """version: 8.4.11 (api:1/proto:86-101)
srcversion: 1234
 0: cs:Connected ro:{role}/Secondary ds:UpToDate/UpToDate C r-----
    ns:0 nr:0 dw:0 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0
"""
UNIX = """Num       RefCount Protocol Flags    Type St Inode Path
0000: 00000002 00000000 00010000 0001 01 1 /run/postgresql/.s.PGSQL.{port}
0001: 00000003 00000000 00000000 0001 03 2 /run/postgresql/.s.PGSQL.5432
"""


@pytest.mark.parametrize(
    ("node", "seen"),
    [
        (("Primary", "/dev/drbd0 /srv/pgdata", "192.0.2.100/24", "5432"), "Primary mounted VIP PostgreSQL"),
        (("Secondary", "/dev/sda /srv/pgdata", "192.0.2.10/24", "5433"), ""),
    ],
)
def test_the_watchers_script_sees_what_a_node_has(
    minimal: Cluster, tmp_path: Path, node: tuple[str, str, str, str], seen: str
) -> None:
    """The real script with real bash, on files in the form the kernel gives them."""
    role, mounts, address, port = node
    for name, text in {
        "drbd": PROC_DRBD.format(role=role), "mounts": f"{mounts} ext4 rw 0 0\n", "unix": UNIX.format(port=port),
        "boot_id": "b-1\n", "uptime": "12.34 5.67\n",
    }.items():  # fmt: skip
        (tmp_path / name).write_text(text)
    tool = tmp_path / "ip"
    tool.write_text(f"#!/bin/sh\necho '2: eth0    inet {address} brd 192.0.2.255 scope global eth0'\n")
    tool.chmod(0o755)
    script = watch_script(minimal).replace("/proc/net/unix", f"{tmp_path}/unix")
    for name, path in {"drbd": "/proc/drbd", "mounts": "/proc/mounts", "uptime": "/proc/uptime",
                       "boot_id": "/proc/sys/kernel/random/boot_id"}.items():  # fmt: skip
        script = script.replace(path, f"{tmp_path}/{name}")
    process = subprocess.Popen(
        ["bash", "-s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(script)
    process.stdin.close()
    try:
        lines = [process.stdout.readline().strip() for _look in range(2)]
    finally:
        process.kill()
        process.wait()
    assert lines == [f"b-1 12.34 {seen}".strip()] * 2
