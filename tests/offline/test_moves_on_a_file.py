"""Switchover, standby, maintenance, stop and start: on a CIB in a file, with Pacemaker's own tools and scheduler.

A run that is killed at any command is finished by the same command; a Ctrl-C leaves no constraint behind.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from support.files import ARBITER, MINIMAL
from support.on_file import OnFile
from support.told import Killed

from pcmk_ha.errors import PcmkHaError, Refused
from pcmk_ha.model.load import load_cluster_text
from pcmk_ha.operate.members import Members
from pcmk_ha.operate.moves import placement
from pcmk_ha.operate.moves.foresee import foresee_event
from pcmk_ha.operate.moves.halt import prepare_maintenance, prepare_start, prepare_stop
from pcmk_ha.operate.moves.mover import Mover, carry_out, no_constraint_left
from pcmk_ha.operate.moves.switchover import Intent, prepare_standby, prepare_switchover, prepare_unstandby

OURS = "pcmk-ha-switchover"


@pytest.fixture(params=[MINIMAL, MINIMAL + ARBITER], ids=["two votes", "three votes"])
def on_file(request: pytest.FixtureRequest, tmp_path: Path) -> OnFile:
    return OnFile.started(load_cluster_text(request.param), tmp_path)


@pytest.fixture
def two_votes(tmp_path: Path) -> OnFile:
    return OnFile.started(load_cluster_text(MINIMAL), tmp_path)


class Notes:
    """Takes down which steps were begun."""

    def __init__(self) -> None:
        self.begun: list[str] = []

    def started(self, text: str) -> None:
        self.begun.append(text)

    def finished(self, text: str, seconds: float) -> None:
        assert text == self.begun[-1]
        assert seconds >= 0

    def watched(self, seen: str) -> None:
        """Whatever it is."""


def do(on_file: OnFile, prepare: Callable[[Members], Intent], *, tidy: bool = True) -> list[str]:
    """Look, plan and act as the command does; `tidy` False: nothing is cleaned up, as after a SIGKILL."""
    members = on_file.members()
    mover, notes = Mover(members.cluster, members.nodes), Notes()
    intent = prepare(members)
    with no_constraint_left(mover, intent.plan) if tidy else contextlib.nullcontext():
        carry_out(intent.plan, mover, notes)
    return notes.begun


def switchover(to: str = "") -> Callable[[Members], Intent]:
    return lambda members: prepare_switchover(members, to)


def other(node: str) -> str:
    return {"node1": "node2", "node2": "node1"}[node]


# --- switchover


def test_a_switchover_checkpoints_moves_and_leaves_no_constraint(on_file: OnFile) -> None:
    before = on_file.service.promoted_on
    begun = do(on_file, switchover())
    after = on_file.service
    assert after.is_serving
    assert (after.promoted_on, after.unpromoted_on) == (other(before), (before,))
    assert on_file.checkpoints == [before]
    assert begun[0] == f"CHECKPOINT on {before}"
    assert OURS not in on_file.constraints


def test_the_constraint_of_a_switchover_ends_by_itself(two_votes: OnFile) -> None:
    members = two_votes.members()
    Mover(members.cluster, members.nodes)._tell(placement.prefer(members.cluster, "node1"))
    assert 'operation="lt" end="20' in two_votes.constraints
    assert placement.lifetime_s(members.cluster) > placement.patience_s(members.cluster)


def test_a_switchover_to_where_the_service_is_does_nothing(two_votes: OnFile) -> None:
    assert do(two_votes, switchover(two_votes.service.promoted_on)) == []


def test_what_is_foreseen_is_pacemakers_own_plan_and_nothing_changes(two_votes: OnFile) -> None:
    before = two_votes.service.promoted_on
    intent = prepare_switchover(two_votes.members(), "")
    assert intent.foreseen is not None
    lines = intent.foreseen.lines()
    assert any(line.startswith(f"stops on {before}: pg_server") for line in lines), lines
    assert f"promotes on {other(before)}: drbd_pgdata" in lines
    assert intent.moves_service
    assert two_votes.service.promoted_on == before
    assert OURS not in two_votes.constraints


@pytest.mark.parametrize("commands", range(1, 4))
def test_a_switchover_killed_anywhere_is_finished_by_the_next(two_votes: OnFile, commands: int) -> None:
    """CHECKPOINT, constraint, its removal: after each, without a chance to clean up."""
    before = two_votes.service.promoted_on
    two_votes.budget = commands
    with pytest.raises(Killed):
        do(two_votes, switchover(), tidy=False)
    two_votes.budget = -1
    # The last kill comes when everything is done: without a name the next run would rightly move the service back.
    do(two_votes, switchover(other(before) if commands == 3 else ""))
    assert two_votes.service.promoted_on == other(before)
    assert two_votes.service.is_serving
    assert OURS not in two_votes.constraints


def test_a_second_run_without_a_name_finishes_the_first_and_moves_nothing_back(two_votes: OnFile) -> None:
    before = two_votes.service.promoted_on
    two_votes.budget = 2
    with pytest.raises(Killed):
        do(two_votes, switchover(), tidy=False)
    assert OURS in two_votes.constraints
    two_votes.budget = -1
    assert do(two_votes, switchover()) == [f"remove the constraint that prefers {other(before)}"]
    assert two_votes.service.promoted_on == other(before)
    assert OURS not in two_votes.constraints


def test_what_a_killed_run_left_goes_also_when_the_next_is_refused_but_not_for_a_dry_run(two_votes: OnFile) -> None:
    before = two_votes.service.promoted_on
    two_votes.budget = 2
    with pytest.raises(Killed):
        do(two_votes, switchover(), tidy=False)
    two_votes.budget = -1
    two_votes.tool("crm_resource", "--resource", "pg", "--ban", "--node", before)
    for dry_run in (True, False):
        with pytest.raises(Refused, match="cli-ban-pg"):
            prepare_switchover(two_votes.members(), before, dry_run=dry_run)
        assert (OURS in two_votes.constraints) == dry_run


@pytest.mark.parametrize("commands", range(1, 3))
def test_a_ctrl_c_leaves_no_constraint(two_votes: OnFile, commands: int) -> None:
    def interrupt() -> BaseException:
        two_votes.budget = -1  # the cleaning-up itself is not interrupted
        return KeyboardInterrupt()

    two_votes.budget, two_votes.death = commands, interrupt
    with pytest.raises(KeyboardInterrupt):
        do(two_votes, switchover())
    assert OURS not in two_votes.constraints
    assert two_votes.service.is_serving


def test_a_move_that_fails_leaves_no_constraint_and_says_what_failed(two_votes: OnFile) -> None:
    """PostgreSQL cannot start over there: Pacemaker goes back, and that is seen at once."""
    before = two_votes.service.promoted_on
    two_votes.faults = ("--op-fail", f"pg_server_start_0@{other(before)}=5")  # not installed
    with pytest.raises(PcmkHaError, match=f"keeps the service on {before}: pg_server_start_0 on {other(before)}"):
        do(two_votes, switchover())
    assert OURS not in two_votes.constraints
    assert two_votes.service.promoted_on == before
    assert two_votes.service.is_up


def test_what_an_administrator_moved_stays_his_and_is_a_reason_to_refuse(two_votes: OnFile) -> None:
    to = other(two_votes.service.promoted_on)
    argv = ("crm_resource", "--resource", "drbd_pgdata-clone", "--move", "--promoted", "--node", to)
    two_votes.tool(*argv)
    with pytest.raises(Refused, match="constraint cli-prefer-drbd_pgdata-clone is in force"):
        do(two_votes, switchover())
    assert "cli-prefer-" in two_votes.constraints


def test_what_a_killed_run_set_going_comes_to_its_end_before_the_next_is_judged(two_votes: OnFile) -> None:
    two_votes.state = "S_TRANSITION_ENGINE"
    over = threading.Timer(1, setattr, (two_votes, "state", "S_IDLE"))
    over.start()
    do(two_votes, switchover())
    over.join()
    assert two_votes.checkpoints == ["node1"]


def test_nothing_is_moved_while_pacemaker_is_at_work(two_votes: OnFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pcmk_ha.operate.moves.rest.REST_S", 0.2)
    two_votes.state = "S_TRANSITION_ENGINE"
    with pytest.raises(Refused, match="Pacemaker is at work"):
        do(two_votes, switchover())
    assert two_votes.checkpoints == []


# --- standby


def test_a_node_that_serves_hands_over_before_it_is_in_standby(on_file: OnFile) -> None:
    before = on_file.service.promoted_on
    begun = do(on_file, lambda members: prepare_standby(members, before))
    service = on_file.service
    assert service.is_up
    assert (service.promoted_on, service.unpromoted_on) == (other(before), ())
    assert begun.index(f"the service is up on {other(before)}") < begun.index(f"set the standby attribute of {before}")
    assert OURS not in on_file.constraints
    do(on_file, lambda members: prepare_unstandby(members, before))
    assert on_file.service.is_serving
    assert on_file.service.promoted_on == other(before)


def test_the_other_node_goes_into_standby_without_a_move(two_votes: OnFile) -> None:
    serves = two_votes.service.promoted_on
    assert do(two_votes, lambda members: prepare_standby(members, other(serves))) == [
        f"set the standby attribute of {other(serves)}",
        f"{other(serves)} runs nothing of the service",
    ]
    assert two_votes.service.promoted_on == serves


def test_the_last_node_that_can_serve_is_never_put_into_standby(two_votes: OnFile) -> None:
    serves = two_votes.service.promoted_on
    do(two_votes, lambda members: prepare_standby(members, other(serves)))
    with pytest.raises(Refused, match="there is no second good copy"):
        do(two_votes, lambda members: prepare_standby(members, serves))
    assert two_votes.service.promoted_on == serves


@pytest.mark.parametrize("commands", range(1, 5))
def test_a_standby_killed_anywhere_is_finished_by_the_next(two_votes: OnFile, commands: int) -> None:
    node = two_votes.service.promoted_on
    two_votes.budget = commands
    with pytest.raises(Killed):
        do(two_votes, lambda members: prepare_standby(members, node), tidy=False)
    two_votes.budget = -1
    do(two_votes, lambda members: prepare_standby(members, node))
    service = two_votes.service
    assert service.is_up
    assert node not in (service.promoted_on, *service.unpromoted_on)
    assert OURS not in two_votes.constraints


# --- maintenance


def on(members: Members) -> Intent:
    return prepare_maintenance(members, on=True)


def off(members: Members) -> Intent:
    return prepare_maintenance(members, on=False)


def test_maintenance_mode_goes_on_and_off_and_moves_nothing(on_file: OnFile) -> None:
    before = on_file.service
    do(on_file, on)
    assert do(on_file, on) == []
    with pytest.raises(Refused, match="the cluster is in maintenance mode"):
        do(on_file, switchover())
    with pytest.raises(Refused, match="Pacemaker stops nothing"):
        do(on_file, prepare_stop)
    do(on_file, off)
    assert do(on_file, off) == []
    assert on_file.service == before


def test_in_maintenance_mode_nobody_is_fenced(two_votes: OnFile) -> None:
    """What the command says before it asks, by Pacemaker's own scheduler."""
    members = two_votes.members()
    lost = other(two_votes.service.promoted_on)
    fenced = foresee_event(members.any_node(), members.cluster, "--node-fail", lost)
    assert f"fences {lost}" in fenced.lines()
    do(two_votes, on)
    assert foresee_event(members.any_node(), members.cluster, "--node-fail", lost).touched == ()


def test_maintenance_mode_is_not_left_when_pacemaker_would_move_the_service(two_votes: OnFile) -> None:
    serves = two_votes.service.promoted_on
    do(two_votes, on)
    two_votes.tool("crm_attribute", "--node", serves, "--name", "standby", "--update", "on")
    with pytest.raises(Refused, match="Pacemaker would stop, demote or fence pg_server"):
        do(two_votes, off)
    assert two_votes.service.promoted_on == serves
    do(two_votes, lambda members: prepare_maintenance(members, on=False, force=True))
    assert two_votes.service.promoted_on == other(serves)


def test_maintenance_mode_is_not_left_when_the_nodes_are_not_what_pacemaker_believes(two_votes: OnFile) -> None:
    """Nothing is monitored meanwhile: a PostgreSQL stopped by hand still runs, as far as Pacemaker knows."""
    serves = two_votes.service.promoted_on
    do(two_votes, on)
    two_votes.deaf.add(serves)
    with pytest.raises(Refused, match=f"PostgreSQL to run on {serves}, and it takes no connections"):
        do(two_votes, off)


# --- stop and start


def test_a_cluster_stops_and_starts_whole(on_file: OnFile) -> None:
    """That no Corosync ends before every resource is stopped everywhere is asserted by the nodes themselves."""
    serves = on_file.service.promoted_on
    begun = do(on_file, prepare_stop)
    assert begun[0] == f"CHECKPOINT on {serves}"
    assert all(units == set() for units in on_file.units.values())
    assert do(on_file, prepare_stop) == []
    do(on_file, prepare_start)
    assert on_file.service.is_serving
    assert do(on_file, prepare_start) == []


@pytest.mark.parametrize("commands", range(1, 7))
def test_a_stop_killed_anywhere_is_finished_by_the_next(two_votes: OnFile, commands: int) -> None:
    two_votes.budget = commands
    with contextlib.suppress(Killed):
        do(two_votes, prepare_stop)
    two_votes.budget = -1
    do(two_votes, prepare_stop)
    assert all(units == set() for units in two_votes.units.values())
    assert two_votes.active() == []


def test_a_start_leaves_postgresql_stopped_where_a_backup_was_not_recovered(on_file: OnFile) -> None:
    do(on_file, prepare_stop)
    on_file.labels = ("/srv/pgdata/15/main/backup_label",)
    with pytest.raises(PcmkHaError, match="backup_label is there"):
        do(on_file, prepare_start)
    assert on_file.service.volume_on
    assert not on_file.service.database_on
    assert not on_file.service.vip_on
    on_file.labels = ()
    do(on_file, prepare_start)
    assert on_file.service.is_serving
    assert "pcmk-ha-hold" not in on_file.constraints


@pytest.mark.parametrize("commands", range(1, 8))
def test_a_start_killed_anywhere_is_finished_by_the_next(two_votes: OnFile, commands: int) -> None:
    do(two_votes, prepare_stop)
    two_votes.budget = commands
    with pytest.raises(Killed):
        do(two_votes, prepare_start)
    two_votes.budget = -1
    do(two_votes, prepare_start)
    assert two_votes.service.is_serving
    assert "stop-all-resources" not in two_votes.execute(("cibadmin", "--query")).stdout


@pytest.mark.parametrize("commands", range(1, 5))
def test_a_stop_that_was_begun_can_be_taken_back(two_votes: OnFile, commands: int) -> None:
    two_votes.budget = commands
    with contextlib.suppress(Killed):
        do(two_votes, prepare_stop)
    two_votes.budget = -1
    do(two_votes, prepare_start)
    assert two_votes.service.is_serving


def test_a_cluster_with_a_failure_is_stopped_only_by_force(two_votes: OnFile) -> None:
    two_votes.simulated.inject("--op-inject", f"pg_vip_monitor_10000@{two_votes.service.promoted_on}=7")
    two_votes.settle()
    with pytest.raises(Refused, match="pg_vip") as refused:
        do(two_votes, prepare_stop)
    assert "--force" in refused.value.hint
    do(two_votes, lambda members: prepare_stop(members, force=True))
    assert all(units == set() for units in two_votes.units.values())


def test_corosync_goes_on_when_a_copy_was_not_stopped_as_a_good_one(two_votes: OnFile) -> None:
    two_votes.generations["node2"] = "5A2C7E0B9D1F3C40:0:0:0:1:0:0:0:0:0:0\n"
    with pytest.raises(PcmkHaError, match="node2: the copy was stopped as not UpToDate"):
        do(two_votes, prepare_stop)
    assert all("corosync.service" in units for units in two_votes.units.values())
    do(two_votes, prepare_start)
    assert two_votes.service.is_serving
