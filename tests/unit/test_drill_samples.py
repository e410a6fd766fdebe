"""A watched node's words are put where they belong, whatever holds them up and whatever is done to its clock."""

from __future__ import annotations

import subprocess
from ipaddress import IPv6Address
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
10: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----
"""
UNIX = """Num       RefCount Protocol Flags    Type St Inode Path
0000: 00000002 00000000 00010000 0001 01 1 /run/postgresql/.s.PGSQL.{port}
0001: 00000003 00000000 00000000 0001 03 2 /run/postgresql/.s.PGSQL.5432
"""


# Whom the node has a route to is no address of its own.
FIB_TRIE = """Local:
  +-- 0.0.0.0/1 2 0 2
        +-- 192.0.2.0/28 2 0 2
           |-- 192.0.2.0
              /24 link UNICAST
           |-- 192.0.2.100
              /32 link UNICAST
           |-- {address}
              /32 host LOCAL
        |-- 192.0.2.255
           /32 link BROADCAST
"""


@pytest.mark.parametrize(
    ("node", "seen"),
    [
        (("Primary", "/dev/drbd0 /srv/pgdata", "192.0.2.100", "5432"), "Primary mounted VIP PostgreSQL"),
        (("Secondary", "/dev/sda /srv/pgdata", "192.0.2.10", "5433"), ""),
    ],
)
def test_the_watchers_script_sees_what_a_node_has(
    minimal: Cluster, tmp_path: Path, node: tuple[str, str, str, str], seen: str
) -> None:
    """The real script with real bash, on files in the form the kernel gives them."""
    role, mounts, address, port = node
    for name, text in {
        "drbd": PROC_DRBD.format(role=role), "mounts": f"{mounts} ext4 rw 0 0\n", "unix": UNIX.format(port=port),
        "boot_id": "b-1\n", "uptime": "12.34 5.67\n", "fib_trie": FIB_TRIE.format(address=address),
    }.items():  # fmt: skip
        (tmp_path / name).write_text(text)
    script = watch_script(minimal)
    for name, path in {"drbd": "/proc/drbd", "mounts": "/proc/mounts", "uptime": "/proc/uptime",
                       "unix": "/proc/net/unix", "fib_trie": "/proc/net/fib_trie",
                       "boot_id": "/proc/sys/kernel/random/boot_id"}.items():  # fmt: skip
        script = script.replace(path, f"{tmp_path}/{name}")
    # Without a PATH: it starts no program.
    process = subprocess.Popen(
        ["/bin/bash", "-s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PATH": ""}
    )
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


@pytest.mark.parametrize(("listed", "seen"), [("20010db8000000000000000000000100", True), ("fe80" + 28 * "0", False)])
def test_the_watchers_script_finds_an_ipv6_address_in_the_kernels_list(
    minimal: Cluster, tmp_path: Path, listed: str, seen: bool
) -> None:
    vip = minimal.vip.model_copy(update={"address": IPv6Address("2001:db8::100")})
    (tmp_path / "if_inet6").write_text(f"{listed} 02 40 00 80     eth0\n")
    script = watch_script(minimal.model_copy(update={"vip": vip})).replace("/proc/net/if_inet6", f"{tmp_path}/if_inet6")
    functions = script.partition("while :; do")[0]
    done = subprocess.run(["/bin/bash", "-c", f"{functions}\nis_here"], check=False)
    assert (done.returncode == 0) == seen
