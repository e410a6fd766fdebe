"""A machine is replaced only in a cluster that is fit otherwise, and never one that serves."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.files import MINIMAL
from support.widowed import GOOD, NOW, Widowed

from pcmk_ha.facts.drbd import DrbdState
from pcmk_ha.facts.generations import parse_generations
from pcmk_ha.facts.pacemaker import Failure, Leftover
from pcmk_ha.model.load import load_cluster_text
from pcmk_ha.operate.look.service import Service
from pcmk_ha.operate.look.standing import Standing
from pcmk_ha.operate.look.status import Health, MemberFacts, Status
from pcmk_ha.operate.replace.gate import reasons_against, reasons_against_place
from pcmk_ha.operate.replace.observe import Found, Storage
from pcmk_ha.plan.facts import Facts
from pcmk_ha.plan.replace import Evidence, Place

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
