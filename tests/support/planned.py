"""A cluster made of the planner's facts: what each action does to it, and what real programs would refuse."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

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
