"""SSH against a real server on this machine: keys are verified, the user's configuration is honoured."""

from __future__ import annotations

import os
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import paramiko
import pytest
from support.files import MINIMAL
from support.sshd import ssh_server

from pcmk_ha.errors import CommandFailed, NodeUnreachable
from pcmk_ha.model.load import load_cluster_text
from pcmk_ha.remote.connect import open_nodes
from pcmk_ha.remote.log import CommandLog
from pcmk_ha.remote.ssh import SshRunner, open_ssh

pytestmark = pytest.mark.timeout(60)


@dataclass
class Desk:
    """An administrator's machine: keys, an ssh_config, known_hosts, and what he was asked."""

    folder: Path
    host_key: paramiko.PKey
    port: int
    asked: list[tuple[str, str]] = field(default_factory=list)
    answer: bool = False

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    def configure(self, extra: str = "", *, port: int | None = None) -> None:
        (self.folder / "ssh_config").write_text(
            f"Host box\n  HostName 127.0.0.1\n  Port {port or self.port}\n  User root\n"
            f"  IdentityFile {self.folder}/gone\n  IdentityFile {self.folder}/id\n"
            f"  UserKnownHostsFile {self.known_hosts}\n{extra}"
        )

    def know(self, key: paramiko.PKey, name: str = "") -> None:
        with self.known_hosts.open("a") as file:
            file.write(f"{name or f'[127.0.0.1]:{self.port}'} {key.get_name()} {key.get_base64()}\n")

    def ask(self, host: str, fingerprint: str) -> bool:
        self.asked.append((host, fingerprint))
        return self.answer

    def open(self, log: CommandLog | None = None, timeout_s: float = 5, *, changed: bool = False) -> SshRunner:
        config = self.folder / "ssh_config"
        return open_ssh(
            "n1", "box", ssh_config=config, ask=self.ask, log=log or CommandLog(), timeout_s=timeout_s,
            ask_changed=self.ask if changed else None,
        )  # fmt: skip


@pytest.fixture(scope="module")
def user_key() -> paramiko.PKey:
    return paramiko.RSAKey.generate(2048)


@pytest.fixture
def desk(tmp_path: Path, user_key: paramiko.PKey, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert isinstance(user_key, paramiko.RSAKey)
    user_key.write_private_key_file(str(tmp_path / "id"))
    host_key = paramiko.ECDSAKey.generate()
    with ssh_server(host_key, user_key) as port:
        found = Desk(tmp_path, host_key, port)
        found.configure()
        yield found


@pytest.fixture
def runner(desk: Desk) -> Iterator[SshRunner]:
    desk.know(desk.host_key)
    opened = desk.open(CommandLog(desk.folder / "commands.log"))
    yield opened
    opened.close()


# --- whom we talk to


def test_an_unknown_key_is_shown_by_its_fingerprint_and_refused(desk: Desk) -> None:
    with pytest.raises(NodeUnreachable, match="unknown host key ecdsa-sha2-nistp256 SHA256:") as error:
        desk.open()
    assert "--accept-new-host-keys" in error.value.hint
    assert desk.asked == [(f"[127.0.0.1]:{desk.port}", desk.host_key.fingerprint)]
    assert not desk.known_hosts.exists()


def test_another_key_of_a_new_machine_is_asked_about_and_takes_the_place_of_the_old_one(desk: Desk) -> None:
    desk.know(paramiko.ECDSAKey.generate())
    desk.know(desk.host_key, "elsewhere")
    known = desk.known_hosts.read_text()
    with pytest.raises(NodeUnreachable, match="has CHANGED: it is ecdsa-sha2-nistp256 SHA256:") as error:
        desk.open(changed=True)
    assert "--accept-new-host-keys" in error.value.hint
    assert desk.known_hosts.read_text() == known
    desk.answer = True
    desk.open(changed=True).close()
    assert desk.asked == [(f"[127.0.0.1]:{desk.port}", desk.host_key.fingerprint)] * 2
    desk.open().close()  # known from now on, without a question
    assert len(desk.asked) == 2
    lines = desk.known_hosts.read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["elsewhere", f"[127.0.0.1]:{desk.port}"]


def test_the_key_that_is_known_is_asked_about_by_nobody(desk: Desk) -> None:
    desk.know(desk.host_key)
    desk.open(changed=True).close()
    assert not desk.asked


def test_a_key_that_was_trusted_is_known_from_then_on(desk: Desk) -> None:
    desk.known_hosts.write_text("elsewhere ssh-ed25519 AAAA")  # without a newline at its end
    desk.answer = True
    desk.open().close()
    desk.answer = False
    desk.open().close()
    assert len(desk.asked) == 1
    assert desk.known_hosts.read_text().splitlines()[0] == "elsewhere ssh-ed25519 AAAA"


@pytest.mark.parametrize("other", [paramiko.ECDSAKey.generate(), paramiko.RSAKey.generate(2048)])
def test_a_changed_key_is_refused_whatever_its_kind_and_nobody_is_asked(desk: Desk, other: paramiko.PKey) -> None:
    desk.know(other)
    desk.answer = True
    with pytest.raises(NodeUnreachable, match="CHANGED") as error:
        desk.open()
    assert f"ssh-keygen -R '[127.0.0.1]:{desk.port}'" in error.value.hint
    assert desk.asked == []


def test_a_revoked_key_is_refused_and_nobody_is_asked(desk: Desk) -> None:
    desk.know(desk.host_key, "@revoked *")
    desk.answer = True
    with pytest.raises(NodeUnreachable, match="REVOKED"):
        desk.open()
    assert desk.asked == []


def test_a_damaged_line_in_known_hosts_hides_no_other(desk: Desk) -> None:
    desk.known_hosts.write_text(f"[127.0.0.1]:{desk.port} ssh-rsa x\n\n# note\n@cert-authority * ssh-rsa AAAA\n")
    desk.know(desk.host_key)
    desk.open().close()


def test_hashed_names_are_found(desk: Desk) -> None:
    desk.know(desk.host_key)
    subprocess.run(("ssh-keygen", "-q", "-H", "-f", str(desk.known_hosts)), check=True, capture_output=True)
    assert "127.0.0.1" not in desk.known_hosts.read_text()
    desk.open().close()


def test_a_host_key_alias_is_the_name_that_counts(desk: Desk) -> None:
    desk.know(desk.host_key, "the-box")
    desk.configure("  HostKeyAlias the-box\n")
    desk.open().close()
    desk.configure("  HostKeyAlias another-box\n")
    with pytest.raises(NodeUnreachable, match=r"unknown host key .* of another-box"):
        desk.open()


def test_a_jump_host_is_verified_too(desk: Desk, user_key: paramiko.PKey) -> None:
    jump_key = paramiko.ECDSAKey.generate()
    desk.know(desk.host_key)
    with ssh_server(jump_key, user_key) as port:
        desk.configure(
            f"  ProxyJump jump\nHost jump\n  HostName localhost\n  Port {port}\n  User root\n"
            f"  IdentityFile {desk.folder}/id\n  UserKnownHostsFile {desk.known_hosts}\n"
        )
        with pytest.raises(NodeUnreachable, match=rf"unknown host key .* of \[localhost\]:{port}"):
            desk.open()
        desk.know(jump_key, f"[localhost]:{port}")
        opened = desk.open()
        assert opened.run(("echo", "through")).stdout == "through\n"
        opened.close()


# --- configuration


def test_included_files_are_followed(desk: Desk) -> None:
    desk.know(desk.host_key)
    (desk.folder / "ssh_config").rename(desk.folder / "box.conf")
    (desk.folder / "ssh_config").write_text("Include *.conf\nUser nobody\n")
    opened = desk.open()
    assert opened.sudo == ()
    opened.close()


def test_a_configuration_that_is_missing_or_wrong_is_an_answer(desk: Desk) -> None:
    (desk.folder / "ssh_config").write_text("Match nonsense\n")
    with pytest.raises(NodeUnreachable, match="n1: "):
        desk.open()
    (desk.folder / "ssh_config").unlink()
    with pytest.raises(NodeUnreachable, match="ssh_config cannot be read"):
        desk.open()


def test_a_login_that_is_refused_says_so(desk: Desk) -> None:
    desk.know(desk.host_key)
    (desk.folder / "id").unlink()
    paramiko.RSAKey.generate(2048).write_private_key_file(str(desk.folder / "id"))
    with pytest.raises(NodeUnreachable, match="SSH refused our key"):
        desk.open()


def test_a_port_nobody_listens_on_and_one_that_is_silent_are_answers(desk: Desk) -> None:
    desk.configure(port=1)
    with pytest.raises(NodeUnreachable, match="n1: "):
        desk.open()
    with ExitStack() as stack:
        import socket

        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        desk.configure(port=silent.getsockname()[1])
        begin = time.monotonic()
        with pytest.raises(NodeUnreachable):
            desk.open(timeout_s=1)
        assert time.monotonic() - begin < 4


def test_a_member_that_does_not_answer_does_not_hide_the_other(desk: Desk) -> None:
    desk.know(desk.host_key)
    text = MINIMAL.replace("  - name: node1\n", "  - name: node1\n    ssh: box\n")
    text = text.replace("  - name: node2\n", "  - name: node2\n    ssh: nobody.invalid\n")
    cluster = load_cluster_text(f"{text}ssh_config: {desk.folder}/ssh_config\n")
    with open_nodes(cluster, timeout_s=2) as nodes:
        assert list(nodes.runners) == ["node1"]
        assert list(nodes.down) == ["node2"]


# --- what is done there


def test_arguments_arrive_as_they_are(runner: SshRunner) -> None:
    odd = ("a b", "$HOME", "it's", '"', "`id`", "*", "", "ü\n")
    assert runner.run(("printf", "%s|", *odd)).stdout == "".join(f"{word}|" for word in odd)


def test_a_status_that_is_no_answer_is_an_error_with_what_was_said(runner: SshRunner) -> None:
    assert runner.run(("sh", "-c", "exit 3"), ok=(0, 3)).status == 3
    with pytest.raises(CommandFailed, match=r"n1: sh -c .* failed \(4\): no such thing"):
        runner.run(("sh", "-c", "echo no such thing >&2; exit 4"))


def test_a_command_ends_at_its_deadline_and_the_log_names_it(runner: SshRunner) -> None:
    for command in ("sleep 20", "while :; do echo .; sleep 0.1; done"):
        begin = time.monotonic()
        with pytest.raises(CommandFailed, match=r"^n1: sh -c '[^']*' did not end within 1 s"):
            runner.run(("sh", "-c", command), timeout=1)
        assert time.monotonic() - begin < 3
    assert runner.run(("true",)).status == 0


def test_much_of_everything_at_once_does_not_stall(runner: SshRunner) -> None:
    much = "x" * 3_000_000
    done = runner.run(("sh", "-c", "tee /dev/stderr"), stdin=much)
    assert (len(done.stdout), len(done.stderr)) == (len(much), len(much))
    assert runner.run(("true",), stdin=much).status == 0  # nobody reads it


def test_several_threads_share_one_connection(runner: SshRunner) -> None:
    seen: list[str] = []
    threads = [
        threading.Thread(target=lambda n=n: seen.append(runner.run(("sh", "-c", f"sleep 0.3; echo {n}")).stdout))
        for n in range(8)
    ]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [f"{n}\n" for n in range(8)]
    assert time.monotonic() - begin < 2


def test_a_file_is_replaced_whole_with_its_mode_and_kept_from_others(runner: SshRunner, tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "secret"
    owner = f"{os.getuid()}:{os.getgid()}"
    runner.put(str(path), "ü one\n", mode=0o600, owner=owner)
    before = path.stat().st_ino
    runner.put(str(path), "two\n", mode=0o400, owner=owner)
    assert path.read_text() == "two\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert path.stat().st_ino != before
    assert [file.name for file in path.parent.iterdir()] == ["secret"]
    assert runner.read(str(path)) == "two\n"
    assert runner.read(str(tmp_path / "nothing")) is None


def test_what_could_not_be_put_leaves_the_old_file_alone(runner: SshRunner, tmp_path: Path) -> None:
    path = tmp_path / "kept"
    path.write_text("old")
    with pytest.raises(CommandFailed):
        runner.put(str(path), "new", owner="nobody-of-that-name")
    assert path.read_text() == "old"
    assert not list(tmp_path.glob(".pcmk-ha.*"))


def test_the_log_has_every_command_and_no_input(runner: SshRunner, desk: Desk) -> None:
    runner.run(("cat",), stdin="canary")
    runner.put(str(desk.folder / "file"), "canary", owner=f"{os.getuid()}:{os.getgid()}")
    runner.run(("false",), ok=None)
    with pytest.raises(CommandFailed):
        runner.run(("sleep", "5"), timeout=0.5)
    log = (desk.folder / "commands.log").read_text()
    assert "canary" not in log
    assert [line.split()[3] for line in log.splitlines()] == ["0", "0", "1", "-1"]
    assert " n1 " in log


def test_a_connection_that_ends_is_an_answer(runner: SshRunner) -> None:
    runner.close()
    with pytest.raises(NodeUnreachable, match="connection was lost"):
        runner.run(("true",))
