"""A backup replaces the data without the cluster ever being able to start one that was not recovered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from support.fake_node import FakeNode
from support.told import nodes_section

from pcmk_ha.errors import PcmkHaError, Refused
from pcmk_ha.facts.labels import ask_labels, parse_labels
from pcmk_ha.facts.records import parse_records
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.backup.backup import Room, parse_room, reasons_against_backup
from pcmk_ha.operate.backup.job import Job
from pcmk_ha.operate.backup.place import Place
from pcmk_ha.operate.backup.recover import server_options
from pcmk_ha.operate.backup.restore import make_order
from pcmk_ha.operate.backup.source import Source, order_kind, parse_source, reasons_against_source
from pcmk_ha.plan import restore as do
from pcmk_ha.plan.moves import AwaitCopies, AwaitService

GIB = 1 << 30
PLACE = Place("/srv/pgdata", "/srv/pgdata/17/main", 17, 5432)
ORDER = do.Order("20261128T063000Z", "/backup/demo-1/data", "directory")


# --- the plan


@dataclass
class Volume:
    """Directories by name, each with what it holds: "old", "raw" (not recovered) or "new"; and who may start what."""

    directories: dict[str, str] = field(default_factory=lambda: {"main": "old"})
    order: do.Order | None = None
    held: bool = False
    runs: str = "old"  # what PostgreSQL serves; empty: it is stopped

    def found(self) -> do.Found:
        """Look, as the next run would."""
        return do.Found(
            order=self.order,
            drafted="draft" in self.directories,
            recovered=self.directories.get("draft") == "new",
            data="main" in self.directories,
            swapped=self.directories.get("main") == "new",
            held=self.held,
            redundant=True,
        )

    def let_pacemaker_act(self) -> None:
        """Pacemaker starts PostgreSQL wherever it may, on this node or after a failover."""
        if self.held:
            self.runs = ""
            return
        assert self.directories.get("main") in ("old", "new"), "the cluster starts what was not recovered"
        self.runs = self.directories["main"]

    def take(self, step: do.Step) -> None:
        """Do one step."""
        here = self.directories
        match step:
            case do.Note():
                self.order = step.order
            case do.CopyBackup():
                here["draft"] = "raw"
            case do.Recover():
                assert here["draft"] == "raw"
                here["draft"] = "new"
            case do.HoldServer():
                self.held = True
            case do.SetAside():
                assert not self.runs
                assert "aside" not in here
                here["aside"] = here.pop("main")
            case do.PutInPlace():
                assert not self.runs
                assert "main" not in here
                here["main"] = here.pop("draft")
            case do.ReleaseServer():
                self.held = False
            case do.Finish():
                assert self.runs == "new"
                self.order = None
            case AwaitService():
                assert self.runs == "new"
        self.let_pacemaker_act()


def run(volume: Volume, steps: int | None = None) -> tuple[do.Step, ...]:
    plan = do.plan_restore(volume.found(), ORDER)
    for step in plan[:steps]:
        volume.take(step)
    return plan


def test_the_old_data_serves_until_the_new_is_recovered_and_is_kept() -> None:
    volume = Volume()
    plan = run(volume)
    assert [type(step).__name__ for step in plan] == [
        "Note", "CopyBackup", "Recover", "HoldServer", "SetAside", "PutInPlace", "ReleaseServer", "AwaitService",
        "AwaitCopies", "Prove", "Finish",
    ]  # fmt: skip
    assert volume.directories == {"main": "new", "aside": "old"}
    assert (volume.held, volume.order) == (False, None)


@pytest.mark.parametrize("first", range(11))
@pytest.mark.parametrize("second", [None, 0, 1, 2, 3])
def test_a_restore_killed_after_any_step_and_again_is_finished_by_the_next(first: int, second: int | None) -> None:
    volume = Volume()
    for steps in (first, second):
        run(volume, steps)
        if volume.order is None and volume.runs == "new":
            break
    if volume.order is not None or volume.runs != "new":
        run(volume)
    assert volume.directories == {"main": "new", "aside": "old"}
    assert not volume.held


def test_where_there_is_no_data_directory_nothing_is_set_aside() -> None:
    plan = do.plan_restore(do.Found(data=False), ORDER)
    assert not [step for step in plan if isinstance(step, do.SetAside)]
    assert [step for step in plan if isinstance(step, do.PutInPlace)]


def test_with_one_copy_nobody_waits_for_a_second() -> None:
    plan = do.plan_restore(do.Found(), ORDER)
    assert not [step for step in plan if isinstance(step, AwaitCopies | do.Prove)]


def test_an_order_is_kept_as_it_was_given() -> None:
    order = replace(ORDER, restore_command="cp '/a b/%f' %p", target=("time", "2026-11-28 06:30:00+00"))
    assert do.parse_order(order.to_json()) == order
    for text in ("", "[]", "{}", '{"target": 1}', '{"target": null, "x": 1}'):
        with pytest.raises(ValueError, match=r"^"):
            do.parse_order(text)


def test_a_restore_that_was_begun_is_gone_on_with_and_never_mixed_with_another() -> None:
    begun = do.Found(order=ORDER)
    assert make_order(begun, {"source": ""}, None) == ORDER
    assert make_order(begun, {"source": ORDER.source}, None) == ORDER
    with pytest.raises(Refused, match="was begun") as refused:
        make_order(begun, {"source": "/backup/other"}, None)
    assert "--abandon" in refused.value.hint
    with pytest.raises(Refused, match="no backup was named"):
        make_order(do.Found(), {}, None)


# --- the server that recovers


def test_the_server_that_recovers_is_reached_by_nobody_and_never_touches_the_present_data() -> None:
    options = server_options(PLACE, ORDER)
    given = [word for word in options if word != "-c"]
    assert "listen_addresses=" in given
    assert "unix_socket_directories=/run/pcmk-ha-recovery" in given
    assert "data_directory=/srv/pgdata/17/main.pcmk-ha-restore" in given
    assert "archive_command=" in given
    assert "restore_command=false" in given
    assert not [word for word in given if "17/main/" in word]


def test_one_target_is_given_and_the_others_are_taken_back_before() -> None:
    order = replace(ORDER, restore_command="cp /a/%f %p", target=("lsn", "0/3000000"))
    given = [word for word in server_options(PLACE, order) if word.startswith("recovery_target")]
    assert given[-1] == "recovery_target_lsn=0/3000000"
    assert [word for word in given if word.endswith("=")] == [
        "recovery_target=", "recovery_target_time=", "recovery_target_name=", "recovery_target_xid=",
    ]  # fmt: skip


def test_what_another_program_prepared_keeps_its_own_words() -> None:
    given = server_options(PLACE, replace(ORDER, kind="prepared"))
    assert not [word for word in given if word.startswith(("restore_command", "recovery_target=", "recovery_target_t"))]


# --- what is refused


GOOD = Source("/backup/demo-1/data", "directory", "17", GIB, 3 * GIB, frozenset({"label", "manifest"}))


@pytest.mark.parametrize(
    ("changes", "prepared", "says"),
    [
        ({"kind": ""}, False, "is no base backup"),
        ({"version": "15"}, False, "of PostgreSQL 15"),
        ({"available": GIB}, False, "not enough space"),
        ({"flags": frozenset({"label"})}, False, "no backup_manifest"),
        ({"flags": frozenset({"manifest"})}, False, "no backup_label"),
        ({"flags": GOOD.flags | {"tablespaces"}}, False, "tablespaces"),
        ({"flags": GOOD.flags | {"wal_elsewhere"}}, False, "pg_wal is a link"),
        ({"flags": GOOD.flags | {"is_data"}}, True, "the data directory itself"),
        ({"flags": GOOD.flags | {"runs"}}, True, "a PostgreSQL runs in it"),
        ({"flags": frozenset({"standby"})}, True, "standby.signal"),
        ({"kind": "tar"}, True, "this is packed"),
        ({"kind": "tar", "flags": GOOD.flags | {"no_wal"}}, False, r"no pg_wal\.tar"),
    ],
)
def test_what_cannot_be_restored_is_refused(changes: dict[str, object], prepared: bool, says: str) -> None:
    reasons = reasons_against_source("node1", PLACE, replace(GOOD, **changes), prepared=prepared)  # type: ignore[arg-type]
    assert len(reasons) == 1, reasons
    with pytest.raises(PcmkHaError, match=says):
        raise PcmkHaError(reasons[0])


def test_a_good_backup_is_taken_and_what_lies_in_the_volume_is_moved_not_copied() -> None:
    assert reasons_against_source("node1", PLACE, GOOD, prepared=False) == ()
    inside = replace(GOOD, available=GIB // 2, flags=frozenset({"in_volume"}))
    assert reasons_against_source("node1", PLACE, inside, prepared=True) == ()
    assert order_kind(inside, prepared=True) == ("prepared", True)
    assert order_kind(GOOD, prepared=False) == ("directory", False)


def test_what_another_program_restored_where_backups_are_recovered_is_taken_there_and_nothing_else_is() -> None:
    there = replace(GOOD, path=PLACE.draft, flags=frozenset({"in_volume"}))
    assert reasons_against_source("node1", PLACE, there, prepared=True, drafted=True) == ()
    (reason,) = reasons_against_source("node1", PLACE, GOOD, prepared=False, drafted=True)
    assert "no restore was begun" in reason


def test_what_a_node_says_of_a_source_is_read() -> None:
    text = "path=/b/data\nkind=directory\nversion=17\nlabel=yes\nmanifest=yes\nbytes=31457280\navailable=1600000000\n"
    found = parse_source(text)
    assert (found.path, found.kind, found.version, found.bytes) == ("/b/data", "directory", "17", 31457280)
    assert found.has("label")
    assert parse_source("") == Source()


@pytest.mark.parametrize(
    ("room", "says"),
    [
        (Room(), "is no directory on node1"),
        (Room(directory=True, in_volume=True, replicates=True), "in the replicated volume"),
        (Room(directory=True, available=GIB, needed=GIB, replicates=True), "not enough space"),
        (Room(directory=True, tablespaces=True, replicates=True), "tablespaces"),
        (Room(directory=True), "no replication connection"),
    ],
)
def test_no_backup_is_begun_where_it_could_not_end_or_would_be_lost(room: Room, says: str) -> None:
    (reason,) = reasons_against_backup("node1", "/backup", room)
    assert says in reason


def test_room_is_read_as_a_node_says_it() -> None:
    room = parse_room("directory=yes\navailable=5368709120\nneeded=41943040\nreplicates=yes\n")
    assert room == Room(directory=True, available=5 * GIB, needed=40 << 20, replicates=True)
    assert reasons_against_backup("node1", "/backup", room) == ()
    assert parse_room("") == Room()


# --- small readers


def test_labels_are_read_and_nothing_else_is() -> None:
    text = "/srv/pgdata/17/main/backup_label\n<actions/>\n/srv/pgdata/17/main/postgresql.conf\n"
    assert parse_labels(text) == ("/srv/pgdata/17/main/backup_label",)


def test_the_data_directory_is_found_whatever_version_the_file_leaves_open(minimal: Cluster) -> None:
    assert ask_labels(minimal)[-1] == "/srv/pgdata/[0-9]*/main"


def test_the_last_backup_is_read_from_the_nodes_attributes() -> None:
    values = {
        ("node1", "pcmk-ha-backed-up"): "2026-11-28T06:30:00Z /backup/demo-1",
        ("node2", "pcmk-ha-backed-up"): "x",
    }
    found = parse_records(nodes_section(("node1", "node2"), values)).backed_up
    assert found is not None
    assert (found.node, found.path) == ("node1", "/backup/demo-1")


def test_a_job_that_failed_says_why() -> None:
    shown = {"ActiveState": "failed", "Result": "exit-code", "InvocationID": "ab12"}
    answers = {f"systemctl show --value -p {name}": f"{value}\n" for name, value in shown.items()}
    node = FakeNode("node1", {**answers, "journalctl _SYSTEMD_INVOCATION_ID=ab12": "no space left on device\n"})
    with pytest.raises(PcmkHaError, match="no space left on device"):
        Job(node, "pcmk-ha-copy.service").follow("the copy", lambda: None)
