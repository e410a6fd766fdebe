"""Every node is really fenced, one after the other, and what was killed on the way is gone on with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.proven import T0, FencedWorld
from support.told import Killed

from pcmk_ha.cli.status_screen import proofs
from pcmk_ha.errors import PcmkHaError, Refused
from pcmk_ha.facts.records import Records, Verified, parse_records
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.fencing.fence_test import FenceTest, check_ready, foretell, look_when_ready, plan_order
from pcmk_ha.operate.look.status import MemberFacts, Status, summarise
from pcmk_ha.operate.secrets import placeholder_secrets

NOW = T0 + timedelta(minutes=30)


pytestmark = pytest.mark.usefixtures("no_waiting")


def run(world: FencedWorld, *, since: datetime | None = None, with_failover: bool = False) -> list[str]:
    status = world.look()
    check_ready(status, NOW)
    test = FenceTest(
        world.cluster,
        placeholder_secrets(world.cluster),
        world.look,
        world.connect,
        world.reached,
        lambda _text: None,
        with_failover,
    )
    return [proof.node for proof in test.run(plan_order(world.cluster, status, since=since))]


def test_the_standby_is_fenced_first_and_nobody_while_it_serves(with_arbiter: Cluster) -> None:
    world = FencedWorld(with_arbiter)
    assert run(world) == ["node2", "arbiter", "node1"]
    assert (world.fenced, world.outages, world.broken) == (["node2", "arbiter", "node1"], 0, [])
    assert world.promoted == "node2"
    assert world.checkpoints == ["node1"]
    assert not world.preferred
    assert set(world.records) == {"node1", "node2", "arbiter"}


def test_with_failover_the_node_that_serves_is_fenced_while_it_does(minimal: Cluster) -> None:
    world = FencedWorld(minimal)
    assert run(world, with_failover=True) == ["node2", "node1"]
    assert (world.outages, world.broken) == (1, [])


def test_what_will_happen_is_said_of_each_node(with_arbiter: Cluster) -> None:
    status = FencedWorld(with_arbiter).look()
    order = plan_order(with_arbiter, status)
    said = list(foretell(with_arbiter, status, order, with_failover=False))
    assert [line.partition(" ")[0] for line in said] == ["node2", "arbiter", "node1"]
    assert "moves to node2" in said[2]
    assert "switched off while it does" in list(foretell(with_arbiter, status, order, with_failover=True))[2]


def test_nodes_proven_recently_are_left_out(minimal: Cluster) -> None:
    world = FencedWorld(minimal, records={"node2": "2026-11-20T10:00:00Z", "node1": "2026-08-20T10:00:00Z"})
    assert run(world, since=T0 - timedelta(days=30)) == ["node1"]
    assert run(world, since=T0 - timedelta(days=30)) == []


def test_a_device_that_does_not_answer_every_other_member_stops_it_before_anything_is_fenced(
    with_arbiter: Cluster,
) -> None:
    world = FencedWorld(with_arbiter, mute="node2")
    with pytest.raises(Refused, match="the device of node2 does not answer node1"):
        run(world)
    assert world.fenced == []


def test_a_cluster_that_is_not_healthy_is_refused_with_the_reason(minimal: Cluster) -> None:
    world = FencedWorld(minimal)
    world.fence("node2", client="pacemaker-controld.4")
    with pytest.raises(Refused, match="node2 is offline"):
        run(world)
    assert world.fenced == ["node2"]


def test_a_fencing_that_a_killed_run_just_asked_for_is_known_a_moment_later(minimal: Cluster) -> None:
    """The node is off already, and the fencer does not say yet who asked for it."""
    world, looks = FencedWorld(minimal), 0
    world.fence("node2")
    entry = world.history.pop().replace('status="success"', 'status="pending"').replace(" completed=", " x=")

    def look() -> Status:
        nonlocal looks
        looks += 1
        world.history[:] = [entry] if looks > 2 else []
        return world.look()

    assert look_when_ready(look).nodes["node2"] != "online"
    assert looks == 3


def test_a_fencing_of_our_own_long_ago_excuses_nothing(minimal: Cluster) -> None:
    world = FencedWorld(minimal)
    world.fence("node2")
    check_ready(world.look(), NOW)
    with pytest.raises(Refused):
        check_ready(world.look(), NOW + timedelta(hours=2))


@pytest.mark.parametrize("arbiter", [False, True])
def test_a_run_killed_at_any_command_is_finished_by_the_next(
    minimal: Cluster, with_arbiter: Cluster, arbiter: bool
) -> None:
    cluster = with_arbiter if arbiter else minimal
    whole = FencedWorld(cluster)
    run(whole)
    for kill_at in range(whole.now):
        world = FencedWorld(cluster, kill_at=kill_at)
        try:
            run(world)
        except Killed:
            world.killed, world.kill_at = False, None
        else:
            break
        run(world, since=T0)
        assert set(world.records) == set(world.lives), kill_at
        assert (world.outages, world.broken, world.preferred) == (0, [], ""), kill_at
    assert kill_at > 20


def test_where_fencing_leaves_nodes_off_they_are_switched_on_again_even_by_the_next_run(minimal: Cluster) -> None:
    cluster = minimal.model_copy(update={"stonith": minimal.stonith.model_copy(update={"action": "off"})})
    world = FencedWorld(cluster, starts_alone=False)
    assert run(world) == ["node2", "node1"]
    for kill_at in range(8, 16):
        world = FencedWorld(cluster, starts_alone=False, kill_at=kill_at)
        with pytest.raises(Killed):
            run(world)
        world.killed, world.kill_at = False, None
        run(world, since=T0)
        assert set(world.records) == {"node1", "node2"}


def test_a_history_without_a_new_success_proves_nothing(minimal: Cluster) -> None:
    class Forgetful(FencedWorld):
        def fence(self, node: str, *, client: str = "") -> None:
            super().fence(node)
            self.history.clear()

    world = Forgetful(minimal)
    with pytest.raises(PcmkHaError, match="no new success for node2"):
        run(world)
    assert world.records == {}


# --- records


def test_records_are_read_from_the_nodes_attributes(outputs: Path) -> None:
    found = parse_records((outputs / "cibadmin/nodes-2.1.5.xml").read_text())
    assert found.fenced == {"node2": datetime(2026, 11, 24, 12, 43, 53, tzinfo=UTC)}
    assert found.verified == Verified(datetime(2026, 11, 24, 13, 0, tzinfo=UTC), 40)
    assert found.resynced == datetime(2026, 11, 24, 13, 5, tzinfo=UTC)
    assert found.differing_kib == 0
    assert parse_records("") == Records()


@pytest.mark.parametrize("value", ["", "yesterday", "2026-11-24T13:00:00Z", "2026-11-24T13:00:00Z many"])
def test_a_value_that_is_no_record_counts_as_none(value: str) -> None:
    text = f"""<nodes><node uname="node1"><instance_attributes>
      <nvpair name="pcmk-ha-verified" value="{value}"/></instance_attributes></node></nodes>"""
    assert parse_records(text) == Records()


def test_status_says_how_long_ago_each_node_was_proven_and_never_as_a_failure(minimal: Cluster) -> None:
    world = FencedWorld(minimal, records={"node2": "2026-11-12T12:00:00Z"})
    status = world.look()
    assert not status.findings
    said = list(proofs(status, T0))
    assert said[0] == "fencing last proven: node1 never, node2 12 days ago (pcmk-ha fence-test)"
    assert said[1] == "copies last compared: never (pcmk-ha verify)"
    assert status.as_dict()["proofs"]["fenced"] == {"node1": None, "node2": "2026-11-12T12:00:00Z"}
    world.records["node1"] = "2026-11-24T10:30:00Z"
    assert next(proofs(world.look(), T0)) == "fencing last proven: node1 1 hour ago, node2 12 days ago"


def test_differences_that_nobody_has_mended_are_a_finding(minimal: Cluster) -> None:
    world = FencedWorld(minimal)
    member = world.look().members["node1"]
    values = {"pcmk-ha-verified": "2026-11-24T13:00:00Z 40"}

    def look() -> tuple[str, ...]:
        pairs = "".join(f'<nvpair name="{name}" value="{value}"/>' for name, value in values.items())
        text = f'<nodes><node uname="node1"><instance_attributes>{pairs}</instance_attributes></node></nodes>'
        facts = MemberFacts(**{**vars(member), "attributes": text})
        status = summarise(minimal, {"node1": facts, "node2": facts}, {})
        return tuple(finding.what for finding in status.findings)

    assert look() == ("both copies are not the same: 40 KiB differ",)
    values["pcmk-ha-resynced"] = "2026-11-24T13:05:00Z"
    assert look() == ()
