"""What a rotation does on nodes brings keys, files and passwords into force, and shows a secret to nobody."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Collection, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from support.fake_node import FakeNode
from support.rotated import MEMBERS, NEW, OLD, RESOURCE, keep_cluster, wanted_of

from pcmk_ha.desired.build import build_desired
from pcmk_ha.errors import CommandFailed, Refused
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.platform import DEBIAN_13
from pcmk_ha.operate.change.applied import RECORD, read_record
from pcmk_ha.operate.parts.node import put_file
from pcmk_ha.operate.parts.scram import scram_verifier
from pcmk_ha.operate.rotate.observe import runs_its_file
from pcmk_ha.operate.rotate.perform import Rotating
from pcmk_ha.operate.rotate.postgresql import set_password, which_password
from pcmk_ha.operate.rotate.store import choose_secrets
from pcmk_ha.operate.secrets import generated_secrets, placeholder_secrets
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import rotation_actions as rotate
from pcmk_ha.plan.record import make_record, renewed, to_json
from pcmk_ha.plan.rotation import Which


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FENCE_PASSWORD", "canary-fence")
    return keep_cluster(tmp_path)


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


def test_a_key_is_put_in_place_as_bytes(folder: Path) -> None:
    node = Member("node1", [])
    put_file(node, wanted_of(folder).file(OLD, "node1", "/etc/corosync/authkey"))
    assert len(node.key) == 128
