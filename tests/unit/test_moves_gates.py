"""What may be moved, stopped and left alone, and when: gates on captured output, and on what Pacemaker would do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.serving import UP

from pcmk_ha.errors import Refused
from pcmk_ha.facts.corosync import Quorum
from pcmk_ha.facts.drbd import DrbdState
from pcmk_ha.facts.simulate import Deed, parse_deeds
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.data.stopped import StoppedCopy, parse_generation, reasons_against_copies
from pcmk_ha.operate.look.service import Service, parse_service
from pcmk_ha.operate.look.standing import Standing, stand
from pcmk_ha.operate.look.status import Health, MemberFacts, summarise
from pcmk_ha.operate.moves.foresee import Foreseen
from pcmk_ha.operate.moves.gate import (
    reasons_against_leaving_maintenance,
    reasons_against_move,
    reasons_against_placement,
    reasons_against_stop,
    reasons_never_to_stop,
    reasons_of_labels,
    refuse,
)

PRIMARY = DrbdState("Primary", "UpToDate", "Connected", "UpToDate")
SECONDARY = replace(PRIMARY, role="Secondary")


@pytest.fixture(params=["2.1.5", "3.0.0"])
def version(request: pytest.FixtureRequest) -> str:
    """Of Pacemaker, whose tools wrote what is read."""
    return str(request.param)


@pytest.fixture
def healthy(version: str, outputs: Path) -> str:
    name = {"2.1.5": "healthy-simulated-2.1.5", "3.0.0": "healthy-3.0.0"}[version]
    return (outputs / f"crm_mon/{name}.xml").read_text()


def members(crm_mon: str, **changes: object) -> dict[str, MemberFacts]:
    """Two members; the first serves, and the changes are its own."""
    quorum = Quorum(quorate=True, votes=2, expected=2, flags=())
    good = MemberFacts(crm_mon=crm_mon, constraints="<constraints/>", quorum=quorum, drbd=PRIMARY, answers=True)
    return {
        "node1": replace(good, **changes),  # type: ignore[arg-type]
        "node2": replace(good, drbd=SECONDARY, answers=False, constraints=str(changes.get("constraints", ""))),
    }


def standing(cluster: Cluster, crm_mon: str, *, state: str = "S_IDLE", **changes: object) -> Standing:
    return stand(summarise(cluster, members(crm_mon, **changes), {}), state)


# --- gates


def test_a_healthy_cluster_may_be_moved_and_stopped(minimal: Cluster, healthy: str) -> None:
    found = standing(minimal, healthy)
    assert reasons_against_move(minimal, found, "node2") == ()
    assert reasons_against_stop(minimal, found) == reasons_never_to_stop(found) == ()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"drbd": replace(PRIMARY, connection="SyncSource", peer_disk="Inconsistent")}, "no second good copy (node1"),
        ({"drbd": DrbdState()}, "no second good copy (node1: DRBD is down)"),
        ({"drbd": None}, "nothing is known of the copy on node1"),
        ({"constraints": '<c><rsc_location id="cli-ban-x" rsc="pg"/></c>'}, "constraint cli-ban-x is in force"),
        (
            {"constraints": '<c><rsc_location id="drbd-fence-by-handler-x" rsc="d"/></c>'},
            "constraint drbd-fence-by-handler-x is in force",
        ),
    ],
)
def test_what_forbids_a_move_is_said(minimal: Cluster, healthy: str, changes: dict[str, object], says: str) -> None:
    found = standing(minimal, healthy, **changes)
    for reasons in (reasons_against_move(minimal, found, "node2"), reasons_against_stop(minimal, found)):
        assert any(says in reason for reason in reasons), reasons


def test_a_failed_action_a_dead_device_and_a_lost_quorum_forbid_a_move(minimal: Cluster, healthy: str) -> None:
    failure = '<failures><failure op_key="pg_server_start_0" node="node2" exitstatus="error"/></failures>'
    end = "</pacemaker-result>"
    for text, says in (
        (healthy.replace(end, failure + end), "pg_server_start_0 on node2"),
        (healthy.replace('role="Started"', 'role="Stopped"', 1), "1 of 2 STONITH devices run"),
        (healthy.replace('with_quorum="true"', 'with_quorum="false"'), "the cluster has no quorum"),
    ):
        reasons = reasons_against_move(minimal, standing(minimal, text), "node2")
        assert any(says in reason for reason in reasons), (says, reasons)


def test_a_transition_under_way_forbids_a_move_and_so_does_a_dc_that_does_not_answer(
    minimal: Cluster, healthy: str
) -> None:
    for state in ("S_TRANSITION_ENGINE", "S_POLICY_ENGINE", "S_ELECTION", ""):
        (reason,) = reasons_against_move(minimal, standing(minimal, healthy, state=state), "node2")
        assert "Pacemaker is at work" in reason


def test_our_own_leftover_forbids_nothing_and_is_known(
    minimal: Cluster, healthy: str, outputs: Path, version: str
) -> None:
    text = (outputs / f"cibadmin/constraints-of-a-switchover-{version}.xml").read_text()
    found = standing(minimal, healthy, constraints=text)
    assert found.preferred == "node2"
    assert reasons_against_move(minimal, found, "node2") == ()
    (leftover,) = found.status.leftovers
    assert "`pcmk-ha switchover` finishes it" in leftover.hint
    assert found.status.health is Health.DEGRADED


def test_a_node_in_standby_is_no_target_and_status_says_what_it_is(
    minimal: Cluster, outputs: Path, version: str
) -> None:
    text = (outputs / f"crm_mon/node2-standby-simulated-{version}.xml").read_text()
    found = standing(minimal, text)
    assert "node2 is standby" in reasons_against_move(minimal, found, "node2")
    assert found.standby == frozenset({"node2"})
    assert found.status.health is Health.DEGRADED
    said = {finding.what: finding.todo for finding in found.status.findings}
    assert said["node2 is in standby: it runs nothing, and cannot take over"] == (
        "`pcmk-ha unstandby node2` brings it back"
    )


def test_maintenance_mode_forbids_a_move_and_a_stop_and_is_never_healthy(
    minimal: Cluster, outputs: Path, version: str
) -> None:
    found = standing(minimal, (outputs / f"crm_mon/maintenance-simulated-{version}.xml").read_text())
    assert found.status.service.is_up
    assert found.status.health is Health.DEGRADED
    assert any("MAINTENANCE MODE" in finding.what for finding in found.status.findings)
    assert reasons_against_move(minimal, found, "node2") == ("the cluster is in maintenance mode",)
    assert any("Pacemaker stops nothing" in reason for reason in reasons_never_to_stop(found))


def test_a_cluster_told_to_run_nothing_says_so_and_its_stop_goes_on_without_questions(
    minimal: Cluster, outputs: Path, version: str
) -> None:
    text = (outputs / f"crm_mon/told-to-stop-simulated-{version}.xml").read_text()
    found = standing(minimal, text, drbd=DrbdState(), answers=False)
    assert found.stop_all is True
    assert found.status.health is Health.DOWN
    assert any("told to run nothing" in finding.what for finding in found.status.findings)
    assert reasons_against_stop(minimal, found) == reasons_never_to_stop(found) == ()
    assert any("`pcmk-ha start`" in reason for reason in reasons_against_move(minimal, found, "node2"))


def test_a_member_that_runs_the_cluster_and_cannot_be_reached_forbids_a_stop_by_force_too(
    minimal: Cluster, healthy: str
) -> None:
    found = members(healthy)
    del found["node2"]
    out_of_reach = stand(summarise(minimal, found, {"node2": "no answer"}), "S_IDLE")
    (reason,) = reasons_never_to_stop(out_of_reach)
    assert reason == "node2 runs the cluster and does not answer SSH: no answer"


def test_without_pacemaker_there_is_one_reason_and_no_guess(minimal: Cluster) -> None:
    found = stand(summarise(minimal, {"node1": MemberFacts()}, {"node2": "no answer"}), "")
    assert found.stop_all is None
    assert "no member that answers runs Pacemaker" in reasons_against_move(minimal, found, "node2")
    assert reasons_never_to_stop(found) == ("no member that answers runs Pacemaker",)


def test_every_reason_is_given_at_once() -> None:
    refuse(())
    with pytest.raises(Refused, match="one; two"):
        refuse(["one", "two"])


def test_nothing_moves_or_leaves_maintenance_where_a_backup_was_not_recovered(minimal: Cluster, healthy: str) -> None:
    found = standing(minimal, healthy, labels=("/srv/pgdata/17/main/backup_label",))
    (reason,) = reasons_of_labels(found)
    assert "node1: /srv/pgdata/17/main/backup_label is there" in reason
    assert reason in reasons_against_move(minimal, found, "node2")
    assert found.status.health is Health.DEGRADED
    assert any("pcmk-ha restore" in finding.todo for finding in found.status.findings)


# --- what is foreseen


def test_a_transition_is_read_as_what_is_done_in_order(outputs: Path, version: str) -> None:
    deeds = parse_deeds((outputs / f"crm_simulate/switchover-{version}.xml").read_text())
    assert deeds[0] == Deed("stops", "pg_server", "node1")
    after = replace(UP, promoted_on="node2", database_on="node2", vip_on="node2")
    foreseen = Foreseen(UP, after, deeds)
    assert foreseen.lines() == (
        "stops on node1: pg_server, pg_vip, pg_fs",
        "demotes on node1: drbd_pgdata",
        "promotes on node2: drbd_pgdata",
        "starts on node2: pg_fs, pg_server, pg_vip",
    )
    assert foreseen.touched == ("pg_server", "pg_vip", "pg_fs", "drbd_pgdata")
    assert reasons_against_placement(foreseen, "node2") == ()
    assert parse_deeds("") == ()


def test_a_plan_of_pacemaker_that_is_not_the_move_is_refused() -> None:
    assert reasons_against_placement(Foreseen(UP, UP), "node2") == (
        "Pacemaker would place the service on node1, not on node2",
    )
    assert reasons_against_placement(Foreseen(UP, Service()), "node2") == ("Pacemaker would place the service nowhere",)
    fenced = Foreseen(UP, UP, parse_deeds('<t><fencing_action target="node2" op="reboot"/></t>'))
    assert reasons_against_placement(fenced, "node1") == ("Pacemaker would fence node2",)


def test_a_restart_in_place_is_a_reason_to_stay_in_maintenance_mode(
    minimal: Cluster, outputs: Path, version: str
) -> None:
    found = standing(minimal, (outputs / f"crm_mon/maintenance-simulated-{version}.xml").read_text())
    restart = (Deed("stops", "pg_server", "node1"), Deed("starts", "pg_server", "node1"))
    assert reasons_against_leaving_maintenance(found, Foreseen(UP, UP)) == ()
    (reason,) = reasons_against_leaving_maintenance(found, Foreseen(UP, UP, restart))
    assert "pg_server" in reason


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"drbd": SECONDARY}, "promoted on node1, and it is Secondary"),
        ({"answers": False}, "PostgreSQL to run on node1, and it takes no connections"),
    ],
)
def test_maintenance_mode_is_not_left_on_a_wrong_belief(
    minimal: Cluster, outputs: Path, version: str, changes: dict[str, object], says: str
) -> None:
    text = (outputs / f"crm_mon/maintenance-simulated-{version}.xml").read_text()
    (reason,) = reasons_against_leaving_maintenance(standing(minimal, text, **changes), Foreseen(UP, UP))
    assert says in reason


# --- readers


def test_the_metadata_of_a_stopped_copy_is_read() -> None:
    """As drbdmeta 9.22 prints them for DRBD 8.4's and 9's metadata; the lowest bit of a generation is a role's."""
    good = parse_generation("5A2C7E0B9D1F3C41:0000000000000000:7B1D3F5A9C2E4B60:8C2E4F6BAD3F5C71:1:1:0:1:0:0:0\n")
    assert good == StoppedCopy("5A2C7E0B9D1F3C40", up_to_date=True, primary=False)
    new = parse_generation("0000000000000004:0000000000000000:0000000000000000:0000000000000000:0:0:0:0:0:0:0\n")
    assert new == StoppedCopy("0000000000000004", up_to_date=False, primary=False)
    nine = "0000000000000004:0000000000000000:0000000000000000:0000000000000000:0:0:0:0:1:0:0:0:0:0:0:0\n"
    assert parse_generation(nine) == new
    assert parse_generation("No usable activity log\n") is parse_generation("") is None
    primary = replace(good, primary=True)
    assert reasons_against_copies({"node1": good, "node2": good}) == ()
    for copies in (
        {"node1": good, "node2": new}, {"node1": good, "node2": None}, {"node1": primary, "node2": good},
        {"node1": good, "node2": replace(good, generation="0" * 16)},
    ):  # fmt: skip
        assert len(reasons_against_copies(copies)) >= 1, copies


def test_the_service_is_read_alike_from_both_pacemakers(minimal: Cluster, healthy: str) -> None:
    service = parse_service(healthy, minimal)
    assert service.is_serving
    assert (service.promoted_on, service.unpromoted_on) == ("node1", ("node2",))
