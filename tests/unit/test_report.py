"""A support bundle explains a failure and holds no secret: canaries are planted in everything a node can say."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import stat
import subprocess
import tarfile
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

import paramiko
import pytest
from support.fake_node import FakeNode
from support.files import ARBITER, MINIMAL
from support.sshd import ssh_server
from typer.testing import CliRunner

from pcmk_ha.cli.app import app
from pcmk_ha.cli.report import journal_since
from pcmk_ha.drill.keep import evidence, keep_evidence
from pcmk_ha.errors import BadInput, CommandFailed, NodeUnreachable, PcmkHaError
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.load import load_cluster_text
from pcmk_ha.model.secret import Secrets
from pcmk_ha.operate.known import known_secrets, not_at_hand, scrubber_for
from pcmk_ha.operate.members import Members
from pcmk_ha.operate.report.bundle import secrets_in_bundle, write_bundle
from pcmk_ha.operate.report.gather import Found, clean, gather
from pcmk_ha.operate.report.items import Item, items
from pcmk_ha.operate.report.readme import readme
from pcmk_ha.operate.secrets import create_secrets, secrets_path
from pcmk_ha.operate.session import Session
from pcmk_ha.remote.runner import Outcome
from pcmk_ha.scrub.scrubber import Scrubber

KEY = bytes((n * 7 + 3) % 256 for n in range(128))
KNOWN = Secrets(
    authkey=b64encode(KEY).decode(),
    drbd="canary-drbd-6f1d",
    superuser="canary<superuser>&\"'",
    application="canary/app+licat=ion%",
    fence={("node1", 0, "password"): "canary-fence'1", ("node2", 0, "password"): "canary fence two"},
    next={"superuser": "canary-next-superuser"},
)
# Not in our secrets: of another device in the CIB, and one only patterns can tell.
IN_THE_CIB, UNKNOWN = "canary-of-somebody-else", "hunter2unknown"
CIB = f"""<cib><configuration><resources><primitive id="f" class="stonith" type="x"><instance_attributes id="i">
<nvpair id="a" name="passwd" value={quoteattr(KNOWN.fence["node1", 0, "password"])}/>
<nvpair id="b" name="password" value="{IN_THE_CIB}"/><nvpair id="c" name="ip" value="10.0.0.1"/>
</instance_attributes></primitive></resources></configuration></cib>"""
EVERY = [KNOWN.drbd, KNOWN.superuser, KNOWN.application, *KNOWN.fence.values(), *KNOWN.next.values(), IN_THE_CIB]


def planted() -> bytes:
    """Every canary in every form a log may hold."""
    lines = ["kept at the beginning"]
    for value in EVERY:
        middle = len(value) // 2
        lines += [
            f"plain {value} end", f"xml {escape(value)} {quoteattr(value)}", f"url {quote(value, safe='')}",
            f"base64 {b64encode(f'admin:{value}'.encode()).decode()}", f"json {json.dumps(value)}",
            f"split {value[:middle]}\n    {value[middle:]}", f"hex {value.encode().hex()}",
        ]  # fmt: skip
    key = b64encode(KEY).decode()
    lines += [f"key {key}", "key " + "\n    ".join(key[at : at + 60] for at in range(0, len(key), 60)), KEY.hex()]
    lines += [f"password={UNKNOWN}", f'<nvpair id="x" name="passwd" value="{UNKNOWN}"/>', f'shared-secret "{UNKNOWN}";']
    lines += [f"10.0.0.1:5432:*:postgres:{UNKNOWN}", f"SCRAM-SHA-256$4096:{UNKNOWN}==${UNKNOWN}=:{UNKNOWN}="]
    return ("\n".join([*lines, "kept at the end", ""])).encode()


def tar_of(files: Mapping[str, bytes]) -> bytes:
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return into.getvalue()


class Telling(FakeNode):
    """Answers each item with bytes, through the very pipeline a node runs."""

    def __init__(self, node: str, wanted: tuple[Item, ...], says: Mapping[str, bytes]) -> None:
        super().__init__(node, {})
        self.says = {item.command()[2]: (item, says.get(item.path, says.get("*", b""))) for item in wanted}

    def run(self, argv, **_options) -> Outcome:  # type: ignore[no-untyped-def, override]
        if argv[0] == "cibadmin":
            return Outcome(tuple(argv), 0, CIB, "")
        item, data = self.says[argv[2]]
        pack = item.command()[2].rpartition("2>&1 | ")[2]
        done = subprocess.run(("sh", "-c", pack, *argv[3:]), input=data, capture_output=True, check=True, timeout=30)
        return Outcome(tuple(argv), 0, done.stdout.decode(), "")


PE_INPUTS = tar_of({
    "pe-input-1.bz2": bz2.compress(CIB.encode()), "pe-warn-2.bz2": bz2.compress(planted()),
    "pe-input-3.bz2": bz2.compress(planted() * 20)[:-30],
})  # fmt: skip
SAYS = {
    "*": planted(), "cib.xml": CIB.encode(), "pe-inputs": PE_INPUTS, "crm_mon.xml": b"",
    "postgresql/server.log": b"before\0\0\0" + planted(),
}  # fmt: skip


@pytest.fixture
def cluster() -> Cluster:
    return load_cluster_text(MINIMAL + ARBITER)


@pytest.fixture
def wanted(cluster: Cluster) -> tuple[Item, ...]:
    return items(cluster, since="-24h", inputs=5, journal_mib=1)


def gathered(cluster: Cluster, wanted: tuple[Item, ...]) -> tuple[Found, Scrubber]:
    scrubber = scrubber_for(cluster, KNOWN, [CIB])
    nodes = {name: Telling(name, wanted, SAYS) for name in ("node1", "arbiter")}
    return gather(Members(cluster, nodes), wanted, scrubber), scrubber


def test_no_planted_canary_is_in_a_bundle_and_what_stood_around_it_is(
    cluster: Cluster, wanted: tuple[Item, ...], tmp_path: Path
) -> None:
    found, scrubber = gathered(cluster, wanted)
    path = tmp_path / "bundle" / "pgha-now.tar.gz"
    assert write_bundle(path, found.files, scrubber) == path.stat().st_size
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    with tarfile.open(path) as tar:
        files = {m.name: tar.extractfile(m).read().decode() for m in tar}  # type: ignore[union-attr]
    everything = "".join(files.values())
    for value in EVERY:
        for form in (value, escape(value), quoteattr(value)[1:-1], quote(value, safe=""), value.encode().hex()):
            assert form not in everything
            assert form not in "".join(everything.split())
        assert b64encode(f"admin:{value}".encode()).decode()[9:-4] not in everything
    for form in (UNKNOWN, KEY.hex(), b64encode(KEY).decode(), b64encode(KEY).decode()[:40]):
        assert form not in everything
    for name in ("journal.txt", "drbd/config.txt", "pe-inputs/pe-warn-2.xml", "postgresql/server.log"):
        text = files[f"pgha-now/node1/{name}"]
        assert "kept at the beginning" in text
        assert text.endswith("kept at the end\n")
    assert 'value="10.0.0.1"' in files["pgha-now/node1/cib.xml"]
    assert not [name for name in files if "/arbiter/drbd/" in name or "/arbiter/postgresql/" in name]
    assert "pgha-now/arbiter/journal.txt" in files


def test_what_is_kept_of_a_drill_that_went_wrong_is_the_same_and_as_clean(cluster: Cluster, tmp_path: Path) -> None:
    nodes = {"node1": Telling("node1", evidence(cluster), SAYS)}
    keep_evidence(Session(cluster, tmp_path / "cluster.yaml", KNOWN, nodes, {"node2": "no answer"}), tmp_path / "kept")
    kept = {str(path.relative_to(tmp_path / "kept")): path.read_text() for path in tmp_path.glob("kept/**/*.*")}
    assert {"node1/crm_mon.txt", "node1/pacemaker.log", "node1/pe-inputs/pe-warn-2.xml", "node1/cib.xml"} <= set(kept)
    everything = "".join("".join(kept.values()).split())
    assert not [value for value in (*EVERY, UNKNOWN) if "".join(value.split()) in everything]


def test_what_could_not_be_had_or_read_is_said(cluster: Cluster, wanted: tuple[Item, ...]) -> None:
    found, _ = gathered(cluster, wanted)
    missing = {(m.node, m.what): m.why for m in found.missing}
    assert "damaged" in missing["node1", "node1/pe-inputs/pe-input-3.xml.bz2"]
    assert missing["node1", "crm_mon.xml"] == "there is nothing"
    assert not [name for name in found.files if "pe-input-3" in name]


def test_a_node_that_is_lost_on_the_way_is_said_and_the_others_are_asked(
    cluster: Cluster, wanted: tuple[Item, ...]
) -> None:
    class Lost(Telling):
        def run(self, argv, **_options) -> Outcome:  # type: ignore[no-untyped-def, override]
            raise NodeUnreachable("node2: the connection was lost")

    nodes = {"node1": Telling("node1", wanted, SAYS), "node2": Lost("node2", wanted, SAYS)}
    found = gather(Members(cluster, nodes), wanted, Scrubber())
    assert "node1/journal.txt" in found.files
    assert {m.why for m in found.missing if m.node == "node2"} == {"node2: the connection was lost"}


def test_a_node_that_hangs_is_not_asked_for_everything(cluster: Cluster, wanted: tuple[Item, ...]) -> None:
    class Hanging(Telling):
        asked = 0

        def run(self, argv, **_options) -> Outcome:  # type: ignore[no-untyped-def, override]
            self.asked += 1
            raise CommandFailed("node1: it did not end within 60 s")

    node = Hanging("node1", wanted, SAYS)
    found = gather(Members(cluster, {"node1": node}), wanted, Scrubber())
    assert node.asked == 3
    assert "not asked any more" in found.missing[-1].why


def test_a_secret_cut_in_two_by_the_bound_is_not_left_half(cluster: Cluster, wanted: tuple[Item, ...]) -> None:
    item = next(item for item in wanted if item.path == "boots.txt")
    half = KNOWN.superuser[len(KNOWN.superuser) // 2 :].encode()
    rest = b"\nsecond\n" + b"x" * (item.limit - len(half) - 20) + b"\nkept at the end\n"
    data = b"password " + KNOWN.superuser.encode() + rest[: item.limit - len(half) - 0]
    node = Telling("node1", (item,), {"boots.txt": data})
    found = gather(Members(cluster, {"node1": node}), (item,), scrubber_for(cluster, KNOWN))
    text = found.files["node1/boots.txt"].decode()
    assert text.startswith("... (cut here)")
    assert half.decode() not in text


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("node1/journal.txt", f"x {KNOWN.drbd} y".encode()),
        ("node1/a.bz2", bz2.compress(escape(KNOWN.superuser).encode())),
        ("node1/a.gz", gzip.compress(quote(KNOWN.application, safe="").encode())),
        ("node1/split.txt", KNOWN.drbd[:7].encode() + b"\n   " + KNOWN.drbd[7:].encode()),
        ("node1/key", KEY),
        (f"node1/{KNOWN.drbd}.txt", b"clean"),
        ("node1/unreadable.bz2", b"BZh9garbage"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # a gzip's bytes hold the time
)
def test_a_bundle_with_a_secret_in_it_is_deleted(cluster: Cluster, tmp_path: Path, name: str, data: bytes) -> None:
    """As if scrubbing had failed: the file is read back before it gets its name."""
    files = {"README.txt": b"fine", name: data}
    with pytest.raises(PcmkHaError, match="the bundle was deleted") as raised:
        write_bundle(tmp_path / "x.tar.gz", files, scrubber_for(cluster, KNOWN))
    assert KNOWN.drbd not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_an_untouched_bundle_passes_the_search(cluster: Cluster, tmp_path: Path) -> None:
    write_bundle(tmp_path / "x.tar.gz", {"a.txt": b"clean"}, scrubber_for(cluster, KNOWN))
    assert secrets_in_bundle(tmp_path / "x.tar.gz", scrubber_for(cluster, KNOWN)) == ()


def test_the_key_of_corosync_and_password_files_are_never_read(wanted: tuple[Item, ...]) -> None:
    for item in wanted:
        assert "pgpass" not in item.script
        if "authkey" in item.script:
            assert item.script == "ls -l --full-time /etc/corosync/authkey"


def test_every_script_is_one_the_nodes_shell_can_read(wanted: tuple[Item, ...]) -> None:
    for item in wanted:
        done = subprocess.run(("dash", "-n", "-c", item.command()[2]), capture_output=True, text=True, check=False)
        assert done.returncode == 0, (item.path, done.stderr)


def test_the_newest_scheduler_inputs_are_taken_as_they_lie_on_a_node(
    cluster: Cluster, tmp_path: Path, wanted: tuple[Item, ...]
) -> None:
    for number in range(9):
        (tmp_path / f"pe-input-{number}.bz2").write_bytes(bz2.compress(CIB.encode()))
        subprocess.run(("touch", "-d", f"2026-01-01 00:00:0{number}", tmp_path / f"pe-input-{number}.bz2"), check=True)
    (tmp_path / "pe-input.last").write_text("9")
    item = next(item for item in wanted if item.packed)
    shell, option, script, *rest = item.command()
    here = script.replace("/var/lib/pacemaker/pengine", str(tmp_path))
    done = subprocess.run((shell, option, here, *rest), capture_output=True, text=True, check=True, timeout=30)
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(b64decode(done.stdout)))) as tar:
        assert tar.getnames() == [f"pe-input-{number}.bz2" for number in (8, 7, 6, 5, 4)]
    assert clean(Scrubber(), "n", "a.xml.bz2", (tmp_path / "pe-input-1.bz2").read_bytes()).files["a.xml"]


def test_the_readme_says_who_answered_what_is_missing_and_which_secrets_were_not_known(
    cluster: Cluster, wanted: tuple[Item, ...]
) -> None:
    found, _ = gathered(cluster, wanted)
    text = readme(
        "pgha-now", ["node1"], {"node2": "no answer"}, wanted, found.missing, local={"a": "b"}, unknown=["superuser"]
    )
    assert "Did not answer: node2: no answer" in text
    assert all(item.path in text and item.what in text for item in wanted)
    assert "patterns alone: superuser" in text
    assert "node1: crm_mon.xml: there is nothing" in text


def test_a_bundle_can_be_made_where_a_secret_is_not_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text(MINIMAL)
    cluster = load_cluster_text(MINIMAL)
    monkeypatch.delenv("FENCE_PASSWORD", raising=False)
    nothing = known_secrets(cluster, path)
    assert not_at_hand(cluster, nothing) == [
        "authkey", "drbd", "superuser", "application", "the fence device of node1", "the fence device of node2",
    ]  # fmt: skip
    assert scrubber_for(cluster, nothing).text("a word, SECRET, stays") == "a word, SECRET, stays"
    monkeypatch.setenv("FENCE_PASSWORD", "canary-env")
    made = create_secrets(cluster, path)
    monkeypatch.delenv("FENCE_PASSWORD")
    assert known_secrets(cluster, path).superuser == made.superuser
    assert not_at_hand(cluster, known_secrets(cluster, path))[0] == "the fence device of node1"
    assert secrets_path(path).exists()


def test_the_command_makes_a_bundle_of_who_answers_and_no_process_list_gives_a_secret_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over SSH, from this machine as one of two nodes; its process list holds a known secret."""
    monkeypatch.setenv("FENCE_PASSWORD", "canary-in-an-argv")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    logs = tmp_path / "state/pcmk-ha/logs"
    logs.mkdir(parents=True)
    (logs / "old.log").write_text("node1 fence_x -p canary-in-an-argv\n")
    user, host = paramiko.RSAKey.generate(2048), paramiko.ECDSAKey.generate()
    user.write_private_key_file(str(tmp_path / "id"))
    file = tmp_path / "cluster.yaml"
    file.write_text(
        MINIMAL.replace("name: node1\n", "name: node1\n    ssh: n1\n").replace(
            "name: node2\n", "name: node2\n    ssh: n2\n"
        )
        + f"ssh_config: {tmp_path}/ssh_config\n"
    )
    with ssh_server(host, user) as port, subprocess.Popen(("sh", "-c", "sleep 60; :", "canary-in-an-argv")) as process:
        common = (
            f"  HostName 127.0.0.1\n  User root\n  IdentityFile {tmp_path}/id\n  UserKnownHostsFile {tmp_path}/known\n"
        )
        (tmp_path / "ssh_config").write_text(f"Host n1\n  Port {port}\n{common}Host n2\n  Port 1\n{common}")
        (tmp_path / "known").write_text(f"[127.0.0.1]:{port} {host.get_name()} {host.get_base64()}\n")
        arguments = ["report", "--json", "-f", str(file), "--out", str(tmp_path / "out"), "--since", "1min"]
        done = CliRunner().invoke(app, [*arguments, "--journal-mib", "1"])
        process.kill()
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["members"] == ["node1"]
    assert list(said["unreachable"]) == ["node2"]
    assert said["size"] == Path(said["path"]).stat().st_size
    assert {"node": "node2", "what": "everything", "why": said["unreachable"]["node2"]} in said["missing"]
    with tarfile.open(said["path"]) as tar:
        files = {m.name.partition("/")[2]: tar.extractfile(m).read().decode() for m in tar}  # type: ignore[union-attr]
    assert "sleep 60; : ********" in files["node1/processes.txt"]
    assert "MemTotal" in files["node1/proc.txt"]
    assert "node1 fence_x -p ********" in files["local/logs/old.log"]
    assert "name: pgha" in files["cluster.yaml"]
    assert not [name for name, text in files.items() if "canary" in text]


@pytest.mark.parametrize(
    ("given", "word"),
    [("24h", "-24h"), ("90min", "-90min"), ("3d", "-3d"), ("2026-11-24", "2026-11-24 00:00 UTC"),
     ("2026-11-24 20:15", "2026-11-24 20:15 UTC")],
)  # fmt: skip
def test_a_time_is_passed_on_as_journalctl_wants_it(given: str, word: str) -> None:
    assert journal_since(given) == word


@pytest.mark.parametrize("given", ["", "yesterday", "'; rm -rf /; '", "24", "-1h", "2026-11-24 20:15'"])
def test_any_other_time_is_refused(given: str) -> None:
    with pytest.raises(BadInput):
        journal_since(given)
