"""A plan does what is missing and nothing else; cut short anywhere, the next one finishes it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.files import ARBITER, MINIMAL

from pcmk_ha.cib.items import config_digest
from pcmk_ha.cib.merge import merge
from pcmk_ha.cib.subset import fencing_only
from pcmk_ha.desired.build import build_desired
from pcmk_ha.desired.hosts import hosts_block
from pcmk_ha.desired.names import CLUSTER_UNITS, COROSYNC_CONF, RUNNING_UNITS, VERIFY_TIMER
from pcmk_ha.desired.values import Desired
from pcmk_ha.model.load import load_cluster_text
from pcmk_ha.model.platform import DEBIAN_13
from pcmk_ha.operate.secrets import placeholder_secrets
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import change_actions as change
from pcmk_ha.plan.blockers import find_blockers
from pcmk_ha.plan.build import make_plan
from pcmk_ha.plan.facts import DrbdFact, Facts, FileFact, Metadata, NodeFacts, ServiceFacts, Setting, UnitFact
from pcmk_ha.plan.owned import stale_paths
from pcmk_ha.plan.parameters import parse_conf, wanted_values
from pcmk_ha.plan.record import Record, make_record, remember
from pcmk_ha.plan.values import Plan

RESTARTED = ("shared_buffers", "max_connections", "port")
EMPTY_CIB = """<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0"><configuration>
<crm_config/><nodes/><resources/><constraints/></configuration><status/></cib>"""


def desired_of(text: str) -> Desired:
    cluster = load_cluster_text(text)
    return build_desired(cluster, placeholder_secrets(cluster), DEBIAN_13)


DESIRED = {"two votes": desired_of(MINIMAL), "three votes": desired_of(MINIMAL + ARBITER)}


class World:
    """Nodes as the planner's facts describe them, and what each action does to them in reality."""

    def __init__(self, desired: Desired, *, installed: bool = True, records: bool = False) -> None:
        self.desired = desired
        self.records: dict[str, Record | None] | None = None
        if records:
            self.records = {node.name: None for node in desired.cluster.members}
        self.contents: dict[tuple[str, str], str] = {}  # of files, by node and path
        self.running: dict[tuple[str, str], str] = {}  # what daemons took from files, by node and path
        self.server: dict[str, str] = {}  # parameters the running server has
        self.parameters = ""  # our parameter file on the volume
        self.restarts = 0
        self.nodes = {node.name: self._empty(node.name, installed=installed) for node in desired.cluster.members}
        self.cib = ""
        self.prepared = False
        self.promoted = ""
        self.verified = False
        self.volume: dict[str, FileFact] = {}
        self.loaded = True

    def _empty(self, name: str, *, installed: bool) -> NodeFacts:
        units = {
            u: UnitFact(enabled=False, active=False) for u in (*RUNNING_UNITS, "drbd.service", "postgresql.service")
        }
        data = name in (node.name for node in self.desired.cluster.nodes)
        return NodeFacts(
            name=name,
            missing_packages=() if installed else self.desired.packages[name],
            files={},
            hosts="127.0.0.1 localhost\n",
            units=units,
            drbd=DrbdFact(Metadata.ABSENT) if data else None,
        )

    def start_as_packaged(self, name: str) -> None:
        """What `apt-get install pacemaker` by hand leaves behind."""
        units = {u: UnitFact(enabled=True, active=True) for u in RUNNING_UNITS}
        node = replace(self.nodes[name], missing_packages=(), running_cluster="debian", configured_cluster="debian")
        self._set(replace(node, units={**node.units, **units}))

    def facts(self) -> Facts:
        running = all(self._runs(name) for name in self.nodes)
        serving = running and self.promoted != ""
        nodes = self.nodes if self.records is None else {name: self._with_left(name) for name in self.nodes}
        return Facts(
            nodes,
            ServiceFacts(
                dc="node1" if running else "",
                quorate=running,
                cib=self.cib,
                promoted_on=self.promoted,
                serving=serving,
                volume_files=self.volume if serving else {},
                settings_loaded=self.loaded,
                settings=self._settings() if serving and self.records is not None else {},
                parameters_found=self.parameters if serving else "",
            ),
            self.records,
        )

    def _with_left(self, name: str) -> NodeFacts:
        """A node whose daemons may run otherwise than their files say, and with files that were ours once."""
        node, record = self.nodes[name], (self.records or {})[name]
        stale = {p: str(node.files[p]) for p in stale_paths(self.desired, name, record) if p in node.files}
        other = {path for (at, path), text in self.running.items() if at == name and self.contents[at, path] != text}
        drbd = node.drbd and replace(node.drbd, config_differs=any(p.startswith("/etc/drbd.d") for p in other))
        return replace(node, stale_files=stale, drbd=drbd, corosync_differs=COROSYNC_CONF in other)

    def _settings(self) -> dict[str, Setting]:
        """As pg_settings has them: what only a restart changes is waiting until then."""
        given = parse_conf(self.parameters) if self.loaded else self.server
        return {
            name: Setting(
                "postmaster" if name in RESTARTED else "sighup",
                name in RESTARTED and given.get(name) != self.server.get(name),
            )
            for name in (*wanted_values(self.desired), *RESTARTED)
        }

    def _take(self, prefix: str, *names: str) -> None:
        """Let daemons read their files."""
        for (name, path), text in self.contents.items():
            if name in names and path.startswith(prefix):
                self.running[name, path] = text

    def _runs(self, name: str) -> bool:
        node = self.nodes[name]
        return not node.runs_packaged_cluster and all(node.units[unit].active for unit in RUNNING_UNITS)

    def do(self, action: act.Action) -> None:  # noqa: C901, PLR0912  one line for each kind of action
        """Do what the real action does, and refuse what the real programs would refuse."""
        node = self.nodes[action.node]
        drbd = node.drbd or DrbdFact(Metadata.UNKNOWN)
        match action:
            case act.InstallPackages():
                units = {**node.units, "postgresql.service": UnitFact(enabled=True, active=False)}
                self._set(replace(node, missing_packages=(), units=units))
            case act.DisableUnits():
                off = dict.fromkeys(action.units, UnitFact(enabled=False, active=False))
                self._set(replace(node, units={**node.units, **off}))
            case act.WriteFiles():
                assert not node.missing_packages
                assert not node.runs_packaged_cluster, "another cluster's configuration would be overwritten"
                found = {f.path: FileFact(f.digest, f.mode, f.owner) for f in self.desired.files[node.name]}
                self._set(replace(node, files={**node.files, **{p: found[p] for p in action.paths}}))
                if VERIFY_TIMER in node.units and any(VERIFY_TIMER in path for path in action.paths):
                    stale = replace(node.units[VERIFY_TIMER], stale=True)
                    self._set(replace(self.nodes[node.name], units={**node.units, VERIFY_TIMER: stale}))
                texts = {f.path: f.content for f in self.desired.files[node.name]}
                self.contents |= {(node.name, path): texts[path] for path in action.paths}
            case act.EndPackagedCluster():
                assert node.runs_packaged_cluster
                off = {u: replace(node.units[u], active=False) for u in RUNNING_UNITS}
                self._set(replace(node, running_cluster="", units={**node.units, **off}))
            case act.WriteHosts():
                self._set(replace(node, hosts=node.hosts + hosts_block(self.desired.cluster)))
            case act.SetBoot():
                on = {u: replace(node.units[u], enabled=action.enabled) for u in CLUSTER_UNITS}
                self._set(replace(node, units={**node.units, **on}))
            case act.SetTimer():
                assert "/etc/systemd/system/pcmk-ha-verify.timer" in node.files
                self._set(replace(node, units={**node.units, VERIFY_TIMER: UnitFact(action.enabled, action.enabled)}))
            case act.WipeDisk():
                assert not drbd.up
                self._set(replace(node, drbd=DrbdFact(Metadata.ABSENT)))
            case act.CreateMetadata():
                assert drbd.metadata is Metadata.ABSENT, "metadata would be overwritten"
                assert not drbd.signatures, "data would be overwritten"
                self._set(replace(node, drbd=replace(drbd, metadata=Metadata.JUST_CREATED)))
            case act.BringUpDrbd():
                assert drbd.metadata is not Metadata.ABSENT
                self._take("/etc/drbd.d/", node.name)
                if not drbd.up:
                    self._set(replace(node, drbd=replace(drbd, up=True, disk="Inconsistent")))
                    self._connect()
            case _:
                self._do_to_all(action)

    def _do_to_all(self, action: act.Action) -> None:
        match action:
            case act.SkipInitialSync():
                sides = self._sides()
                assert all(side.up for side in sides.values())
                assert {side.metadata for side in sides.values()} == {Metadata.JUST_CREATED}, "data would be hidden"
                self._sync()
            case act.PrepareVolume():
                assert self._sides()[action.node].disk == "UpToDate", "promoted without good data"
                assert "clone" not in self.cib, "Pacemaker manages this already"
                self.prepared = True
                self._write_volume()
            case act.StartCluster():
                node = self.nodes[action.node]
                assert "/etc/corosync/corosync.conf" in node.files
                on = {u: replace(node.units[u], active=True) for u in RUNNING_UNITS}
                name = self.desired.cluster.name
                assert not node.runs_packaged_cluster
                self._set(replace(node, units={**node.units, **on}, running_cluster=name, configured_cluster=name))
                self.cib = self.cib or EMPTY_CIB
                self._take(COROSYNC_CONF, node.name)
            case act.ReloadCorosync():
                self._take(COROSYNC_CONF, *self.nodes)
            case act.AwaitQuorum():
                assert all(self._runs(name) for name in self.nodes)
            case act.PushFencing():
                self.cib = merge(self.cib, fencing_only(self.desired.cib))
            case act.PushCib():
                assert self.prepared, "Pacemaker would start what is not there"
                assert "fence_node1" in self.cib, "resources before fencing"
                assert all(self._runs(name) for name in self.nodes)
                assert action.expected in ("", config_digest(self.cib)), "somebody else's change would be overwritten"
                self.cib = merge(self.cib, self.desired.cib, action.gone)
                self.promoted = "node1"
                self.server = self.server or parse_conf(self.parameters)
            case act.AwaitService():
                assert self.promoted
            case act.VerifyWrite():
                self.verified = True
            case _:
                self._do_on_a_running_cluster(action)

    def _do_on_a_running_cluster(self, action: act.Action) -> None:
        node = self.nodes[action.node]
        match action:
            case act.WriteVolumeFiles():
                self._write_volume()
                self.loaded = False
            case act.ReloadPostgresql():
                kept = {name: value for name, value in self.server.items() if name in RESTARTED}
                taken = {n: value for n, value in parse_conf(self.parameters).items() if n not in RESTARTED}
                self.server = taken | kept
                self.loaded = True
            case change.RestartPostgresql():
                assert self.promoted == action.node
                assert self.loaded
                self.server = parse_conf(self.parameters)
                self.restarts += 1
            case change.RemoveFiles():
                self._set(replace(node, files={p: f for p, f in node.files.items() if p not in action.paths}))
            case change.Remember():
                assert self.records is not None
                wanted = make_record(self.desired, node.name)
                self.records[node.name] = remember(self.records[node.name], wanted)
            case change.KeepRecord():
                assert self.records is not None
                wanted = make_record(self.desired, node.name)
                self.records[node.name] = replace(wanted, generation=action.generation)
            case _:
                raise AssertionError(action)

    def _write_volume(self) -> None:
        self.parameters = next(f.content for f in self.desired.volume_files if f.path.endswith("pcmk-ha.conf"))
        self.volume = {f.path: FileFact(f.digest, f.mode, f.owner) for f in self.desired.volume_files}

    def _sides(self) -> dict[str, DrbdFact]:
        return {name: node.drbd for name, node in self.nodes.items() if node.drbd}

    def _connect(self) -> None:
        if not all(side.up for side in self._sides().values()):
            return
        if any(side.metadata is Metadata.USED for side in self._sides().values()):
            self._sync()  # DRBD syncs from the side that was used, by its generation identifiers

    def _sync(self) -> None:
        for node in list(self.nodes.values()):
            if node.drbd:
                good = replace(
                    node.drbd, metadata=Metadata.USED, disk="UpToDate", peer_disk="UpToDate", connection="Connected"
                )
                self._set(replace(node, drbd=good))

    def _set(self, node: NodeFacts) -> None:
        self.nodes[node.name] = node


def run(world: World, plan: Plan, order: st.DataObject | None, stop_after: int) -> int:
    """Perform up to `stop_after` steps in any order the plan allows; answers how many were done."""
    done: set[int] = set()
    while len(done) < min(stop_after, len(plan)):
        ready = [i for i, step in enumerate(plan.steps) if i not in done and step.after <= done]
        assert ready, "the plan waits for itself"
        chosen = order.draw(st.sampled_from(ready)) if order else ready[0]
        world.do(plan.steps[chosen].action)
        done.add(chosen)
    return len(done)


@pytest.mark.parametrize("votes", DESIRED)
def test_empty_nodes_become_a_cluster_and_then_there_is_nothing_to_do(votes: str) -> None:
    world = World(DESIRED[votes], installed=False)
    plan = make_plan(DESIRED[votes], world.facts())
    run(world, plan, None, len(plan))
    assert world.verified
    assert not make_plan(DESIRED[votes], world.facts())


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(sorted(DESIRED)), st.booleans(), st.sets(st.sampled_from(["node1", "node2"])))
def test_a_run_cut_short_anywhere_is_finished_by_the_next(
    data: st.DataObject, votes: str, installed: bool, by_hand: set[str]
) -> None:
    world = World(DESIRED[votes], installed=installed)
    for name in by_hand:
        world.start_as_packaged(name)
    for _attempt in range(3):
        plan = make_plan(DESIRED[votes], world.facts())
        run(world, plan, data, data.draw(st.integers(0, len(plan))))
        assert not find_blockers(DESIRED[votes].cluster, world.facts())
    plan = make_plan(DESIRED[votes], world.facts())
    run(world, plan, data, len(plan))
    assert not make_plan(DESIRED[votes], world.facts())
    assert world.promoted


@pytest.mark.parametrize("place", ["running_cluster", "configured_cluster"])
def test_a_member_of_another_cluster_is_refused(place: str) -> None:
    world = World(DESIRED["two votes"])
    world.nodes["node1"] = replace(world.nodes["node1"], **{place: "billing"})
    (blocker,) = find_blockers(DESIRED["two votes"].cluster, world.facts())
    assert "node1 belongs to the cluster billing" in blocker.message


def test_a_cluster_of_one_is_not_ended_when_it_runs_something() -> None:
    world = World(DESIRED["two votes"])
    world.start_as_packaged("node1")
    facts = world.facts()
    service = replace(facts.service, packaged_cibs={"node1": '<cib><primitive id="web"/></cib>'})
    (blocker,) = find_blockers(DESIRED["two votes"].cluster, replace(facts, service=service))
    assert "with resources" in blocker.message


def test_units_that_pacemaker_has_taken_over_are_disabled_without_stopping_them() -> None:
    desired = DESIRED["two votes"]
    world = World(desired)
    run(world, make_plan(desired, world.facts()), None, 99)
    units = {**world.nodes["node1"].units, "drbd.service": UnitFact(enabled=True, active=True)}
    world.nodes["node1"] = replace(world.nodes["node1"], units=units)
    actions = [step.action for step in make_plan(desired, world.facts())]
    assert actions[0] == act.DisableUnits("node1", ("drbd.service",), stop=False)
    assert {type(action) for action in actions[1:]} == {act.AwaitService, act.VerifyWrite}


def with_drbd(world: World, **sides: DrbdFact) -> Facts:
    for name, drbd in sides.items():
        world.nodes[name] = replace(world.nodes[name], drbd=drbd)
    return world.facts()


def test_a_disk_that_holds_something_is_refused_and_left_alone() -> None:
    desired = DESIRED["two votes"]
    facts = with_drbd(World(desired), node2=DrbdFact(Metadata.ABSENT, ("ext4",)))
    (blocker,) = find_blockers(desired.cluster, facts)
    assert "node2: /dev/sdb holds ext4" in blocker.message
    assert "--wipe node2:/dev/sdb" in blocker.hint
    kinds = [type(step.action) for step in make_plan(desired, facts) if step.action.node == "node2"]
    assert act.CreateMetadata not in kinds
    assert act.WipeDisk not in kinds


def test_only_the_named_disk_is_wiped_and_before_metadata_is_written() -> None:
    desired = DESIRED["two votes"]
    facts = with_drbd(World(desired), node2=DrbdFact(Metadata.ABSENT, ("ext4",)))
    wipe = (("node2", "/dev/sdb"),)
    assert not find_blockers(desired.cluster, facts, wipe)
    actions = [step.action for step in make_plan(desired, facts, wipe=wipe)]
    assert [a.node for a in actions if isinstance(a, act.WipeDisk)] == ["node2"]
    on_node2 = [type(a) for a in actions if a.node == "node2"]
    assert on_node2.index(act.WipeDisk) < on_node2.index(act.CreateMetadata)


@pytest.mark.parametrize("wipe", [("node2", "/dev/sdc"), ("node3", "/dev/sdb"), ("arbiter", "/dev/sdb")])
def test_a_wipe_of_another_disk_is_refused(wipe: tuple[str, str]) -> None:
    desired = DESIRED["two votes"]
    assert find_blockers(desired.cluster, World(desired).facts(), (wipe,))


def test_a_disk_in_use_by_drbd_is_never_wiped() -> None:
    desired = DESIRED["two votes"]
    facts = with_drbd(World(desired), node1=DrbdFact(Metadata.USED, up=True, disk="UpToDate"))
    assert find_blockers(desired.cluster, facts, (("node1", "/dev/sdb"),))


def test_metadata_that_cannot_be_read_stops_everything() -> None:
    desired = DESIRED["two votes"]
    facts = with_drbd(World(desired), node1=DrbdFact(Metadata.UNKNOWN, ("ext4",)))
    assert find_blockers(desired.cluster, facts)


@pytest.mark.parametrize(("used", "new"), [("node1", "node2"), ("node2", "node1")])
def test_a_full_sync_starts_from_the_side_that_has_data_and_is_not_skipped(used: str, new: str) -> None:
    desired = DESIRED["two votes"]
    sides = {used: DrbdFact(Metadata.USED, ("ext4",)), new: DrbdFact(Metadata.ABSENT)}
    actions = [step.action for step in make_plan(desired, with_drbd(World(desired), **sides))]
    assert not [a for a in actions if isinstance(a, act.SkipInitialSync)]
    assert [a.node for a in actions if isinstance(a, act.PrepareVolume)] == [used]
    assert [a.node for a in actions if isinstance(a, act.CreateMetadata)] == [new]


def test_a_device_that_pacemaker_manages_is_never_touched_by_hand() -> None:
    desired = DESIRED["two votes"]
    world = World(desired)
    plan = make_plan(desired, world.facts())
    run(world, plan, None, len(plan))
    for name in ("node1", "node2"):  # both were switched off: nothing runs, the configuration is saved
        off = {u: replace(f, active=u == VERIFY_TIMER) for u, f in world.nodes[name].units.items()}
        world.nodes[name] = replace(world.nodes[name], units=off, drbd=DrbdFact(Metadata.USED, ("ext4",)))
    world.promoted = ""
    kinds = {type(step.action) for step in make_plan(desired, world.facts())}
    assert kinds == {act.StartCluster, act.AwaitQuorum, act.AwaitService, act.VerifyWrite}


def test_a_changed_corosync_file_is_reloaded_even_when_the_last_run_stopped_before_that() -> None:
    desired = DESIRED["two votes"]
    world = World(desired)
    plan = make_plan(desired, world.facts())
    run(world, plan, None, len(plan))
    world.nodes["node2"] = replace(world.nodes["node2"], corosync_differs=True)
    assert act.ReloadCorosync in {type(step.action) for step in make_plan(desired, world.facts())}


@pytest.mark.parametrize("stopped", [False, True], ids=["in one run", "stopped before the reload"])
def test_changed_parameters_are_written_and_reloaded(stopped: bool) -> None:
    world = World(DESIRED["two votes"])
    run(world, make_plan(DESIRED["two votes"], world.facts()), None, 99)
    world.desired = desired_of(MINIMAL + "postgresql: {parameters: {work_mem: 64MB}}\n")
    plan = make_plan(world.desired, world.facts())
    assert [type(step.action) for step in plan][:2] == [act.WriteVolumeFiles, act.ReloadPostgresql]
    run(world, plan, None, 1 if stopped else 99)
    run(world, make_plan(world.desired, world.facts()), None, 99)
    assert world.loaded
    assert not make_plan(world.desired, world.facts())


def test_a_plan_names_no_secret() -> None:
    desired = DESIRED["three votes"]
    text = str(make_plan(desired, World(desired).facts()))
    assert "SECRET" not in text
    assert "write /etc/corosync/corosync.conf" in text


# --- the regular comparison of both copies


@pytest.mark.parametrize(("word", "runs"), [("weekly", True), ("never", False)])
def test_another_schedule_reaches_systemd_even_when_the_run_that_wrote_it_was_killed(word: str, runs: bool) -> None:
    world = World(DESIRED["three votes"])
    run(world, make_plan(world.desired, world.facts()), None, 99)
    world.desired = desired_of(MINIMAL + ARBITER + f"drbd: {{verify: {word}}}\n")
    plan = make_plan(world.desired, world.facts())
    timers = [step.action for step in plan if isinstance(step.action, act.SetTimer)]
    assert timers == [act.SetTimer("node1", runs), act.SetTimer("node2", runs)]
    files = [p for p, step in enumerate(plan.steps) if isinstance(step.action, act.WriteFiles)]
    run(world, Plan(tuple(replace(plan.steps[p], after=frozenset()) for p in files)), None, 99)  # and no further
    rest = [step.action for step in make_plan(world.desired, world.facts())]
    assert [action for action in rest if isinstance(action, act.SetTimer)] == timers
    run(world, make_plan(world.desired, world.facts()), None, 99)
    assert not make_plan(world.desired, world.facts())
