"""A cluster whose secrets are rotated, made of facts: it refuses what would be an outage."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st
from support.files import ARBITER, MINIMAL

from pcmk_ha.desired.build import build_desired
from pcmk_ha.model.load import load_cluster_text
from pcmk_ha.model.platform import DEBIAN_13
from pcmk_ha.operate.rotate.observe import Wanted
from pcmk_ha.operate.secrets import create_secrets, load_secrets
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import rotation_actions as rotate
from pcmk_ha.plan.rotation import Device, RotationFacts, Which
from pcmk_ha.plan.values import Plan

MEMBERS = ("node1", "node2", "arbiter")
DATA = MEMBERS[:2]
OLD, NEW = Which.OLD, Which.NEW
ALL = frozenset({"authkey", "drbd", "superuser", "application"})
RESOURCE = "/etc/drbd.d/pgdata.res"
HEALTHY = RotationFacts(
    ALL, frozenset(), dict.fromkeys(MEMBERS, OLD), versions=frozenset({"3.1.9"}), resource=RESOURCE,
    sides=dict.fromkeys(DATA, OLD), runs_file=dict.fromkeys(DATA, True), database_on="node1",
    pgpass=dict.fromkeys(DATA, OLD), roles=dict.fromkeys(("superuser", "application"), OLD),
    devices=(Device("node1", 0, "fence_node1", differs=True), Device("node2", 0, "fence_node2", differs=True)),
)  # fmt: skip


@dataclass
class World:
    """A cluster and a secrets file, and what each action does to them; refuses what would be an outage."""

    chosen: frozenset[str] = ALL
    file: dict[str, str] = field(default_factory=lambda: dict.fromkeys(ALL, "v1"))
    later: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=lambda: dict.fromkeys(MEMBERS, "v1"))
    daemons: dict[str, str] = field(default_factory=lambda: dict.fromkeys(MEMBERS, "v1"))
    sides: dict[str, str] = field(default_factory=lambda: dict.fromkeys(DATA, "v1"))
    kernels: dict[str, str] = field(default_factory=lambda: dict.fromkeys(DATA, "v1"))
    connected: bool = True
    pgpass: dict[str, str] = field(default_factory=lambda: dict.fromkeys(DATA, "v1"))
    roles: dict[str, str] = field(default_factory=lambda: dict.fromkeys(("superuser", "application"), "v1"))
    devices: dict[str, str] = field(default_factory=lambda: dict.fromkeys(("fence_node1", "fence_node2"), "v1"))
    tried: set[str] = field(default_factory=set)
    values: int = 1

    def facts(self) -> RotationFacts:
        return RotationFacts(
            chosen=self.chosen | set(self.later),
            pending=frozenset(self.later),
            keys={n: self._which("authkey", v) for n, v in self.keys.items()},
            together=len(set(self.daemons.values())) == 1,
            versions=frozenset({"3.1.9"}),
            resource=RESOURCE,
            sides={n: self._which("drbd", v) for n, v in self.sides.items()},
            runs_file={n: self.kernels[n] == self.sides[n] for n in DATA},
            paired=self.connected,
            database_on="node1",
            pgpass={n: self._which("superuser", v) for n, v in self.pgpass.items()},
            roles={n: self._which(n, v) for n, v in self.roles.items()},
            devices=tuple(Device(d[6:], 0, d, differs=v != "v2") for d, v in self.devices.items()),
        )

    def _which(self, name: str, value: str) -> Which:
        if value == self.later.get(name):
            return NEW
        return OLD if value == self.file[name] else Which.OTHER

    def do(self, action: act.Action) -> None:
        match action:
            case rotate.ChooseSecrets():
                self.values += 1
                self.later = dict.fromkeys(action.names, f"v{self.values}") | self.later
            case rotate.KeepSecrets():
                for name in action.names:
                    assert set(self.in_force(name)) == {self.later[name]}, f"{name}: the old value is still in force"
                    self.file[name] = self.later.pop(name)
            case act.WriteFiles(node=node, paths=("/etc/corosync/authkey",)):
                self.keys[node] = self.later["authkey"]
            case act.WriteFiles(node=node, paths=("/etc/pcmk-ha/pgpass",)):
                self.pgpass[node] = self.later["superuser"]
            case act.WriteFiles(node=node):
                assert action.paths == (RESOURCE,)
                self.sides[node] = self.later["drbd"]
            case _:
                self._do_on_the_cluster(action)

    def _do_on_the_cluster(self, action: act.Action) -> None:
        match action:
            case rotate.ReloadKey():
                assert len(set(self.keys.values())) == 1, "a member would be alone with its key, and fenced"
                self.daemons = dict(self.keys)
            case act.BringUpDrbd(node=node):
                assert len(set(self.sides.values())) == 1
                self.kernels[node] = self.sides[node]
                self.connected = self.connected or len(set(self.kernels.values())) == 1
            case rotate.AwaitPair():
                assert self.connected
                assert self.kernels == self.sides
            case rotate.SetPassword(name=name):
                self.roles[name] = self.later[name]
            case act.VerifyWrite():
                assert set(self.pgpass.values()) == {self.roles["superuser"]}
            case rotate.TryDevice(device=device):
                self.tried.add(device)
            case rotate.PushDevice(device=device):
                assert device in self.tried, "nobody knows whether it can fence with that"
                self.devices[device] = "v2"
            case _:
                raise AssertionError(action)

    def in_force(self, name: str) -> list[str]:
        """Every place a secret is in force at."""
        places = {
            "authkey": [*self.keys.values(), *self.daemons.values()],
            "drbd": [*self.sides.values(), *self.kernels.values()],
            "superuser": [self.roles["superuser"], *self.pgpass.values()],
            "application": [self.roles["application"]],
        }
        return places[name]

    def restart(self, node: str) -> None:
        """A member that was fenced, or updated, comes back with what its files say."""
        self.daemons[node] = self.keys[node]
        if node in DATA:
            self.kernels[node] = self.sides[node]
            self.connected = len(set(self.kernels.values())) == 1

    def check(self) -> None:
        """Whatever happens: every value in force anywhere stands in the secrets file."""
        for name in ALL:
            assert set(self.in_force(name)) <= {self.file[name], self.later.get(name, "")}


def run(world: World, plan: Plan, data: st.DataObject | None, stop_after: int) -> None:
    done: set[int] = set()
    while len(done) < min(stop_after, len(plan)):
        ready = [i for i, step in enumerate(plan.steps) if i not in done and step.after <= done]
        chosen = data.draw(st.sampled_from(ready)) if data else ready[0]
        world.do(plan.steps[chosen].action)
        world.check()
        done.add(chosen)


def wanted_of(path: Path) -> Wanted:
    cluster = load_cluster_text(path.read_text())
    secrets = load_secrets(cluster, path)
    return Wanted(
        secrets, build_desired(cluster, secrets, DEBIAN_13), build_desired(cluster, secrets.with_next(), DEBIAN_13)
    )


def keep_cluster(folder: Path) -> Path:
    """Write a cluster file with an arbiter and the secrets beside it; answers where the file is."""
    path = folder / "cluster.yaml"
    path.write_text(MINIMAL + ARBITER)
    create_secrets(load_cluster_text(MINIMAL + ARBITER), path)
    return path
