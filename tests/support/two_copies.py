"""Two copies of the data made of facts: DRBD 8.4 as /proc/drbd tells it, and the programs that change it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from support.told import Killed, crm_mon, nodes_section, placed, proc_drbd

from pcmk_ha.errors import CommandFailed
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.remote.runner import Outcome

STEP_KIB = 40  # copied or compared between two looks
MIB, GIB = 1 << 20, 1 << 30


@dataclass
class Copies84:
    """Both sides; node1 serves. Time passes with each look into /proc/drbd."""

    cluster: Cluster
    marked: int = 0  # KiB
    link: str = "Connected"  # Connected, StandAlone (of the secondary), WFConnection, Sync, Verify
    left: int = 0
    hidden: int = 0  # KiB that differ and no comparison has found yet
    ignores_marks: bool = False  # DRBD: "No resync, but 3 bits in bitmap!"
    roles: dict[str, str] = field(default_factory=lambda: {"node1": "Primary", "node2": "Secondary"})
    disks: dict[str, str] = field(default_factory=lambda: {"node1": "UpToDate", "node2": "UpToDate"})
    serves: str = "node1"
    unit: dict[str, str] = field(
        default_factory=lambda: {"LoadState": "loaded", "ActiveState": "inactive", "Result": "success"}
    )
    records: dict[tuple[str, str], str] = field(default_factory=dict)
    backing: dict[str, int] = field(default_factory=lambda: {"node1": 2 * GIB, "node2": 2 * GIB})
    device: int = 2 * GIB - 100 * 1024
    filesystem: int = 2 * GIB - 100 * 1024
    ran: list[str] = field(default_factory=list)
    kill_at: int | None = None
    killed: bool = False

    def nodes(self) -> Mapping[str, CopyNode]:
        return {name: CopyNode(name, self) for name in self.roles}

    def proc(self, node: str) -> str:
        """Return what the kernel prints on a node, and let a moment pass."""
        other = "node2" if node == "node1" else "node1"
        if self.link in ("Sync", "Verify"):
            self.left = max(0, self.left - STEP_KIB)
            if self.left == 0:
                self._end()
        state = {
            "Connected": "Connected",
            "WFConnection": "WFConnection",
            "StandAlone": "StandAlone" if node == "node2" else "WFConnection",
            "Sync": "SyncSource" if node == "node1" else "SyncTarget",
            "Verify": "VerifyS" if node == "node1" else "VerifyT",
        }[self.link]
        away = self.link in ("StandAlone", "WFConnection")
        peer_role, peer_disk = ("Unknown", "DUnknown") if away else (self.roles[other], self.disks[other])
        oos = self.left if self.link == "Sync" else self.marked
        disks = f"{self.disks[node]}/{peer_disk}"
        text = proc_drbd(state, f"{self.roles[node]}/{peer_role}", disks, out_of_sync=oos)
        if self.link in ("Sync", "Verify"):
            word = "sync'ed" if self.link == "Sync" else "verified"
            text += f"\t[==>.................] {word}: 18.4% ({self.left}/1031732)K\n"
            text += "\tfinish: 0:01:08 speed: 94,620 (94,620) want: 95,040 K/sec\n"
        return text

    def _end(self) -> None:
        if self.link == "Verify":
            self.marked, self.hidden = self.marked + self.hidden, 0
            self.unit |= {"ActiveState": "inactive", "Result": "success"}
            self.records["node1", "pcmk-ha-verified"] = f"2026-11-24T13:00:00Z {self.marked}"
        else:
            self.disks["node2"] = "UpToDate"
            self.marked = 0
        self.link = "Connected"

    def sync(self, kib: int) -> None:
        self.link, self.left = "Sync", kib
        self.disks["node2"] = "Inconsistent"


@dataclass
class CopyNode:
    """One of the two nodes."""

    node: str
    world: Copies84
    sudo: tuple[str, ...] = ()

    def close(self) -> None:
        """End it."""

    def read(self, path: str) -> str | None:
        return None

    def put(self, path: str, content: str, *, mode: int = 0o644, owner: str = "root:root") -> None:
        raise AssertionError(path)

    def run(
        self, argv: Sequence[str], *, stdin: str | None = None, timeout: float = 30,
        ok: Collection[int] | None = (0,),
    ) -> Outcome:  # fmt: skip
        if self.world.killed:
            raise Killed
        status, text = self._answer(tuple(argv))
        if argv[0] not in ("cat", "crm_mon", "systemctl", "blockdev", "dumpe2fs", "cibadmin"):
            self.world.ran.append(f"{self.node}: {' '.join(argv)}")
        if self.world.kill_at is not None:
            self.world.kill_at -= 1
            if self.world.kill_at < 0:
                self.world.killed = True
                raise Killed
        if ok is not None and status not in ok:
            raise CommandFailed(f"{self.node}: {argv} ended with {status}")
        return Outcome(tuple(argv), status, text, "")

    def _answer(self, argv: tuple[str, ...]) -> tuple[int, str]:  # noqa: C901, PLR0911, PLR0912  one case for each program
        world = self.world
        match argv:
            case ("cat", "/proc/drbd"):
                return 0, world.proc(self.node)
            case ("crm_mon", *_):
                return 0, self._crm_mon()
            case ("drbdadm", "disconnect", _):
                assert (self.node, world.link) == ("node2", "Connected"), "the primary is never disconnected"
                world.link, world.disks["node2"] = "StandAlone", "Outdated"
            case ("drbdadm", "connect", _):
                assert (self.node, world.link) == ("node2", "StandAlone")
                if world.ignores_marks:
                    world.link, world.disks["node2"] = "Connected", "UpToDate"
                else:
                    world.sync(world.marked + 8)
            case ("drbdadm", "invalidate", _):
                assert self.node == "node2", "the primary's data would be lost"
                world.sync(400)
            case ("drbdadm", *options, "resize", _):
                assert world.link == "Connected"
                room = min(size - 100 * 1024 for size in world.backing.values())
                if room > world.device:
                    if not options:
                        world.sync((room - world.device) // MIB)
                    world.device = room
            case ("resize2fs", "/dev/drbd0"):
                assert self.node == world.serves
                world.filesystem = world.device
            case ("blockdev", "--getsize64", path):
                return 0, f"{world.device if path == '/dev/drbd0' else world.backing[self.node]}\n"
            case ("dumpe2fs", "-h", _):
                return 0, f"Block count:              {world.filesystem // 4096}\nBlock size:               4096\n"
            case ("systemctl", "show", *_):
                return 0, "".join(f"{name}={value}\n" for name, value in world.unit.items())
            case ("systemctl", "start", "--no-block", _):
                assert self.node == world.serves
                if world.link != "Verify":
                    world.link, world.left = "Verify", 200
                world.unit["ActiveState"] = "activating"
            case ("systemctl", "reset-failed", _):
                pass
            case ("journalctl", *_):
                return 0, "pgdata: the comparison did not come to its end: WFConnection 0 UpToDate/DUnknown\n"
            case ("cibadmin", "--query", "--scope", "nodes"):
                return 0, nodes_section(world.roles, world.records)
            case ("crm_attribute", "--node", node, "--name", name, "--update", value):
                world.records[node, name] = value
            case _:
                raise KeyError(argv)
        return 0, ""

    def _crm_mon(self) -> str:
        serves = self.world.serves
        roles = (("drbd_pgdata", "Promoted"), ("pg_server", "Started"), ("pg_vip", "Started"))
        return crm_mon("node1", "", "".join(placed(name, role, serves) for name, role in roles if serves))
