"""What apply does on nodes, and what it refuses to do."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from support.fake_node import Answer, FakeNode
from support.files import MINIMAL
from support.planned import desired_of
from support.proven import FencedWorld

from pcmk_ha.cib.diff import diff_lines
from pcmk_ha.cib.items import config_digest, items
from pcmk_ha.cib.merge import merge
from pcmk_ha.cli import change as command
from pcmk_ha.errors import BadInput, PcmkHaError, Refused
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.change.applied import RECORD, keep_record, note_beginning, read_record, remove_record
from pcmk_ha.operate.change.rolling import restart_member
from pcmk_ha.operate.look.server import look_at_server
from pcmk_ha.operate.members import Members
from pcmk_ha.operate.parts.cluster import push_cib, push_fencing
from pcmk_ha.operate.parts.node import renew_watch
from pcmk_ha.operate.parts.server import (
    BAD_RULES,
    LOADED,
    SETTINGS,
    reload_server,
    restart_server,
    write_server_files,
)
from pcmk_ha.plan.actions import CreateMetadata, PushCib
from pcmk_ha.plan.compare import Difference, Kind
from pcmk_ha.plan.facts import ServiceFacts, Setting
from pcmk_ha.plan.impact import Impact
from pcmk_ha.plan.proposal import Proposal
from pcmk_ha.plan.values import Plan, Step

DESIRED = desired_of(MINIMAL)
CIB = DESIRED.cib
OLD = CIB.replace('name="stonith-timeout" value="60s"', 'name="stonith-timeout" value="99s"')
CONF = next(f for f in DESIRED.volume_files if f.path.endswith("pcmk-ha.conf"))
PID = f"{DESIRED.data_directory}/postmaster.pid"
POSTMASTER = {PID: "812\n/srv/pgdata/17/main\n1795524247\n5433\n/run/postgresql\n*\n"}
PROGRAM = f"/usr/lib/postgresql/{DESIRED.postgresql_version}/bin/psql"
PSQL = f"runuser -u postgres -- env -C / {PROGRAM} -X -A -t -h /run/postgresql -p 5433 -c"
RELOAD = "SELECT pg_reload_conf()"
CHECK = "runuser -u postgres -- env -C / /usr/lib/postgresql/17/bin/postgres"


# --- the configuration


def cluster_node(live: str) -> FakeNode:
    answers = {
        "cibadmin --query": live, "crm_verify -V --xml-pipe": "", "install -d": "", "rm -f": "",
        "crm_diff": (1, "<diff/>", ""), "cibadmin --patch --xml-pipe": "",
    }  # fmt: skip
    return FakeNode("node1", answers)  # type: ignore[arg-type]


def test_the_difference_goes_in_as_one_patch() -> None:
    node = cluster_node(OLD)
    push_cib(node, CIB, expected=config_digest(OLD))
    assert [argv for argv in node.ran if "--patch" in argv] == [("cibadmin", "--patch", "--xml-pipe")]
    assert items(node.files["/run/pcmk-ha/target.xml"]) == items(CIB)


def test_a_configuration_that_somebody_else_changed_meanwhile_is_left_alone() -> None:
    node = cluster_node(OLD)
    with pytest.raises(Refused, match="changed by somebody else"):
        push_cib(node, CIB, expected=config_digest(CIB))
    assert not node.files
    assert not [argv for argv in node.ran if "--patch" in argv]


def test_an_epoch_or_a_handlers_constraint_is_no_change_of_somebody_elses() -> None:
    moved = OLD.replace('epoch="1"', 'epoch="7"').replace(
        "<constraints>", '<constraints><rsc_location id="drbd-fence-by-handler-pgdata-x" rsc="pg"/>'
    )
    node = cluster_node(moved)
    push_cib(node, CIB, expected=config_digest(OLD))
    assert "drbd-fence-by-handler" in node.files["/run/pcmk-ha/target.xml"]


def test_what_another_admin_brought_about_already_is_no_reason_to_refuse() -> None:
    push_cib(cluster_node(CIB), CIB, expected=config_digest(OLD))


@pytest.mark.parametrize(
    ("versions", "upgraded"), [("1.0 3.9 3.10 4.0", True), ("3.10 1.0 3.9", True), ("1.0 2.10 3.9", False)]
)
def test_the_first_configuration_takes_the_newest_form_that_pacemaker_knows(versions: str, upgraded: bool) -> None:
    node = cluster_node(OLD)  # of the form 3.9
    known = "".join(f"/usr/share/pacemaker/pacemaker-{version}.rng\n" for version in versions.split())
    node.answer("find /usr/share/pacemaker", known)
    node.answer("cibadmin --upgrade --force", "")
    push_fencing(node, DESIRED)
    assert (("cibadmin", "--upgrade", "--force") in node.ran) == upgraded


@pytest.mark.parametrize("name", ["pcmk-ha-attributes.service", "watch-peer", "device.sh", "corosync.conf"])
def test_what_watches_the_peer_is_started_anew_when_it_changed(name: str) -> None:
    node = FakeNode("node1", {"systemctl": ""})
    renew_watch(node, ("/etc/hosts", f"/somewhere/{name}"))
    restarted = [argv for argv in node.ran if "try-restart" in argv]
    assert len(restarted) == (name != "corosync.conf")


def test_only_what_was_ours_is_taken_out() -> None:
    theirs = '<nvpair id="y" name="migration-limit" value="7"/>'
    live = CIB.replace(
        "</cluster_property_set>", f'<nvpair id="x" name="batch-limit" value="3"/>{theirs}</cluster_property_set>'
    )
    found = merge(live, CIB, ("cib-bootstrap-options/batch-limit",))
    assert "batch-limit" not in found
    assert "migration-limit" in found


def test_a_difference_in_secrets_is_said_and_not_shown() -> None:
    assert diff_lines(CIB, CIB.replace('"SECRET"', '"canary"')) == ("secrets differ",)
    assert any("stonith-timeout=99s" in line for line in diff_lines(OLD, CIB))


# --- records


def test_a_record_is_noted_before_and_kept_after_and_goes_with_the_cluster() -> None:
    node = FakeNode("node1", {"rm -f": ""})
    assert read_record(node) is None
    note_beginning(node, DESIRED)
    begun = read_record(node)
    assert begun is not None
    assert not begun.complete
    keep_record(node, DESIRED, 4)
    kept = read_record(node)
    assert kept is not None
    assert (kept.complete, kept.generation) == (True, 4)
    assert "SECRET" not in node.files[RECORD]
    remove_record(node)
    assert node.ran[-1] == ("rm", "-f", RECORD)


# --- PostgreSQL


def test_parameters_are_asked_of_the_port_that_the_server_listens_on() -> None:
    said = "port|postmaster|t|/srv/pgdata/17/main/conf.d/pcmk-ha.conf\nwork_mem|user|f|\n"
    asked = {
        f"{PSQL} {SETTINGS}": said,
        f"{PSQL} {LOADED}": "400.5\n",
        "sha256sum": "",
        "stat": "",
        "stat -c %Y": "500\n",
    }
    node = FakeNode("node1", asked, files=POSTMASTER)
    found = look_at_server(node, DESIRED, ServiceFacts())
    assert found.settings["port"] == Setting(
        "postmaster", pending_restart=True, source="/srv/pgdata/17/main/conf.d/pcmk-ha.conf"
    )
    assert found.settings["work_mem"] == Setting("user")
    assert not found.settings_loaded


def server_node(answers: Mapping[str, Answer], path: str, *, written: int = 500) -> FakeNode:
    """A node with a server that read its configuration 600 s after 1970, and again whenever it is told to."""
    loads = iter((600, 600, *range(601, 700)))
    served = {f"{PSQL} {LOADED}": lambda _stdin: str(next(loads)), f"{PSQL} {RELOAD}": "t\n", "stat": f"{written}\n"}
    return FakeNode("node1", {PSQL: "", **answers, **served}, files={**POSTMASTER, path: "old\n"})


@pytest.mark.parametrize(("written", "reloads"), [(500, 1), (700, 0)])
def test_a_configuration_the_server_would_not_start_with_is_taken_back(written: int, reloads: int) -> None:
    """A file that was written and not read before stays so: it may wait for a restart."""
    wrong = 'LOG:  invalid value for parameter "work_mem": "much"\nFATAL:  configuration file contains errors\n'
    node = server_node({CHECK: (1, "", wrong)}, CONF.path, written=written)
    with pytest.raises(PcmkHaError, match='would not start with this: LOG:  invalid value for parameter "work_mem"'):
        write_server_files(node, DESIRED, (CONF.path,))
    assert node.files[CONF.path] == "old\n"
    assert sum(argv[-1] == RELOAD for argv in node.ran) == reloads


def test_a_login_rule_the_server_cannot_read_is_taken_back() -> None:
    hba = next(f.path for f in DESIRED.volume_files if f.path.endswith("pg_hba.conf"))
    node = server_node({CHECK: "5433\n", f"{PSQL} {BAD_RULES}": '4: invalid IP address "x"\n'}, hba)
    with pytest.raises(PcmkHaError, match=r'pg_hba\.conf:4: invalid IP address "x"'):
        write_server_files(node, DESIRED, (hba,))
    assert node.files[hba] == "old\n"


def test_a_good_configuration_stays() -> None:
    node = server_node({CHECK: "5433\n"}, CONF.path)
    write_server_files(node, DESIRED, (CONF.path,))
    assert node.files[CONF.path] == CONF.content


def test_a_reload_is_over_when_the_server_says_so() -> None:
    """Right after the call it may not have happened, and what waits for a restart would be missed."""
    answers = iter(["100", "t", "100", "101"])
    node = FakeNode("node1", {PSQL: lambda _stdin: next(answers)}, files=POSTMASTER)
    reload_server(node, DESIRED)
    assert next(answers, None) is None


@pytest.mark.parametrize(("waiting", "restarts"), [("0", 0), ("1", 1)])
def test_pacemaker_restarts_the_server_only_where_something_still_waits_for_it(waiting: str, restarts: int) -> None:
    node = FakeNode("node1", {PSQL: waiting, "crm_resource": ""}, files=POSTMASTER)
    restart_server(node, DESIRED)
    assert node.ran[0][:2] == ("crm_resource", "--wait")
    assert sum("--restart" in argv for argv in node.ran) == restarts


# --- one member at a time


def test_a_member_is_restarted_once_the_service_has_left_it_by_a_switchover(
    minimal: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)  # the world's own time passes with each look
    world = FencedWorld(minimal)
    restart_member(world.reach(), "node1")
    assert (world.promoted, world.checkpoints, world.preferred) == ("node2", ["node1"], "")
    restart_member(world.reach(), "node1")
    assert (world.broken, world.outages, world.checkpoints) == ([], 0, ["node1"])


def test_no_member_is_restarted_while_there_is_no_second_good_copy() -> None:
    state = {"drbdadm dstate": "UpToDate/Inconsistent\n", "drbdadm cstate": "SyncSource\n"}
    nodes = {name: FakeNode(name, state) for name in ("node1", "node2")}
    with pytest.raises(Refused, match="node1 is not restarted"):
        restart_member(Members(DESIRED.cluster, nodes), "node1")
    assert all(argv[0] == "drbdadm" for node in nodes.values() for argv in node.ran)


# --- consent


PUSH = Plan((Step(PushCib("node1")),))
OUTAGE = Proposal("pgha", PUSH, impact=Impact(("restarts PostgreSQL on node1 (about 3 s)",)))


def test_an_outage_needs_more_than_a_yes() -> None:
    with pytest.raises(Refused, match="restarts PostgreSQL on node1") as refused:
        command._require_consent(OUTAGE, allow_outage=False, yes=True)
    assert "--allow-outage" in refused.value.hint
    command._require_consent(OUTAGE, allow_outage=True, yes=True)
    command._require_consent(OUTAGE, allow_outage=False, yes=False)  # it is asked then, and named in the question
    assert "restarts PostgreSQL" in command._question(OUTAGE)


def test_a_cluster_that_is_not_built_is_not_changed() -> None:
    with pytest.raises(Refused, match="no cluster pgha yet"):
        command._require_cluster(Proposal("pgha", Plan((Step(CreateMetadata("node1")),))))


def test_a_kept_plan_is_applied_only_to_what_it_was_made_for(tmp_path: Path) -> None:
    path = tmp_path / "change.plan"
    command._keep(path, OUTAGE)
    text = command._read(path)
    command._require_same(text, OUTAGE)
    with pytest.raises(Refused, match="for the cluster pgha"):
        command._require_same(text, Proposal("other", PUSH))
    moved = Proposal("pgha", PUSH, (Difference("cib", "group pg", Kind.CHANGE),), impact=OUTAGE.impact)
    with pytest.raises(Refused, match="moved on since the plan was made"):
        command._require_same(text, moved)
    with pytest.raises(Refused, match="no longer: restarts PostgreSQL"):
        command._require_same(text, Proposal("pgha", PUSH))


@pytest.mark.parametrize("text", ["", "{}", "[]", "no plan", '{"format": 1}', '{"format": 9, "cluster": "a"}'])
def test_nonsense_is_no_plan(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x"
    path.write_text(text)
    with pytest.raises(BadInput, match="this is no plan"):
        command._read(path)


def test_json_says_everything_and_can_be_read_back() -> None:
    plain = json.loads(json.dumps(OUTAGE.as_dict()))
    assert plain["impact"]["outage"] == ["restarts PostgreSQL on node1 (about 3 s)"]
    assert plain["steps"] == [{"node": "node1", "action": "load the cluster's resources"}]
