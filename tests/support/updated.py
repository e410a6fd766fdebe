"""A cluster whose packages are updated, made of facts: it answers as a real one and notes what is unsafe."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from support.together import answer_all
from support.told import QUORATE, Killed, crm_mon, nodes_section, placed, proc_drbd

from pcmk_ha.desired.names import CLUSTER_UNITS
from pcmk_ha.errors import CommandFailed, NodeUnreachable
from pcmk_ha.facts import corosync, drbd, pacemaker, records
from pcmk_ha.facts.labels import ask_labels
from pcmk_ha.facts.software import LOOK, SIMULATE, UNIT
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.members import Members
from pcmk_ha.operate.moves.foresee import MARK
from pcmk_ha.operate.update.look import REFRESH
from pcmk_ha.remote import questions
from pcmk_ha.remote.runner import Outcome

BOOTS_AFTER, JOINS_AFTER, MOVES_AFTER, INSTALLS_AFTER = 4, 3, 3, 3  # commands and looks
KERNEL = "6.12.48+deb13-amd64"


@dataclass
class Machine:
    """One node: its power, its packages and its part in the cluster."""

    pending: list[str] = field(default_factory=lambda: ["corosync", "libc6"])
    changed: list[str] = field(default_factory=list)
    installing_since: int | None = None
    boot: int = 1
    booting_since: int | None = None
    joined_at: int | None = 0  # None: its cluster is stopped
    kernels: list[str] = field(default_factory=lambda: [KERNEL])
    drbd: list[str] = field(default_factory=lambda: [KERNEL])


@dataclass
class UpdatedWorld:
    """The whole cluster; time passes with each command that is no look."""

    cluster: Cluster
    promoted: str = "node1"
    now: int = 0
    kill_at: int | None = None
    killed: bool = False
    moving_to: str = ""
    moved_at: int = 0
    preferred: str = ""
    standby: set[str] = field(default_factory=set)  # an administrator's
    aside: set[str] = field(default_factory=set)
    fails: str = ""  # a node whose packages cannot be installed
    machines: dict[str, Machine] = field(default_factory=dict)
    did: list[str] = field(default_factory=list)
    moves: int = 0
    broken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.machines = {node.name: Machine() for node in self.cluster.members}

    # --- what is true now

    def answers(self, node: str) -> bool:
        since = self.machines[node].booting_since
        return since is None or self.now >= since + BOOTS_AFTER

    def runs(self, node: str) -> bool:
        """Corosync and Pacemaker run there."""
        return self.answers(node) and self.machines[node].joined_at is not None

    def is_online(self, node: str) -> bool:
        at = self.machines[node].joined_at
        return self.runs(node) and at is not None and self.now >= at + JOINS_AFTER * (at > 0)

    def is_idle(self, node: str) -> bool:
        return node in self.aside or node in self.standby

    def has_copy(self, node: str) -> bool:
        return self.is_online(node) and not self.is_idle(node)

    @property
    def is_whole(self) -> bool:
        everybody = all(self.is_online(n) and not self.is_idle(n) for n in self.machines)
        return everybody and not self.moving_to and not self.preferred

    def pass_time(self) -> None:
        self.now += 1
        if self.moving_to and self.now >= self.moved_at + MOVES_AFTER:
            self.promoted, self.moving_to = self.moving_to, ""
            self.moves += 1
        for machine in self.machines.values():
            since = machine.installing_since
            if since is not None and self.now >= since + INSTALLS_AFTER:
                machine.changed += machine.pending
                machine.pending, machine.installing_since = [], None

    def count(self) -> None:
        """Let the program be killed after its nth command."""
        if self.kill_at is not None:
            self.kill_at -= 1
            if self.kill_at < 0:
                self.killed = True
                raise Killed

    def others_whole(self, node: str) -> bool:
        return all(self.is_online(n) and not self.is_idle(n) for n in self.machines if n != node)

    # --- what programs say of it

    def crm_mon(self, *, without: str = "", serving: str = "") -> str:
        online = [name for name in self.machines if self.is_online(name)]
        idle = {name for name in self.machines if self.is_idle(name)} | {without}
        serving = serving or ("" if self.moving_to else self.promoted)
        nodes = "".join(
            f'<node name="{name}" online="{str(name in online).lower()}" standby="{str(name in idle).lower()}" '
            'maintenance="false" pending="false" unclean="false"/>'
            for name in self.machines
        )
        able = [name for name in online if name not in idle]
        devices = (
            placed(f"fence_{name}", "Started", on, "stonith:fence_ipmilan")
            for name in self.machines
            if (on := next((n for n in able if n != name), ""))
        )
        copies = (
            placed(self.cluster.drbd_id, "Promoted" if n.name == serving else "Unpromoted", n.name, "ocf:linbit:drbd")
            for n in self.cluster.nodes
            if n.name in able
        )
        rest = (placed(name, "Started", serving) for name in ("pg_server", "pg_vip") if serving in able)
        return crm_mon(online[0] if online else "", nodes, "".join((*devices, *copies, *rest)))

    def attributes(self) -> str:
        text = nodes_section(self.machines, {})
        for number, name in enumerate(self.machines, 1):
            ours = f'<instance_attributes id="pcmk-ha-update-{name}"/>' if name in self.aside else ""
            text = text.replace(f'<node uname="{name}">', f'<node id="{number}" uname="{name}">{ours}')
        return text

    def constraints(self) -> str:
        ours = (
            f'<rsc_location id="pcmk-ha-switchover" rsc="x"><rule><expression attribute="#uname" '
            f'value="{self.preferred}"/></rule></rsc_location>'
        )
        return f"<constraints>{ours if self.preferred else ''}</constraints>"

    def drbd(self, node: str) -> str:
        if not self.has_copy(node):
            return proc_drbd("Unconfigured", "x/x", "x/x")
        role = "Primary" if node == self.promoted else "Secondary"
        if all(self.has_copy(data_node.name) for data_node in self.cluster.nodes):
            return proc_drbd("Connected", f"{role}/x", "UpToDate/UpToDate")
        return proc_drbd("WFConnection", f"{role}/Unknown", "UpToDate/Outdated")

    def look(self, node: str) -> str:
        machine = self.machines[node]
        unit = {**dict.fromkeys(CLUSTER_UNITS, self.runs(node)), UNIT: machine.installing_since is not None}
        return "\n".join(
            (
                f"running {KERNEL}", f"boot_id {node}-{machine.boot}", *(f"kernel {k}" for k in machine.kernels),
                *(f"drbd {k} 8.4.11" for k in machine.drbd), *(f"changed {p}:amd64.list" for p in machine.changed),
                *(f"unit {name} {'active' if active else 'inactive'}" for name, active in unit.items()),
                "version pacemaker 3.0.0-2", "version corosync 3.1.9-2",
            )
        )  # fmt: skip

    # --- connections

    def reach(self) -> Members:
        if self.killed:
            raise Killed
        nodes = {
            name: UpdatedNode(name, self, self.machines[name].boot) for name in self.machines if self.answers(name)
        }
        return Members(self.cluster, nodes, {name: "no answer" for name in self.machines if name not in nodes})

    @contextmanager
    def reached(self) -> Iterator[Members]:
        self.pass_time()
        yield self.reach()


@dataclass
class UpdatedNode:
    """A connection to one node, which ends with the node's life."""

    node: str
    world: UpdatedWorld
    life: int
    sudo: tuple[str, ...] = ()

    def close(self) -> None:
        """End it."""

    def read(self, path: str) -> str | None:
        return None

    def put(self, path: str, content: str, *, mode: int = 0o644, owner: str = "root:root") -> None:
        raise AssertionError(path)

    @property
    def machine(self) -> Machine:
        return self.world.machines[self.node]

    def run(
        self, argv: Sequence[str], *, stdin: str | None = None, timeout: float = 30,
        ok: Collection[int] | None = (0,),
    ) -> Outcome:  # fmt: skip
        if self.world.killed:
            raise Killed
        if self.life != self.machine.boot or not self.world.answers(self.node):
            raise NodeUnreachable(f"{self.node}: the connection was lost")
        answer = self._looked(tuple(argv))  # looks come many at once: time does not pass
        if answer is None:
            self.world.pass_time()
            answer = self._answer(tuple(argv))
            self.world.count()
        status, text = answer
        if ok is not None and status not in ok:
            raise CommandFailed(f"{self.node}: {argv} ended with {status}")
        return Outcome(tuple(argv), status, text, "no answer" if status else "")

    def _looked_at_once(self, argv: tuple[str, ...]) -> tuple[int, str]:
        answer = self._looked(argv)
        assert answer is not None, argv
        return answer

    def _looked(self, argv: tuple[str, ...]) -> tuple[int, str] | None:  # noqa: C901, PLR0911  one case for each program
        world = self.world
        runs = world.is_online(self.node)
        match argv:
            case pacemaker.CRM_MON:
                return (0, world.crm_mon()) if runs else (102, "")
            case pacemaker.CONSTRAINTS:
                return (0, world.constraints()) if runs else (102, "")
            case records.NODES:
                return (0, world.attributes()) if runs else (102, "")
            case corosync.QUORUM:
                return (0, QUORATE) if runs else (1, "")
            case corosync.LINKS | ("true",):
                return 0, ""
            case argv if argv == ask_labels(world.cluster):
                return 0, ""
            case drbd.PROC_DRBD:
                return 0, world.drbd(self.node)
            case drbd.STATUS_9:  # of a kernel with 8.4
                return 20, ""
            case ("sh", "-c", _script, "ready" | "await-ready", _port, *_):
                return (0, "") if self.node == world.promoted else (2, "")
            case ("sh", "-c", _script, questions.NAME, *asked):
                return answer_all(asked, self._looked_at_once)
            case ("sh", "-c", script) if script == LOOK:
                return 0, world.look(self.node)
            case _ if argv == SIMULATE:
                return 0, "".join(f"Inst {p} [3.1.9-2] (3.1.9-3 Debian:13 [amd64])\n" for p in self.machine.pending)
        return None

    def _answer(self, argv: tuple[str, ...]) -> tuple[int, str]:  # noqa: C901, PLR0911, PLR0912  one case for each program
        world, node = self.world, self.node
        match argv:
            case ("crm_mon", *_):
                return 0, world.crm_mon()
            case ("crmadmin", "--status", dc, _timeout):
                return 0, f"Controller on {dc} in state {'S_TRANSITION_ENGINE' if world.moving_to else 'S_IDLE'}: ok\n"
            case ("sh", "-c", script, "simulate") if "pcmk-ha-update-" in script:
                away = next(name for name in world.machines if f"pcmk-ha-update-{name}-standby" in script)
                return 0, MARK + MARK + world.crm_mon(without=away)
            case ("sh", "-c", script, "simulate") if "prefer" in script:
                target = next(n.name for n in world.cluster.nodes if f" {n.name} " in script)
                return 0, MARK + MARK + world.crm_mon(serving=target)
            case ("cibadmin", "--modify", *_, text):
                away = next(name for name in world.machines if f'uname="{name}"' in text)
                world.did.append(f"aside {away}")
                if not world.is_whole or away == world.promoted:
                    world.broken.append(f"{away} was emptied while the cluster was not whole, or it served")
                world.aside.add(away)
            case ("cibadmin", "--delete", "--xpath", path) if "pcmk-ha-update-" in path:
                back = next(name for name in world.machines if f"pcmk-ha-update-{name}'" in path)
                world.did.append(f"release {back}")
                world.aside.discard(back)
            case ("cibadmin", "--delete", "--xpath", path) if "pcmk-ha-switchover" in path:
                gone, world.preferred = world.preferred == "", ""
                return (105 if gone else 0), ""
            case ("runuser", *_) if argv[-1] == "CHECKPOINT":
                assert node == world.promoted
            case ("sh", "-c", _script, "prefer", _resource, target, _seconds):
                if not world.has_copy(target):
                    world.broken.append(f"the service was sent to {target}, which has no copy")
                if target != world.promoted:
                    world.preferred, world.moving_to, world.moved_at = target, target, world.now
            case _:
                return self._act(argv)
        return 0, ""

    def _act(self, argv: tuple[str, ...]) -> tuple[int, str]:  # noqa: C901, PLR0912  one case for each program
        """Answer what is no Pacemaker: power, packages and units."""
        world, node = self.world, self.node
        match argv:
            case ("systemctl", "stop", *units):
                assert units == list(reversed(CLUSTER_UNITS))
                self._leave("stop")
                self.machine.joined_at = None
            case ("systemctl", "reboot"):
                self._leave("reboot")
                life = self.machine.boot + 1
                joins = world.now + BOOTS_AFTER if world.cluster.start_on_boot else None
                self.machine.boot, self.machine.changed, self.machine.booting_since = life, [], world.now
                self.machine.joined_at = joins
            case ("systemd-run", unit, *_):
                assert unit == f"--unit={UNIT}"
                self._leave("install")
                if world.runs(node):
                    world.broken.append(f"packages were installed on {node} while its cluster ran")
                if world.fails == node:
                    return 1, ""
                self.machine.installing_since = world.now
                world.count()  # killed while the unit goes on
                while self.machine.installing_since is not None:
                    world.pass_time()
            case ("journalctl", *_):
                return 0, "dpkg: error processing package corosync (--configure)\n"
            case ("systemctl", "is-active", unit) if unit == UNIT:
                return (0, "active\n") if self.machine.installing_since is not None else (3, "inactive\n")
            case ("systemctl", "start", *_):
                if self.machine.joined_at is None:
                    world.did.append(f"start {node}")
                    self.machine.joined_at = world.now
            case ("apt-get", *_) if argv == REFRESH or "--download-only" in argv:
                pass
            case ("cat", "/proc/sys/kernel/random/boot_id"):
                return 0, f"{node}-{self.machine.boot}\n"
            case ("test" | "install" | "systemctl", *_):
                pass
            case _:
                raise KeyError(argv)
        return 0, ""

    def _leave(self, how: str) -> None:
        """Note what happens to a node, and whether the service or a second copy goes with it."""
        world = self.world
        world.did.append(f"{how} {self.node}")
        if self.node not in world.aside or self.node == world.promoted or not world.others_whole(self.node):
            world.broken.append(f"{how} on {self.node}, which is not aside, serves, or is not the only one away")
