"""A new machine takes a dead one's place: only when that is dead, only from the good copy, and from any point on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.fake_node import FakeNode
from support.files import ARBITER, HERE, MINIMAL
from support.planned import World, desired_of, run

from pcmk_ha.cib.merge import is_merged, merge
from pcmk_ha.desired.names import COROSYNC_CONF
from pcmk_ha.errors import CommandFailed
from pcmk_ha.facts.drbd import DrbdState
from pcmk_ha.facts.generations import Generations, parse_generations
from pcmk_ha.facts.member import has_status, last_fencing, last_result, parse_attributes, parse_devices
from pcmk_ha.facts.pacemaker import Failure, Leftover
from pcmk_ha.facts.records import parse_records
from pcmk_ha.model.load import load_cluster_text
from pcmk_ha.operate.change.change import Change
from pcmk_ha.operate.change.perform import Performer
from pcmk_ha.operate.look.service import Service
from pcmk_ha.operate.look.standing import Standing
from pcmk_ha.operate.look.status import Health, MemberFacts, Status
from pcmk_ha.operate.replace.gate import reasons_against, reasons_against_place
from pcmk_ha.operate.replace.observe import MARK, Found, Storage, find_evidence
from pcmk_ha.operate.replace.perform import Replacing
from pcmk_ha.operate.secrets import placeholder_secrets
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import replace_actions as rep
from pcmk_ha.plan.blockers import find_blockers
from pcmk_ha.plan.build import make_plan
from pcmk_ha.plan.corosync import flatten, moved, without_node
from pcmk_ha.plan.facts import DrbdFact, Facts, Metadata, UnitFact
from pcmk_ha.plan.fixed import find_fixed
from pcmk_ha.plan.replace import Evidence, Place, Verdict, plan_replacement
from pcmk_ha.plan.values import Plan

MOVED = MINIMAL.replace("192.0.2.12\n", "192.0.2.22\n").replace("ip: 192.0.2.112", "ip: 192.0.2.122")
NOW = datetime(2026, 11, 28, 6, 0, tzinfo=UTC)


# --- the planner


class Widowed(World):
    """A cluster in which one machine is dead and a new one answers; what Pacemaker does then is done at its start."""

    node = ""  # whose machine it is

    def __init__(self, text: str, node: str) -> None:
        super().__init__(desired_of(text), records=True)
        run(self, make_plan(self.desired, self.facts()), None, 999)
        self.node = node
        self.there, self.here = "", ""
        self.kept = {"pcmk-ha-fenced", "standby", "site"}
        self.status = True
        self.unclean = True
        self.nodes[node] = self._empty(node, installed=False)
        assert self.records is not None
        self.records[node] = None
        self.running = {key: text for key, text in self.running.items() if key[0] != node}
        self.contents = {key: text for key, text in self.contents.items() if key[0] != node}
        self._lose_copy()

    def _lose_copy(self) -> None:
        for found in list(self.nodes.values()):
            if found.drbd and found.name != self.node:
                lost = replace(found.drbd, role="Primary", connection="WFConnection", peer_disk="Outdated")
                self._set(replace(found, drbd=lost))

    def facts(self) -> Facts:
        found = super().facts()
        if not self.node or self._runs(self.node):
            return found
        serves = next(name for name in ("node1", "node2") if name != self.node)
        self.promoted = serves
        return replace(found, service=replace(found.service, dc=serves, quorate=True, promoted_on=serves))

    @property
    def place(self) -> Place:
        return Place(
            self.node, self._runs(self.node), self.unclean, self.here, self.there, frozenset(self.kept), self.status
        )

    def do(self, action: act.Action) -> None:
        if not self.node:
            super().do(action)
            return
        assert not (self.unclean and not isinstance(action, rep.ConfirmDead)), "the old machine may still be alive"
        match action:
            case rep.ConfirmDead():
                self.unclean = False
            case rep.MarkReplacement():
                self.here = self.there = "word"
            case rep.ForgetAttributes():
                self.kept -= set(action.names)
            case rep.ForgetStatus():
                self.status = False
            case act.PushCib():
                assert action.node != self.node, "it does not run the cluster"
                self.cib = merge(self.cib, self.desired.cib, action.gone)
            case act.StartCluster():
                self._join(action)
            case _:
                assert self.here, "the next run would not know this machine"
                super().do(action)

    def _join(self, action: act.StartCluster) -> None:
        assert action.node == self.node
        assert not self.status, "the old machine's failures would be the new one's"
        assert not self.kept & {"standby", "pcmk-ha-fenced"}
        assert is_merged(self.cib, self.desired.cib, ()), "the fencer would not know the device of what joins"
        for (name, path), text in self.contents.items():
            if name != self.node:
                assert self.running.get((name, path), text) == text, "a daemon of the others looks for the old machine"
        super().do(action)
        drbd = self.nodes[self.node].drbd
        if drbd is None:
            return
        assert drbd.metadata is Metadata.JUST_CREATED, "Pacemaker would start DRBD without metadata"
        self._take("/etc/drbd.d/", self.node)
        self._set(replace(self.nodes[self.node], drbd=replace(drbd, up=True, role="Secondary", disk="Inconsistent")))
        self._sync()


def plan_of(world: Widowed) -> Plan:
    facts = world.facts()
    assert not find_blockers(world.desired.cluster, facts, renewed=world.node)
    return plan_replacement(world.place, make_plan(world.desired, facts, renewed=world.node))


CASES = [("node2", MINIMAL, MINIMAL), ("node2", MINIMAL, MOVED), ("arbiter", MINIMAL + ARBITER, MINIMAL + ARBITER)]


@settings(max_examples=25, deadline=None)
@given(st.data(), st.sampled_from(CASES))
def test_a_replacement_that_was_killed_after_any_step_is_finished_by_the_next(
    data: st.DataObject, case: tuple[str, str, str]
) -> None:
    node, before, after = case
    world = Widowed(before, node)
    world.desired = desired_of(after)
    for _attempt in range(3):
        plan = plan_of(world)
        run(world, plan, data, data.draw(st.integers(0, len(plan))))
    plan = plan_of(world)
    run(world, plan, data, len(plan))
    assert not plan_of(world)
    assert world.kept == {"site"}, "what is not ours stays"
    assert world.nodes[node].units["corosync.service"] == UnitFact(enabled=True, active=True)


def test_every_step_comes_after_what_makes_it_safe() -> None:
    world = Widowed(MINIMAL, "node2")
    world.desired = desired_of(MOVED)
    actions = [step.action for step in plan_of(world)]
    kinds = [type(action) for action in actions]
    assert kinds[:4] == [rep.ConfirmDead, rep.MarkReplacement, rep.ForgetAttributes, rep.ForgetStatus]
    started = kinds.index(act.StartCluster)
    assert [a.node for a in actions if isinstance(a, act.CreateMetadata)] == ["node2"]
    assert [a.node for a in actions if isinstance(a, act.BringUpDrbd)] == ["node1"], (
        "its link changes, nothing restarts"
    )
    for kind in (act.CreateMetadata, act.BringUpDrbd, act.ReloadCorosync, act.PushCib):
        assert kinds.index(kind) < started
    assert not {act.SkipInitialSync, act.PrepareVolume, act.WipeDisk} & set(kinds)
    assert [a.node for a in actions if isinstance(a, act.ReloadCorosync | act.PushCib)] == ["node1", "node1"]


# --- what only `replace` may


def test_an_empty_disk_in_a_cluster_that_runs_is_for_replace_alone() -> None:
    world = Widowed(MINIMAL, "node2")
    (found,) = find_blockers(world.desired.cluster, world.facts())
    assert "node2 has nothing of this cluster on its disk" in found.message
    assert found.hint.startswith("`pcmk-ha replace node2`")
    assert find_blockers(world.desired.cluster, world.facts(), (("node2", "/dev/sdb"),))
    assert find_blockers(world.desired.cluster, world.facts(), renewed="node1")
    assert not find_blockers(world.desired.cluster, world.facts(), renewed="node2")


def test_a_disk_that_holds_something_is_refused_and_never_wiped() -> None:
    world = Widowed(MINIMAL, "node2")
    world.nodes["node2"] = replace(world.nodes["node2"], drbd=DrbdFact(Metadata.ABSENT, ("ext4",)))
    (found,) = find_blockers(world.desired.cluster, world.facts(), renewed="node2")
    assert (found.message, found.hint) == (
        "node2: /dev/sdb holds ext4", "if nobody needs it: wipefs --all /dev/sdb there",
    )  # fmt: skip
    actions = {type(s.action) for s in make_plan(world.desired, world.facts(), renewed="node2")}
    assert not {act.WipeDisk, act.CreateMetadata} & actions


def test_only_the_disk_of_the_named_node_may_be_another() -> None:
    world = Widowed(MINIMAL, "node2")
    for changed, renewed, refused in (("node2", "node2", 0), ("node2", "node1", 1), ("node1", "node2", 1)):
        head, tail = MINIMAL.split(f"name: {changed}")
        desired = desired_of(f"{head}name: {changed}{tail.replace('/dev/sdb', '/dev/sdc', 1)}")
        found = [p.message for p in find_fixed(desired, world.facts(), renewed=renewed)]
        assert len(found) == refused, found


# --- is the old machine dead


@pytest.mark.parametrize(
    ("evidence", "verdict", "says"),
    [
        (Evidence(fenced=NOW), Verdict.DEAD, "fenced at 2026-11-28 06:00:00 UTC"),
        (Evidence(fenced=NOW, heard=NOW - timedelta(seconds=1)), Verdict.DEAD, "has not taken part since"),
        (Evidence(fenced=NOW, heard=NOW + timedelta(days=1)), Verdict.UNKNOWN, "took part after it was last fenced"),
        (Evidence(), Verdict.UNKNOWN, "it was not fenced"),
        (Evidence(unclean=True, fenced=NOW), Verdict.UNKNOWN, "its fencing does not succeed"),
        (Evidence(devices={"fence_node2": "off"}), Verdict.DEAD, "says that it has no power"),
        (Evidence(fenced=NOW, devices={"fence_node2": "on"}), Verdict.ALIVE, "fence_node2 says that it has power"),
        (Evidence(fenced=NOW, devices={"fence_node2": "no route"}), Verdict.DEAD, "it was fenced at"),
        (Evidence(devices={"a": "off", "b": "no route"}), Verdict.UNKNOWN, "b: no route"),
    ],
)
def test_the_old_machine_is_dead_only_when_something_proves_it(evidence: Evidence, verdict: Verdict, says: str) -> None:
    found, why = evidence.judge()
    assert found is verdict
    assert says in why


# --- which copy is the newer


GOOD = "8A0C3D4E5F607183:5A0C3D4E5F607182:4A0C3D4E5F607182:3A0C3D4E5F607182:1:1:1:0:0:0"


@pytest.mark.parametrize(
    ("text", "follows"),
    [
        ("0000000000000004:0000000000000000:0000000000000000:0000000000000000:0:0:0:0:0:0", True),  # just created
        (
            "5A0C3D4E5F607182:0000000000000000:0000000000000000:0000000000000000:0:0:0:1:0:0",
            True,
        ),  # the target of its resync
        ("3A0C3D4E5F607183:0000000000000000:0000000000000000:0000000000000000:1:1:0:0:0:0", True),  # what it had before
        (
            "8A0C3D4E5F607182:0000000000000000:0000000000000000:0000000000000000:1:1:0:1:0:0",
            True,
        ),  # the same, the copy is done
        (
            "8A0C3D4E5F607182:0000000000000000:0000000000000000:0000000000000000:1:1:1:1:0:0",
            False,
        ),  # the same, and it was Primary, too
        (
            "8A0C3D4E5F607182:5A0C3D4E5F607182:0000000000000000:0000000000000000:1:1:0:0:0:0",
            False,
        ),  # it knows of a copy that is older
        ("9999999999999998:8A0C3D4E5F607182:0000000000000000:0000000000000000:1:1:0:0:0:0", False),  # it went on alone
        ("1111111111111110:0000000000000000:0000000000000000:0000000000000000:1:1:0:0:0:0", False),  # another cluster's
        ("0000000000000000:0000000000000000:0000000000000000:0000000000000000:0:0:0:0:0:0", False),
    ],
)
def test_a_copy_is_brought_in_line_only_when_it_follows_the_good_one(text: str, follows: bool) -> None:
    good, new = parse_generations(GOOD), parse_generations(text)
    assert good is not None
    assert new is not None
    assert good.is_good
    assert new.follows(good) is follows


def test_what_drbd_does_not_say_is_not_guessed() -> None:
    assert parse_generations("") is None
    assert parse_generations("No usable activity log found.\n") is None
    assert parse_generations(GOOD.replace(":1:1:1:", ":1:0:1:")) != parse_generations(GOOD)
    assert not Generations(current=4, consistent=True, up_to_date=True).is_good


# --- the gate


CLUSTER = load_cluster_text(MINIMAL)
SERVING = Service("node1", True, ("node1",), "node1", (), "node1", "node1", 1, 2)


def found_of(place: Place | None = None, **changes: object) -> Found:
    """What a look finds when all is well for a replacement, and what is otherwise."""
    status = Status(
        cluster="pgha", health=Health.DEGRADED, findings=(), service=SERVING,
        nodes={"node1": "online", "node2": "offline"},
        members={"node1": MemberFacts(crm_mon="x", drbd=DrbdState("Primary", "UpToDate", "WFConnection", "Outdated"))},
        unreachable={},
    )  # fmt: skip
    standing = Standing(status, "S_IDLE", stop_all=False)
    good, new = (
        parse_generations(GOOD),
        parse_generations("0000000000000004:0000000000000000:0000000000000000:0000000000000000:0:0:0"),
    )
    storage = Storage(good, new, has_metadata=True, room=2 << 30, device=1 << 30)
    facts = Widowed(MINIMAL, "node2").facts() if not CACHE else CACHE[0]
    CACHE[:] = [facts]
    found = Found(standing, facts, place or Place("node2"), Evidence(fenced=NOW), storage)
    return replace(found, **changes)  # type: ignore[arg-type]


CACHE: list[Facts] = []


def standing_of(**changes: object) -> Standing:
    found = found_of().standing
    known = {name: value for name, value in changes.items() if name in Standing.__dataclass_fields__}
    status = {name: value for name, value in changes.items() if name not in known}
    return replace(replace(found, **known), status=replace(found.status, **status))  # type: ignore[arg-type]


def test_a_dead_standby_and_an_empty_machine_are_no_reason_to_refuse() -> None:
    assert not reasons_against(CLUSTER, found_of(), confirmed=False)
    failure = Failure("fence_node2_monitor_60000", "node1", "timed out")
    leftover = Leftover("drbd-fence-by-handler-pgdata-drbd_pgdata-clone", "drbd_pgdata-clone", "")
    standing = standing_of(failures=(failure,), leftovers=(leftover,))
    place = Place("node2", devices=("fence_node2",))
    assert not reasons_against(CLUSTER, found_of(place, standing=standing), confirmed=False)


@pytest.mark.parametrize(
    ("standing", "says"),
    [
        ({"service": replace(SERVING, quorate=False)}, "no quorum"),
        ({"service": replace(SERVING, vip_on="")}, "the service is not up"),
        ({"maintenance": True}, "maintenance mode"),
        ({"stop_all": True}, "told to run nothing"),
        ({"state": "S_TRANSITION_ENGINE"}, "Pacemaker is at work (S_TRANSITION_ENGINE)"),
        ({"nodes": {"node1": "standby", "node2": "offline"}}, "node1 is standby"),
        ({"failures": (Failure("pg_server", "node1", "failed"),)}, "pg_server on node1: failed"),
        ({"leftovers": (Leftover("cli-ban-x", "pg", ""),)}, "constraint cli-ban-x is in force"),
        ({"members": {"node1": MemberFacts(drbd=DrbdState("Primary", "Outdated"))}}, "the copy of node1 is Outdated"),
    ],
)
def test_the_rest_of_the_cluster_must_be_fit(standing: dict[str, object], says: str) -> None:
    (found,) = reasons_against(CLUSTER, found_of(standing=standing_of(**standing)), confirmed=True)
    assert says in found


@pytest.mark.parametrize(
    ("storage", "says"),
    [
        ({"good": None}, "do not say that its copy is good"),
        ({"new": None}, "holds DRBD metadata, and nobody can tell whose"),
        (
            {"new": parse_generations("1111111111111110:0000000000000000:0000000000000000:0000000000000000:1:1:0")},
            "does not follow the one of node1",
        ),
        ({"room": 1 << 29}, "/dev/sdb has room for 512 MiB, and DRBD's device has 1024"),
    ],
)
def test_the_new_copy_must_be_one_that_the_good_one_can_be_copied_to(storage: dict[str, object], says: str) -> None:
    found = found_of()
    assert found.storage is not None
    changed = replace(found, storage=replace(found.storage, **storage))  # type: ignore[arg-type]
    (reason,) = reasons_against(CLUSTER, changed, confirmed=True)
    assert says in reason


def test_every_reason_is_said_at_once_and_a_word_does_not_outweigh_a_device() -> None:
    nodes = {**found_of().facts.nodes}
    nodes["node2"] = replace(nodes["node2"], configured_cluster="pgha")
    found = found_of(evidence=Evidence(), failed=("node2: addresses: this node has no 192.0.2.12",),
                     facts=replace(found_of().facts, nodes=nodes))  # fmt: skip
    reasons = reasons_against(CLUSTER, found, confirmed=False)
    assert len(reasons) == 3
    assert "--confirmed-dead" in reasons[0]
    assert "node2 is no new machine" in reasons[1]
    assert not reasons_against(CLUSTER, found_of(evidence=Evidence(unclean=True)), confirmed=True)
    alive = found_of(evidence=Evidence(devices={"fence_node2": "on"}))
    assert "is not off" in reasons_against(CLUSTER, alive, confirmed=True)[0]


def test_a_run_that_knows_its_machine_asks_nobody_again_whether_the_old_one_is_dead() -> None:
    begun = Place("node2", mark_here="word", mark_there="word")
    assert not reasons_against(CLUSTER, found_of(begun, evidence=Evidence()), confirmed=False)
    another = Place("node2", mark_there="word")  # the machine it began with is gone, too
    assert reasons_against(CLUSTER, found_of(another, evidence=Evidence()), confirmed=False)


def test_the_node_that_serves_and_one_that_takes_part_are_not_replaced() -> None:
    standing = standing_of()
    assert reasons_against_place(standing, Place("node1", online=True)) == (
        "node1 serves: `pcmk-ha switchover` first",
    )  # fmt: skip
    assert "takes part" in reasons_against_place(standing, Place("node2", online=True))[0]
    assert not reasons_against_place(standing, Place("node2", online=True, mark_here="word"))
    assert not reasons_against_place(standing, Place("node2"))


# --- what the cluster knows of a member, as real programs print it


def test_a_members_devices_are_those_that_name_it() -> None:
    cib = desired_of(MINIMAL).cib
    (device,) = parse_devices(cib, "node2")
    assert (device.id, device.agent, device.parameters["ip"]) == ("fence_node2", "fence_ipmilan", "192.0.2.112")
    assert "SECRET" not in repr(device)
    (moved,) = parse_devices(desired_of(MOVED).cib, "node2")
    assert moved.place != device.place
    login = MINIMAL.replace("username: admin", "username: other")
    assert parse_devices(desired_of(login).cib, "node2")[0].place == device.place, "another login is no other device"


LIVE = (HERE / "outputs/cibadmin/live-3.0.0.xml").read_text()
HISTORY = (HERE / "outputs/stonith_admin/history-3.0.0.xml").read_text()


def test_what_pacemaker_keeps_of_a_member_is_found() -> None:
    assert has_status(LIVE, "node2")
    assert not has_status(LIVE, "node3")
    heard = last_result(LIVE, "node2")
    assert heard is not None
    assert heard.year == 2026
    assert last_result(LIVE, "node3") is None
    nodes = (HERE / "outputs/cibadmin/nodes-2.1.5.xml").read_text()
    cib = f"<cib><configuration>{nodes}</configuration></cib>"
    assert set(parse_attributes(cib, "node2")) == {"pcmk-ha-fenced", "pcmk-ha-resynced"}
    assert not parse_attributes("", "node2")
    assert parse_records(nodes.replace("pcmk-ha-fenced", "pcmk-ha-replacing")).replacing == ("node2",)


def test_only_a_fencing_that_succeeded_counts_and_its_zone_is_heeded() -> None:
    at = datetime(2026, 11, 24, 12, 43, 53, tzinfo=UTC)
    assert last_fencing(HISTORY, "node2") == at
    assert last_fencing(HISTORY, "node1") is None
    assert last_fencing(HISTORY.replace('status="success"', 'status="failed"'), "node2") is None
    assert last_fencing(HISTORY.replace('action="reboot"', 'action="on"'), "node2") is None
    elsewhere = HISTORY.replace("12:43:53.007335Z", "13:43:53.007335 +01:00")
    assert last_fencing(elsewhere, "node2") == at


# --- what is asked of the old machine's device, and what is done


def test_the_old_device_is_asked_by_its_own_agent_and_its_password_is_never_shown() -> None:
    old, new = desired_of(MINIMAL), desired_of(MOVED)
    node = FakeNode("node1", {"stonith_admin --history": HISTORY, "fence_ipmilan": (1, "", "denied for SECRET")})
    work = Change({"node1": node}, new, placeholder_secrets(new.cluster))
    found = find_evidence(node, work, Place("node2"), old.cib)
    assert found.devices == {"fence_node2": "denied for ********"}
    assert "ip=192.0.2.112\n" in node.fed[-1]
    assert "password=SECRET\n" in node.fed[-1]
    assert "pcmk_" not in node.fed[-1]
    assert node.ran[-1] == ("fence_ipmilan",)
    for status, says in ((0, "on"), (2, "off")):
        node.answer("fence_ipmilan", (status, "", ""))
        assert find_evidence(node, work, Place("node2"), old.cib).devices == {"fence_node2": says}
    same = Change({"node1": node}, old, placeholder_secrets(old.cluster))
    assert not find_evidence(node, same, Place("node2"), old.cib).devices, "it tells of the new machine"


def test_the_mark_is_on_the_machine_before_it_is_in_the_cluster_and_stays_the_same() -> None:
    speaker = FakeNode("node1", {"crm_attribute": "", "cibadmin --delete": (105, "", "gone already")})
    machine = FakeNode("node2", {})
    desired = desired_of(MINIMAL)
    secrets = placeholder_secrets(desired.cluster)
    nodes = {"node1": speaker, "node2": machine}
    work = Replacing("node2", nodes, speaker, Performer(nodes, desired, secrets))
    speaker.answer("crm_attribute", (1, "", "not connected"))
    with pytest.raises(CommandFailed):
        work(rep.MarkReplacement("node2"))
    mark = machine.files[MARK]
    speaker.answer("crm_attribute", "")
    work(rep.MarkReplacement("node2"))
    assert machine.files[MARK] == mark
    assert speaker.ran[-1][-2:] == ("--update", mark.strip())
    work(rep.ForgetStatus("node2"))
    assert [argv[-1] for argv in speaker.ran[-2:]] == [
        "//node_state[@uname='node2']/transient_attributes", "//node_state[@uname='node2']/lrm",
    ]  # fmt: skip


def test_a_member_that_moves_is_taken_out_of_corosync_and_put_in_again_with_its_id() -> None:
    old, new = desired_of(MINIMAL), desired_of(MOVED)
    confs = [next(f.content for f in d.files["node1"] if f.path == COROSYNC_CONF) for d in (old, new)]
    assert moved(confs[1], cmap_of(confs[0]))
    assert not moved(confs[0], cmap_of(confs[0]))
    short = without_node(confs[1], "node2")
    assert "node2" not in short
    assert "nodeid: 1" in short
    speaker, machine = FakeNode("node1", {}, files={COROSYNC_CONF: confs[1]}), FakeNode("node2", {})
    loaded: list[str] = [confs[0]]
    speaker.answer("corosync-cmapctl", lambda _stdin: cmap_of(loaded[-1]))
    speaker.answer("corosync-cfgtool -R", lambda _stdin: loaded.append(speaker.files[COROSYNC_CONF]) or "")
    nodes = {"node1": speaker, "node2": machine}
    work = Replacing("node2", nodes, speaker, Performer(nodes, new, placeholder_secrets(new.cluster)))
    work(act.ReloadCorosync("node1"))
    assert loaded[1:] == [short, confs[1]]
    work(act.ReloadCorosync("node1"))
    assert loaded[3:] == [confs[1]], "nobody has moved since"
    assert speaker.files[COROSYNC_CONF] == confs[1]


def cmap_of(conf: str) -> str:
    return "".join(f"{key} (str) = {value}\n" for key, value in flatten(conf).items())
