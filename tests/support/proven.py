"""A cluster made of facts, for tests of what fences nodes: it answers as a real one and notes what is unsafe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from support.proven_node import WorldNode
from support.told import Killed, crm_mon, nodes_section, placed, proc_drbd

from pcmk_ha.errors import NodeUnreachable
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.look.status import Status, gather, summarise
from pcmk_ha.operate.members import Members

T0 = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
BOOTS_AFTER, JOINS_AFTER, MOVES_AFTER = 4, 7, 3  # looks and commands


@dataclass
class Life:
    """A node's power: since when it is off, in looks and commands."""

    boot: int = 1
    off_at: int | None = None


@dataclass
class FencedWorld:
    """The whole cluster; time passes with each look and each command."""

    cluster: Cluster
    promoted: str = "node1"
    now: int = 0
    kill_at: int | None = None
    killed: bool = False
    starts_alone: bool = True  # a fenced node is switched on by its fencing
    mute: str = ""  # a node whose device does not answer
    moving_to: str = ""
    moved_at: int = 0
    preferred: str = ""  # by our constraint
    checkpoints: list[str] = field(default_factory=list)
    lives: dict[str, Life] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)
    records: dict[str, str] = field(default_factory=dict)
    fenced: list[str] = field(default_factory=list)
    outages: int = 0  # fencings of the node that served
    broken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lives = {node.name: Life() for node in self.cluster.members}

    def pass_time(self) -> None:
        self.now += 1
        if self.moving_to and self.now >= self.moved_at + MOVES_AFTER:
            self.promoted, self.moving_to = self.moving_to, ""

    def _age(self, node: str) -> int | None:
        off_at = self.lives[node].off_at
        return None if off_at is None else self.now - off_at

    def answers(self, node: str) -> bool:
        age = self._age(node)
        return age is None or (age >= BOOTS_AFTER and self.lives[node].boot > 0)

    def is_mute(self, orders: str) -> bool:
        """Whether an agent with these orders asks the device that does not answer."""
        (device,) = (node.fence_devices[0] for node in self.cluster.members if node.name == (self.mute or "node1"))
        return bool(self.mute) and f"ip={device.parameters['ip']}" in orders.splitlines()

    def is_member(self, node: str) -> bool:
        age = self._age(node)
        return age is None or age >= JOINS_AFTER

    def connect(self, node: str) -> WorldNode:
        self._alive()
        self.pass_time()
        if not self.answers(node):
            raise NodeUnreachable(f"{node}: no answer")
        return WorldNode(node, self)

    def _alive(self) -> None:
        if self.killed:
            raise Killed

    def count(self) -> None:
        """Let the program be killed after its nth command."""
        if self.kill_at is not None:
            self.kill_at -= 1
            if self.kill_at < 0:
                self.killed = True
                raise Killed

    def fence(self, node: str, *, client: str = "(null).pcmk-ha-fence-test.77") -> None:
        away = [name for name in self.lives if not self.is_member(name)]
        if away:
            self.broken.append(f"{node} fenced while {away} were away")
        if node == self.promoted:
            self.outages += 1
            self.promoted = next(n.name for n in self.cluster.nodes if n.name != node)
        if self.moving_to:
            self.broken.append(f"{node} fenced in the middle of a move")
        self.fenced.append(node)
        self.lives[node] = Life(self.lives[node].boot + 1, self.now if self.starts_alone else self.now + 10**9)
        at = (T0 + timedelta(seconds=self.now)).strftime("%Y-%m-%d %H:%M:%S")
        self.history.insert(
            0,
            f'<fence_event action="reboot" target="{node}" client="{client}" origin="x" status="success" '
            f'delegate="x" completed="{at}.000001Z"/>',
        )

    def stop(self, node: str) -> None:
        """End the cluster there; what starts it again comes at once."""
        if node == self.promoted:
            self.broken.append(f"{node} stopped while it served")
        self.lives[node] = Life(self.lives[node].boot, self.now - BOOTS_AFTER)

    def switch_on(self, node: str) -> None:
        self.lives[node].off_at = self.now

    def crm_mon(self, *, lost: str = "", serving: str = "") -> str:
        online = [name for name in self.lives if self.is_member(name) and name != lost]
        stays = self.promoted != lost
        promoted = self.promoted if stays else next(n.name for n in self.cluster.nodes if n.name != lost)
        serving = serving or ("" if self.moving_to else promoted)
        nodes = "".join(
            f'<node name="{name}" online="{str(name in online).lower()}" standby="false" maintenance="false" '
            'pending="false" unclean="false"/>'
            for name in self.lives
        )
        devices = (placed(f"fence_{name}", "Started", online[0], "stonith:fence_ipmilan") for name in self.lives)
        copies = (
            placed(self.cluster.drbd_id, "Promoted" if n.name == serving else "Unpromoted", n.name, "ocf:linbit:drbd")
            for n in self.cluster.nodes
            if n.name in online
        )
        rest = (placed(name, "Started", serving) for name in ("pg_server", "pg_vip") if serving)
        history = f"<fence_history>{''.join(self.history)}</fence_history>"
        return crm_mon(online[0], nodes, "".join((*devices, *copies, *rest)), history)

    def attributes(self) -> str:
        return nodes_section(self.lives, {(name, "pcmk-ha-fenced"): value for name, value in self.records.items()})

    def constraints(self) -> str:
        """Return ours, which prefers a node, where it is."""
        ours = (
            f'<rsc_location id="pcmk-ha-switchover" rsc="{self.cluster.drbd_id}-clone"><rule>'
            f'<expression attribute="#uname" value="{self.preferred}"/></rule></rsc_location>'
        )
        return f"<constraints>{ours if self.preferred else ''}</constraints>"

    def drbd(self, node: str) -> str:
        """Return what a data node's kernel says."""
        role = "Primary" if node == self.promoted else "Secondary"
        if all(self.is_member(data_node.name) for data_node in self.cluster.nodes):
            return proc_drbd("Connected", f"{role}/x", "UpToDate/UpToDate")
        return proc_drbd("WFConnection", f"{role}/Unknown", "UpToDate/Outdated")

    def look(self) -> Status:
        self._alive()
        self.pass_time()
        members = self.reach()
        return summarise(self.cluster, gather(self.cluster, members.nodes), members.down)

    def reach(self) -> Members:
        """Open a connection to whoever answers."""
        nodes = {name: WorldNode(name, self) for name in self.lives if self.answers(name)}
        return Members(self.cluster, nodes, {name: "no answer" for name in self.lives if name not in nodes})

    @contextmanager
    def reached(self) -> Iterator[Members]:
        """Open them for a while."""
        self._alive()
        self.pass_time()
        yield self.reach()
