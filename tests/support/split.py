"""Two sides of a split brain made of facts: who may meet whom by DRBD's rules, and real files for what is saved."""

from __future__ import annotations

import importlib.util
import io
import sys
import threading
from collections.abc import Collection, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.told import Killed, crm_mon, placed, proc_drbd

from pcmk_ha.assets import find_folder
from pcmk_ha.errors import CommandFailed
from pcmk_ha.facts.bitmap import BLOCK, Extent
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.members import Members
from pcmk_ha.remote.runner import Outcome

DEVICE = 1 << 20  # bytes
PATH = find_folder("templates") / "on-node/saved_blocks.py"
SPEC = importlib.util.spec_from_file_location("saved_blocks", PATH)
assert SPEC is not None
assert SPEC.loader is not None
PROGRAM = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(PROGRAM)
ONE_AT_A_TIME = threading.Lock()  # both nodes are asked at once, and there is one standard output
STEP_KIB = 40  # copied between two looks
PARTED = 0xAAAA0000AAAA0000


def run_program(arguments: Sequence[str], stdin: str) -> tuple[int, str]:
    """Run the very program that is sent to nodes, in this process."""
    out, (verb, *rest) = io.StringIO(), arguments
    with ONE_AT_A_TIME, redirect_stdout(out), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.StringIO(stdin))
        try:
            {"list": PROGRAM.list_saved, "save": PROGRAM.save, "check": PROGRAM.check}[verb](*rest)
        except SystemExit as end:
            return 1, str(end.code)
    return 0, out.getvalue()


@dataclass
class Half:
    """One side."""

    current: int
    role: str = "Secondary"
    disk: str = "UpToDate"
    link: str = "StandAlone"
    bitmap: int = PARTED
    history: tuple[int, int] = (0, 0)
    marked: tuple[Extent, ...] = ()
    mounted: str = ""
    offers: bool = False  # connects, and gives up its data

    @property
    def kib(self) -> int:
        return sum(extent.count for extent in self.marked) * BLOCK // 1024


@dataclass
class Split:
    """Both sides; node1 serves. Time passes with each look into /proc/drbd."""

    cluster: Cluster
    folder: Path  # of node2's disk, and of what is saved
    sides: dict[str, Half] = field(
        default_factory=lambda: {
            "node1": Half(0x1111000011110000, role="Primary", mounted="/srv/pgdata", marked=(Extent(3, 20),)),
            "node2": Half(0x2222000022220000, marked=(Extent(20, 10), Extent(200, 5))),
        }
    )
    serves: str = "node1"
    left: int = 0  # KiB to be copied
    link_is_up: bool = True
    down: dict[str, str] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    kill_at: int | None = None
    killed: bool = False

    def __post_init__(self) -> None:
        if not self.disk.exists():
            self.disk.write_bytes(b"".join(bytes([number % 251]) * BLOCK for number in range(DEVICE // BLOCK)))

    @property
    def disk(self) -> Path:
        return self.folder / "disk"

    @property
    def directory(self) -> str:
        return str(self.folder / "saved")

    def members(self) -> Members:
        return Members(self.cluster, {n: SplitNode(n, self) for n in self.sides if n not in self.down}, self.down)

    def meet(self) -> None:
        """Let both sides shake hands, where both want to and can."""
        one, two = self.sides.values()
        if not (self.link_is_up and one.link == two.link == "WFConnection"):
            return
        if not (one.offers or two.offers):
            one.link = two.link = "StandAlone"
            return
        lost, kept = (one, two) if one.offers else (two, one)
        assert lost.role == "Secondary", "DRBD: incompatible discard-my-data settings"
        self.left = lost.kib + kept.kib
        lost.link, kept.link, lost.disk = "SyncTarget", "SyncSource", "Inconsistent"

    def proc(self, node: str) -> str:
        """Return what the kernel prints on a node, and let a moment pass."""
        self.meet()
        side = self.sides[node]
        other = next(half for name, half in self.sides.items() if name != node)
        if side.link.startswith("Sync"):
            self.left = max(0, self.left - STEP_KIB)
            if not self.left:
                self._end()
        is_met = side.link not in ("StandAlone", "WFConnection")
        peer = (other.role, other.disk) if is_met else ("Unknown", "DUnknown")
        oos = self.left if side.link.startswith("Sync") else side.kib
        return proc_drbd(side.link, f"{side.role}/{peer[0]}", f"{side.disk}/{peer[1]}", out_of_sync=oos)

    def _end(self) -> None:
        kept = next(half for half in self.sides.values() if half.link == "SyncSource")
        for half in self.sides.values():
            half.link, half.disk, half.marked, half.offers = "Connected", "UpToDate", (), False
            half.current, half.bitmap = kept.current, 0


def dump(side: Half) -> str:
    """Return a dump of the metadata, as drbdmeta writes it."""
    bits = sum(((1 << extent.count) - 1) << extent.first for extent in side.marked)
    words = [f"0x{bits >> (64 * n) & (1 << 64) - 1:016X};" for n in range(DEVICE // BLOCK // 64)]
    return f'version "v08";\nla-size-sect {DEVICE // 512};\nbm {{\n   # at 0kB\n    {" ".join(words)}\n}}\n'


@dataclass
class SplitNode:
    """One of the two nodes."""

    node: str
    world: Split
    sudo: tuple[str, ...] = ()

    @property
    def side(self) -> Half:
        return self.world.sides[self.node]

    def close(self) -> None:
        """End it."""

    def read(self, path: str) -> str | None:
        return None

    def put(self, path: str, content: str, *, mode: int = 0o644, owner: str = "root:root") -> None:
        self._count(f"put {Path(path).name}")
        Path(path).write_text(content)
        self._end()

    def run(
        self, argv: Sequence[str], *, stdin: str | None = None, timeout: float = 30, ok: Collection[int] | None = (0,)
    ) -> Outcome:
        self._count(" ".join(argv))
        status, text = self._answer(tuple(argv), stdin or "")
        self._end()
        if ok is not None and status not in ok:
            raise CommandFailed(f"{self.node}: {argv} ended with {status}: {text}")
        return Outcome(tuple(argv), status, text, "")

    def _count(self, command: str) -> None:
        if self.world.killed:
            raise Killed
        if command.startswith(("drbdadm disc", "drbdadm sec", "drbdadm conn", "put")) or " save " in command:
            self.world.ran.append(f"{self.node}: {command}")

    def _end(self) -> None:
        """End the program after a command: it was done, and nobody heard of it."""
        if self.world.kill_at is not None:
            self.world.kill_at -= 1
            if self.world.kill_at < 0:
                self.world.killed = True
                raise Killed

    def _answer(self, argv: tuple[str, ...], stdin: str) -> tuple[int, str]:  # noqa: C901, PLR0911, PLR0912  one case for each program
        side = self.side
        match argv:
            case ("cat", "/proc/drbd"):
                return 0, self.world.proc(self.node)
            case ("crm_mon", *_):
                return 0, self._crm_mon()
            case ("findmnt", *_):
                return (0, f"{side.mounted}\n") if side.mounted else (1, "")
            case ("sh", "-c", _, "ready", _):
                return (0 if side.mounted else 2), ""
            case ("drbdadm", "get-gi", _):
                current = side.current | (side.role == "Primary")
                past = ":".join(f"{old:016X}" for old in (side.bitmap, *side.history))
                return 0, f"{current:016X}:{past}:1:1:0:1\n"
            case ("drbdadm", "disconnect", _):
                side.link, side.offers = "StandAlone", False
            case ("drbdadm", "secondary", _):
                assert not side.mounted
                side.role = "Secondary"
            case ("drbdadm", "connect", *options, _):
                if side.link != "StandAlone":
                    return 10, "is already connected"
                side.link, side.offers = "WFConnection", options == ["--discard-my-data"]
            case ("drbdmeta", "--force", *_, "dump-md"):
                return 0, dump(side)
            case ("install", "-d", "-m", "0700", path):
                Path(path).mkdir(parents=True, exist_ok=True)
            case ("sh", "-c", _, "free", _):
                return 0, f"{1 << 40}\n"
            case ("python3", *arguments):
                assert self.node != "node1" or "list" in arguments, "nothing is saved on the side that is kept"
                return self._python(arguments, stdin)
            case _:
                raise KeyError(argv)
        return 0, ""

    def _python(self, arguments: Sequence[str], stdin: str) -> tuple[int, str]:
        """Run the program itself; node1 has another folder, and nothing in it."""
        own = [a.replace(self.world.directory, f"{self.world.directory}-{self.node}") if self.node == "node1" else a
               for a in arguments]  # fmt: skip
        own = [str(self.world.disk) if a == "/dev/sdb" else a for a in own]
        return run_program(own[1:], stdin)

    def _crm_mon(self) -> str:
        serves = self.world.serves
        roles = (("drbd_pgdata", "Promoted"), ("pg_server", "Started"), ("pg_vip", "Started"))
        return crm_mon("node1", "", "".join(placed(name, role, serves) for name, role in roles if serves))


def saved_blocks(world: Split) -> Mapping[int, bytes]:
    """Return what was saved, put back into an empty image, by block."""
    (folder,) = Path(world.directory).iterdir()
    image = world.folder / "image"
    image.write_bytes(bytes(DEVICE))
    PROGRAM.put_back(str(folder), str(image))
    data = image.read_bytes()
    pieces = {number: data[number * BLOCK : (number + 1) * BLOCK] for number in range(DEVICE // BLOCK)}
    return {number: piece for number, piece in pieces.items() if any(piece)}
