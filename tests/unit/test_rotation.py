"""New secrets come into force without an outage, and a run that was cut short anywhere is finished by the next."""

from __future__ import annotations

import stat
from base64 import b64decode
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fake_node import FakeNode
from support.files import ARBITER, MINIMAL
from typer.testing import CliRunner

from pcmk_ha.cib.merge import merge
from pcmk_ha.cli.app import app
from pcmk_ha.cli.rotate import _ask_passwords, _chosen
from pcmk_ha.desired.build import build_desired
from pcmk_ha.errors import BadInput, CommandFailed, PcmkHaError, Refused
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.load import load_cluster_text
from pcmk_ha.model.platform import DEBIAN_13
from pcmk_ha.model.secret import Secrets
from pcmk_ha.operate.change.applied import RECORD, read_record
from pcmk_ha.operate.change.bootstrap import Bootstrap
from pcmk_ha.operate.parts.node import put_file
from pcmk_ha.operate.parts.scram import scram_verifier
from pcmk_ha.operate.rotate.fencing import find_devices, only_device, try_device
from pcmk_ha.operate.rotate.observe import Wanted, runs_its_file
from pcmk_ha.operate.rotate.perform import Rotating
from pcmk_ha.operate.rotate.postgresql import set_password, which_password
from pcmk_ha.operate.rotate.rotation import files_to_type
from pcmk_ha.operate.rotate.store import choose_secrets, keep_secrets, only_run, store_password
from pcmk_ha.operate.secrets import create_secrets, generated_secrets, load_secrets, placeholder_secrets, secrets_path
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import rotation_actions as rotate
from pcmk_ha.plan.record import make_record, renewed, to_json
from pcmk_ha.plan.rotation import Device, RotationFacts, Which, find_obstacles, plan_rotation
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


def test_every_secret_is_rotated_and_the_old_values_are_forgotten() -> None:
    world = World()
    assert not list(find_obstacles(world.facts()))
    plan = plan_rotation(world.facts())
    run(world, plan, None, len(plan))
    assert world.file == dict.fromkeys(ALL, "v2")
    assert world.later == {}
    assert set(world.daemons.values()) | set(world.kernels.values()) | set(world.devices.values()) == {"v2"}


@pytest.mark.parametrize("restarting", [None, *MEMBERS])
def test_a_run_killed_at_any_step_is_finished_by_the_next_even_when_a_member_restarted_in_between(
    restarting: str | None,
) -> None:
    total = len(plan_rotation(World().facts()))
    assert total > 15
    for killed_after in range(total + 1):
        world = World()
        run(world, plan_rotation(world.facts()), None, killed_after)
        if restarting:
            world.restart(restarting)
            world.check()
        world.chosen = frozenset(world.later)  # the next run only has to finish
        world.tried.clear()
        facts = world.facts()
        assert not list(find_obstacles(facts)), f"killed after {killed_after}: {list(find_obstacles(facts))}"
        run(world, plan_rotation(facts), None, total)
        assert world.later == {}
        assert len(set(world.daemons.values())) == 1
        assert world.connected
        for name in ALL:
            assert set(world.in_force(name)) == {world.file[name]}


@given(st.data(), st.sets(st.sampled_from(sorted(ALL)), min_size=1))
def test_steps_in_any_order_the_plan_allows_cut_short_again_and_again_end_well(
    data: st.DataObject, chosen: set[str]
) -> None:
    world = World(chosen=frozenset(chosen))
    for _attempt in range(3):
        plan = plan_rotation(world.facts())
        run(world, plan, data, data.draw(st.integers(0, len(plan))))
        world.tried.clear()
        if member := data.draw(st.sampled_from([None, *MEMBERS])):
            world.restart(member)
        world.chosen = frozenset(world.later)
        if not world.later:
            break
    run(world, plan_rotation(world.facts()), data, 99)
    assert world.later == {}
    assert all(set(world.in_force(name)) == {world.file[name]} for name in ALL)


def test_no_file_is_written_before_the_new_value_is_kept_and_no_reload_before_every_file() -> None:
    steps = plan_rotation(HEALTHY).steps
    reload = next(step for step in steps if isinstance(step.action, rotate.ReloadKey))
    writes = {i for i, s in enumerate(steps) if isinstance(s.action, act.WriteFiles) and "authkey" in s.action.paths[0]}
    assert len(writes) == len(MEMBERS)
    assert writes <= reload.after
    assert isinstance(steps[0].action, rotate.ChooseSecrets)
    assert all(steps[i].after for i in writes)


def test_every_login_is_tried_before_one_is_changed_and_one_device_is_changed_at_a_time() -> None:
    steps = plan_rotation(replace(HEALTHY, chosen=frozenset())).steps
    kinds = [type(step.action).__name__ for step in steps]
    assert kinds == ["TryDevice", "TryDevice", "PushDevice", "PushDevice"]
    assert steps[2].after == {0, 1}
    assert steps[3].after == {2}


def test_a_typed_password_is_written_into_its_file_after_it_was_proven_and_before_the_cluster_has_it() -> None:
    steps = plan_rotation(replace(HEALTHY, chosen=frozenset(), typed=("bmc.password",))).steps
    assert [type(step.action).__name__ for step in steps][2:4] == ["StoreFile", "PushDevice"]


def test_without_anything_to_rotate_there_is_nothing_to_do() -> None:
    same = tuple(replace(device, differs=False) for device in HEALTHY.devices)
    assert not plan_rotation(replace(HEALTHY, chosen=frozenset(), devices=same))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"together": False}, "not every member is online"),
        ({"versions": frozenset({"3.1.7", "3.1.9"})}, "different versions of Corosync (3.1.7, 3.1.9)"),
        ({"conf_differs": ("node2",)}, "node2: Corosync runs something else"),
        ({"keys": {"node1": OLD, "node2": Which.OTHER}}, "node2: /etc/corosync/authkey is neither"),
        ({"sides": {"node1": Which.OTHER, "node2": OLD}}, "node1: /etc/drbd.d/pgdata.res is neither"),
        ({"paired": False}, "not both connected"),
        ({"pgpass": {"node1": OLD, "node2": Which.OTHER}}, "node2: /etc/pcmk-ha/pgpass is neither"),
        ({"database_on": ""}, "PostgreSQL runs nowhere"),
    ],
)
def test_what_could_cost_a_node_or_the_service_is_refused(changes: dict[str, object], says: str) -> None:
    obstacles = list(find_obstacles(replace(HEALTHY, **changes)))  # type: ignore[arg-type]
    assert any(says in obstacle.message for obstacle in obstacles)
    assert not list(find_obstacles(HEALTHY))


def test_what_an_earlier_run_left_behind_is_no_obstacle_to_finishing_it() -> None:
    """A member that restarted with the new key is alone, and would stay so."""
    left = replace(
        HEALTHY, pending=ALL, together=False, paired=False, keys={"node1": OLD, "node2": NEW, "arbiter": Which.OTHER}
    )
    assert not list(find_obstacles(left))


# --- the secrets file


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FENCE_PASSWORD", "canary-fence")
    path = tmp_path / "cluster.yaml"
    path.write_text(MINIMAL + ARBITER)
    create_secrets(load_cluster_text(MINIMAL + ARBITER), path)
    return path


def test_old_and_new_values_stand_in_the_file_until_the_new_ones_are_in_force(folder: Path) -> None:
    before = generated_secrets(folder)
    choose_secrets(folder, ["drbd", "superuser"])
    chosen = generated_secrets(folder)
    assert {name: chosen[name] for name in ALL} == {name: before[name] for name in ALL}
    assert set(chosen["next"]) == {"drbd", "superuser"}
    assert chosen["next"]["drbd"] != before["drbd"]
    choose_secrets(folder, ["superuser", "application"])  # as a second run would
    assert {k: v for k, v in generated_secrets(folder)["next"].items() if k != "application"} == chosen["next"]
    keep_secrets(folder, ["drbd"])
    after = generated_secrets(folder)
    assert after["drbd"] == chosen["next"]["drbd"]
    assert set(after["next"]) == {"superuser", "application"}
    keep_secrets(folder, ["superuser", "application"])
    assert generated_secrets(folder)["next"] == {}
    assert "next" not in secrets_path(folder).read_text()
    assert stat.S_IMODE(secrets_path(folder).stat().st_mode) == 0o600
    assert load_secrets(load_cluster_text(MINIMAL), folder).superuser == chosen["next"]["superuser"]


def test_new_values_show_nowhere_when_secrets_are_printed(folder: Path) -> None:
    choose_secrets(folder, ALL)
    found = load_secrets(load_cluster_text(MINIMAL), folder)
    assert all(value not in repr(found) for value in found.next.values())
    assert found.with_next().drbd == found.next["drbd"]


def test_a_damaged_part_of_the_file_is_named(folder: Path) -> None:
    with secrets_path(folder).open("a") as file:
        file.write("next: {drbd: 5}\n")
    with pytest.raises(BadInput, match="`next` must hold"):
        generated_secrets(folder)


def test_two_rotations_do_not_run_side_by_side(folder: Path) -> None:
    with only_run(folder), pytest.raises(Refused, match="another rotation"), only_run(folder):
        pass
    with only_run(folder):
        pass


def test_bootstrap_does_not_bring_old_values_back_while_new_ones_are_on_their_way(folder: Path) -> None:
    choose_secrets(folder, ["authkey"])
    cluster = load_cluster_text(MINIMAL)
    secrets = load_secrets(cluster, folder)
    work = Bootstrap({}, build_desired(cluster, secrets, DEBIAN_13), secrets)
    with pytest.raises(Refused, match="new values of authkey are on their way"):
        work.plan()


def test_a_fence_password_is_stored_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "bmc"
    path.write_text("old\n")
    path.chmod(0o644)
    store_password(path, "canary-new")
    assert path.read_text() == "canary-new\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["bmc"]


# --- what the steps do


def wanted_of(path: Path) -> Wanted:
    cluster = load_cluster_text(path.read_text())
    secrets = load_secrets(cluster, path)
    return Wanted(
        secrets, build_desired(cluster, secrets, DEBIAN_13), build_desired(cluster, secrets.with_next(), DEBIAN_13)
    )


class Member(FakeNode):
    """Remembers order across members, and has real digests of its files."""

    def __init__(self, name: str, log: list[tuple[str, str]], answers: dict[str, object] | None = None) -> None:
        self.key = b"old"
        links = "".join(f"nodeid: {n} reachable   onwire (min/max/cur): 0, 1, 1\n" for n in (2, 3))
        table = {
            "corosync-cfgtool -R": "Done\n", "corosync-cfgtool -n": links,
            "stat": "400 root:root /etc/corosync/authkey\n",
            "crm_mon": '<x><summary><current_dc present="true" with_quorum="true"/></summary><nodes>'
            + '<node online="true" pending="false"/>' * 3 + "</nodes></x>",
            "sh -c": self._keep, "sha256sum": self._sum,
        }  # fmt: skip
        super().__init__(name, {**table, **(answers or {})})  # type: ignore[arg-type]
        self.log = log

    def _keep(self, _stdin: str) -> str:
        self.key = b64decode(self.files["/etc/corosync/authkey.base64"])
        return ""

    def _sum(self, _stdin: str) -> str:
        return f"{sha256(self.key).hexdigest()}  /etc/corosync/authkey\n"

    def run(
        self, argv: Sequence[str], *, stdin: str | None = None, timeout: float = 30, ok: Collection[int] | None = (0,)
    ):  # type: ignore[no-untyped-def]
        self.log.append((self.node, " ".join(argv)))
        return super().run(argv, stdin=stdin, timeout=timeout, ok=ok)


def test_the_reload_refuses_as_long_as_one_member_has_another_key(folder: Path) -> None:
    choose_secrets(folder, ["authkey"])
    log: list[tuple[str, str]] = []
    nodes = {name: Member(name, log) for name in MEMBERS}
    work = Rotating(nodes, folder, lambda: wanted_of(folder), steady_s=1)
    for name in MEMBERS[:2]:
        work(act.WriteFiles(name, ("/etc/corosync/authkey",)))
    with pytest.raises(Refused, match="arbiter does not have the new key"):
        work(rotate.ReloadKey("node1"))
    assert not [said for said in log if "cfgtool -R" in said[1]]
    work(act.WriteFiles("arbiter", ("/etc/corosync/authkey",)))
    work(rotate.ReloadKey("node1"))
    assert [said for said in log if "cfgtool -R" in said[1]] == [("node1", "corosync-cfgtool -R")]
    secrets = generated_secrets(folder)
    for value in (secrets["authkey"], secrets["next"]["authkey"]):
        assert not [said for said in log if value in said[1]]


def test_a_member_that_is_alone_with_its_key_is_told_to_reload_too(folder: Path) -> None:
    choose_secrets(folder, ["authkey"])
    log: list[tuple[str, str]] = []
    apart = iter(["", ""])
    nodes: dict[str, Member] = {name: Member(name, log) for name in MEMBERS}
    links = nodes["node1"]._answers["corosync-cfgtool -n"]
    nodes["node2"]._answers["corosync-cfgtool -n"] = lambda _stdin: next(apart, str(links))
    work = Rotating(nodes, folder, lambda: wanted_of(folder), steady_s=1)
    for name in MEMBERS:
        work(act.WriteFiles(name, ("/etc/corosync/authkey",)))
    work(rotate.ReloadKey("node1"))
    assert [said[0] for said in log if "cfgtool -R" in said[1]] == ["node1", "node2"]


def test_new_secrets_count_as_applied_so_that_nothing_is_left_to_do_and_no_hand_is_blamed(folder: Path) -> None:
    choose_secrets(folder, ["drbd", "superuser"])
    wanted = wanted_of(folder)
    record = replace(make_record(wanted.old, "node1"), generation=4)
    node = FakeNode("node1", {}, files={RECORD: to_json(record)})
    work = Rotating({"node1": node, "node2": FakeNode("node2", {})}, folder, lambda: wanted_of(folder))
    work(rotate.KeepSecrets("here", ("drbd",)))
    kept = read_record(node)
    assert kept is not None
    assert kept.generation == 4
    assert kept.follows(make_record(wanted_of(folder).old, "node1"))
    assert not kept.follows(make_record(wanted_of(folder).new, "node1"))
    work(rotate.KeepSecrets("here", ("superuser",)))
    assert (kept := read_record(node)) is not None
    assert kept.follows(make_record(wanted_of(folder).new, "node1"))
    assert wanted.secrets.next["drbd"] not in node.files[RECORD]


def test_what_the_record_says_of_other_things_stays(folder: Path) -> None:
    choose_secrets(folder, ["drbd"])
    wanted = wanted_of(folder)
    old, new = make_record(wanted.old, "node1"), make_record(wanted.new, "node1")
    found = replace(old, values={**old.values, f"file {RESOURCE}": "by hand", "file /old": "x"}, whole="another")
    assert renewed(found, old, new) == found


PSQL = "runuser -u postgres --"


def test_a_password_reaches_the_server_only_as_a_verifier_on_standard_input_and_not_its_log(folder: Path) -> None:
    choose_secrets(folder, ["application"])
    wanted = wanted_of(folder)
    value = wanted.secrets.next["application"]
    node = FakeNode("node1", {PSQL: ""})
    set_password(node, wanted.new, "application", value)
    (argv,), (script,) = node.ran, node.fed
    assert "SCRAM" not in " ".join(argv)
    assert value not in " ".join(argv) + script
    assert script.index("log_statement = 'none'") < script.index('ALTER ROLE "app" PASSWORD \'SCRAM-SHA-256$')
    broken = FakeNode("node1", {PSQL: (3, "", "ERROR at SCRAM-SHA-256$4096:canary")})
    with pytest.raises(CommandFailed) as raised:
        set_password(broken, wanted.new, "application", value)
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize(
    ("stored", "which"),
    [
        (scram_verifier("old", b"salt", 4096), OLD),
        (scram_verifier("new", b"other salt", 10000), NEW),
        (scram_verifier("third", b"salt"), Which.OTHER),
        ("md50123456789abcdef0123456789abcdef", Which.OTHER),
        ("", Which.OTHER),
    ],
)
def test_which_password_a_role_has_is_seen_by_its_verifier(minimal: Cluster, stored: str, which: Which) -> None:
    desired = build_desired(minimal, placeholder_secrets(minimal), DEBIAN_13)
    node = FakeNode("node1", {PSQL: f"{stored}\n"})
    assert which_password(node, desired, "superuser", {NEW: "new", OLD: "old"}) is which


def test_the_kernel_runs_drbds_file_only_when_nothing_is_left_to_adjust() -> None:
    ask = "drbdadm --dry-run adjust pgdata"
    pending = "drbdsetup-84 net-options ipv4:10.0.0.1:7788 ipv4:10.0.0.2:7788 --set-defaults --shared-secret=x\n"
    assert runs_its_file(FakeNode("node1", {ask: ""}), "pgdata")
    assert not runs_its_file(FakeNode("node1", {ask: pending}), "pgdata")
    assert not runs_its_file(FakeNode("node1", {ask: (1, "", "no")}), "pgdata")


# --- fence devices


def with_fence(cluster: Cluster, value: str) -> Secrets:
    secrets = placeholder_secrets(cluster)
    return replace(secrets, fence={**secrets.fence, ("node2", 0, "password"): value})


def test_only_a_device_with_other_parameters_than_wanted_is_touched(minimal: Cluster) -> None:
    live = build_desired(minimal, placeholder_secrets(minimal), DEBIAN_13).cib
    desired = build_desired(minimal, with_fence(minimal, "canary-new"), DEBIAN_13)
    assert [(d.name, d.differs) for d in find_devices(minimal, live, desired.cib)] == [
        ("fence_node1", False), ("fence_node2", True),
    ]  # fmt: skip
    merged = merge(live, only_device(desired.cib, "fence_node2"))
    assert not any(device.differs for device in find_devices(minimal, merged, desired.cib))
    assert merged.count("canary-new") == 1
    assert merge(merged, live) == merge(live, live)


def test_a_login_is_tried_from_every_other_member_on_standard_input(with_arbiter: Cluster) -> None:
    secrets = with_fence(with_arbiter, "canary-new")
    nodes = {name: FakeNode(name, {"fence_ipmilan": (2, "", "")}) for name in MEMBERS}
    try_device(nodes, with_arbiter, secrets, with_arbiter.nodes[1], 0)
    assert [name for name, node in nodes.items() if node.ran] == ["node1", "arbiter"]
    assert "password=canary-new\n" in nodes["node1"].fed[0]
    assert nodes["node1"].fed[0].endswith("action=status\n")
    assert nodes["node1"].ran == [("fence_ipmilan",)]


def test_a_device_that_refuses_the_login_stops_everything_without_a_secret_in_the_words(minimal: Cluster) -> None:
    secrets = with_fence(minimal, "canary-new")
    nodes = {name: FakeNode(name, {"fence_ipmilan": (1, "", "ERROR: Failed with canary-new")}) for name in DATA}
    with pytest.raises(PcmkHaError, match="fence_node2 does not take the new password, asked from node1") as raised:
        try_device(nodes, minimal, secrets, minimal.nodes[1], 0)
    assert "canary" not in str(raised.value)


def test_a_device_is_pushed_alone_from_another_node_and_awaited_once_pacemaker_has_started_it_again(
    folder: Path, minimal: Cluster, outputs: Path
) -> None:
    old = placeholder_secrets(minimal)
    live = build_desired(minimal, old, DEBIAN_13).cib
    desired = build_desired(minimal, with_fence(minimal, "canary-new"), DEBIAN_13)
    one, other = FakeNode("node2", {}), FakeNode("node1", {
        "cibadmin --query": live, "install": "", "crm_verify": "", "rm -f": "",
        "crm_diff": (1, "<diff/>", ""), "cibadmin --patch": "", "crm_resource --cleanup --resource fence_node2": "",
        "crm_mon": (outputs / "crm_mon/healthy-3.0.0.xml").read_text(), "crm_resource --wait": "",
    })  # fmt: skip
    work = Rotating({"node2": one, "node1": other}, folder, lambda: Wanted(old, desired, desired))
    work(rotate.PushDevice("node2", 0, "fence_node2"))
    assert one.ran == []
    programs = [argv[0] + "".join(f" {word}" for word in argv[1:2]) for argv in other.ran]
    assert programs.index("cibadmin --patch") < programs.index("crm_resource --wait")
    assert other.files["/run/pcmk-ha/target.xml"].count("canary-new") == 1
    assert not [argv for argv in other.ran if "canary" in " ".join(argv)]


def test_a_plan_names_no_secret(folder: Path) -> None:
    choose_secrets(folder, ALL)
    text = str(plan_rotation(HEALTHY))
    values = generated_secrets(folder)
    assert not [value for value in (*values["next"].values(), values["drbd"]) if value in text]
    assert "reload Corosync with the new key" in text


def test_a_key_is_put_in_place_as_bytes(folder: Path) -> None:
    node = Member("node1", [])
    put_file(node, wanted_of(folder).file(OLD, "node1", "/etc/corosync/authkey"))
    assert len(node.key) == 128


# --- the command


def test_which_secrets_must_be_said_and_be_ones_there_are(folder: Path) -> None:
    for words, says in ((["drbd", "drdb"], "drdb is none of corosync"), ([], "which secrets?"), (["fencing"], "")):
        done = CliRunner().invoke(app, ["rotate-secrets", "-f", str(folder), "--prepare", *words])
        assert isinstance(done.exception, BadInput)
        assert says in str(done.exception)


def test_prepared_values_are_kept_and_shown_to_nobody_and_the_next_run_goes_on_with_them(folder: Path) -> None:
    arguments = ["rotate-secrets", "-f", str(folder), "--prepare"]
    done = CliRunner().invoke(app, [*arguments, "postgresql"])
    assert done.exit_code == 0
    later = generated_secrets(folder)["next"]
    assert set(later) == {"superuser", "application"}
    assert not [value for value in later.values() if value in done.output]
    assert _chosen(later, [], everything=False) == []
    assert _chosen(later, ["drbd"], everything=False) == ["drbd"]
    assert _chosen({}, [], everything=True) == ["corosync", "drbd", "postgresql", "fencing"]


def test_only_passwords_that_stand_in_files_can_be_typed(folder: Path) -> None:
    text = folder.read_text().replace("{env: FENCE_PASSWORD}}", "{file: bmc.password}}", 1)
    cluster = load_cluster_text(text)
    assert files_to_type(cluster) == {"bmc.password": ["node1"]}
    with pytest.raises(BadInput, match="no fence password stands in a file"):
        _ask_passwords(load_cluster_text(folder.read_text()))
