"""A cluster made of facts, for tests of what fences nodes: it answers as a real one and notes what is unsafe."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pcmk_ha.errors import CommandFailed, NodeUnreachable
from pcmk_ha.facts.corosync import Quorum
from pcmk_ha.facts.drbd import DrbdState
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.foresee import MARK
from pcmk_ha.operate.status import MemberFacts, Status, summarise
from pcmk_ha.remote.runner import Outcome

T0 = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
BOOTS_AFTER, JOINS_AFTER, MOVES_AFTER = 4, 7, 3  # looks and commands


class Killed(BaseException):
    """The program is killed; nothing it would have done on its way out happens."""


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
    mute: str = ""  # a device that does not answer
    moving_to: str = ""
    moved_at: int = 0
    constraint: bool = False
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

    def fence(self, node: str, *, client: str = "pcmk-ha-fence-test.77") -> None:
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

    def switch_on(self, node: str) -> None:
        self.lives[node].off_at = self.now

    def crm_mon(self, *, lost: str = "") -> str:
        online = [name for name in self.lives if self.is_member(name) and name != lost]
        promoted = (
            self.promoted if self.promoted != lost else next(n.name for n in self.cluster.nodes if n.name != lost)
        )
        serving = "" if self.moving_to else promoted
        nodes = "".join(
            f'<node name="{name}" online="{str(name in online).lower()}" standby="false" maintenance="false" '
            'pending="false" unclean="false"/>'
            for name in self.lives
        )
        devices = "".join(
            _resource(f"fence_{name}", "stonith:fence_ipmilan", "Started", online[0]) for name in self.lives
        )
        drbd = "".join(
            _resource(
                self.cluster.drbd_id, "ocf:linbit:drbd", "Promoted" if n.name == serving else "Unpromoted", n.name
            )
            for n in self.cluster.nodes
            if n.name in online
        )
        rest = "".join(_resource(name, "ocf:x:y", "Started", serving) for name in ("pg_server", "pg_vip") if serving)
        return (
            f'<pacemaker-result><summary><current_dc present="true" name="{online[0]}" with_quorum="true"/></summary>'
            f"<nodes>{nodes}</nodes><resources>{devices}{drbd}{rest}</resources>"
            f"<fence_history>{''.join(self.history)}</fence_history></pacemaker-result>"
        )

    def nodes_section(self) -> str:
        pairs = {name: f'<nvpair name="pcmk-ha-fenced" value="{value}"/>' for name, value in self.records.items()}
        nodes = (
            f'<node uname="{n}"><instance_attributes>{pairs.get(n, "")}</instance_attributes></node>'
            for n in self.lives
        )
        return f"<nodes>{''.join(nodes)}</nodes>"

    def look(self) -> Status:
        self._alive()
        self.pass_time()
        both = all(self.is_member(node.name) for node in self.cluster.nodes)
        clone = f"{self.cluster.drbd_id}-clone"
        left = f'<rsc_location id="cli-prefer-{clone}" rsc="{clone}"/>' if self.constraint else ""
        members = {}
        for name in self.lives:
            if not self.answers(name):
                continue
            role = "Primary" if name == self.promoted else "Secondary"
            drbd = DrbdState(role, "UpToDate", *(("Connected", "UpToDate") if both else ("WFConnection", "Outdated")))
            data = name in [node.name for node in self.cluster.nodes]
            members[name] = MemberFacts(
                crm_mon=self.crm_mon() if self.is_member(name) else "",
                constraints=f"<constraints>{left}</constraints>",
                attributes=self.nodes_section(),
                quorum=Quorum(quorate=True, votes=2, expected=2, flags=()) if self.is_member(name) else None,
                drbd=drbd if data else None,
                answers=name == self.promoted,
            )
        silent = {name: "no answer" for name in self.lives if name not in members}
        return summarise(self.cluster, members, silent)


def _resource(ident: str, agent: str, role: str, node: str) -> str:
    return (
        f'<resource id="{ident}" resource_agent="{agent}" role="{role}" failed="false"><node name="{node}"/></resource>'
    )


@dataclass
class WorldNode:
    """A connection to one node of the world."""

    node: str
    world: FencedWorld
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
        self.world.pass_time()
        if not self.world.answers(self.node):
            raise NodeUnreachable(f"{self.node}: no answer")
        status, text = self._answer(tuple(argv))
        self.world.count()
        if ok is not None and status not in ok:
            raise CommandFailed(f"{self.node}: {argv} ended with {status}")
        return Outcome(tuple(argv), status, text, "no answer" if status else "")

    def _answer(self, argv: tuple[str, ...]) -> tuple[int, str]:  # noqa: C901, PLR0911  one case for each program
        world = self.world
        match argv:
            case ("crm_mon", *_):
                return 0, world.crm_mon()
            case ("sh", "-c", _script, "simulate", "--node-fail", target):
                return 0, MARK + MARK + world.crm_mon(lost=target)
            case ("drbdadm", "dstate", _resource):
                both = all(world.is_member(node.name) for node in world.cluster.nodes)
                return 0, "UpToDate/UpToDate" if both else "UpToDate/Outdated"
            case ("cat", "/proc/sys/kernel/random/boot_id"):
                return 0, f"{self.node}-{world.lives[self.node].boot}\n"
            case ("stonith_admin", "--query", device, _timeout):
                return (1, "") if device == world.mute else (0, "")
            case ("stonith_admin", "--history", *_):
                return 0, f"<pacemaker-result>{''.join(world.history)}</pacemaker-result>"
            case ("stonith_admin", "--reboot", target, _timeout, _tag):
                assert target != self.node, "a node cannot be asked to have itself fenced and to tell of it"
                world.fence(target)
                return 0, ""
            case ("stonith_admin", "--unfence", target, *_):
                world.switch_on(target)
                return 0, ""
            case ("crm_resource", _r, _c, "--move", "--promoted", "--node", target, *_):
                world.constraint, world.moving_to, world.moved_at = True, target, world.now
                return 0, ""
            case ("crm_resource", _r, _c, "--clear"):
                world.constraint = False
                return 0, ""
            case ("crm_attribute", "--node", name, "--name", "pcmk-ha-fenced", "--update", value):
                world.records[name] = value
                return 0, ""
        raise KeyError(argv)
