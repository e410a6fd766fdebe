"""What a person at a terminal is asked, and what the answers do."""

from __future__ import annotations

import sys
from pathlib import Path

import paramiko
import pytest
from support.files import MINIMAL
from support.sshd import ssh_server
from support.terminal import Terminal

from pcmk_ha.model.load import load_cluster

PCMK_HA = [str(Path(sys.executable).with_name("pcmk-ha"))]
pytestmark = pytest.mark.timeout(90)
ANSWERS = {
    "Name of the cluster": "shop",
    "Host name of the first node": "alpha",
    "Its address [192.0.2.11]": "203.0.113.1",
    "Address of its BMC (IPMI) [192.0.2.111]": "203.0.113.101",
    "Host name of the second node": "beta",
    "Its address [192.0.2.12]": "203.0.113.2",
    "Address of its BMC (IPMI) [192.0.2.112]": "203.0.113.102",
    "Empty disk": "",
    "Virtual IP": "203.0.113.9",
}


def test_init_asks_and_writes_what_was_answered(tmp_path: Path) -> None:
    terminal = Terminal([*PCMK_HA, "init"], cwd=tmp_path)
    for question, words in ANSWERS.items():
        terminal.answer(question, words)
    assert terminal.wait() == 0
    cluster = load_cluster(tmp_path / "cluster.yaml")
    assert (cluster.name, [n.name for n in cluster.nodes]) == ("shop", ["alpha", "beta"])
    assert {n.disk for n in cluster.nodes} == {"/dev/sdb"}
    assert str(cluster.vip.address) == "203.0.113.9"


def test_init_writes_nothing_when_an_answer_cannot_be_right(tmp_path: Path) -> None:
    terminal = Terminal([*PCMK_HA, "init"], cwd=tmp_path)
    for question, words in {**ANSWERS, "Virtual IP": "203.0.113.1"}.items():
        terminal.answer(question, words)
    assert terminal.wait() == 2
    assert "nothing was written" in terminal.text
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("reply", "remembered"), [("y", True), ("n", False)])
def test_an_unknown_host_key_is_shown_and_the_person_decides(tmp_path: Path, reply: str, remembered: bool) -> None:
    user_key, host_key = paramiko.RSAKey.generate(2048), paramiko.ECDSAKey.generate()
    user_key.write_private_key_file(str(tmp_path / "id"))
    with ssh_server(host_key, user_key) as port:
        (tmp_path / "ssh_config").write_text(
            f"Host box1\n  HostName 127.0.0.1\n  Port {port}\n  User root\n  IdentityFile {tmp_path}/id\n"
            f"  UserKnownHostsFile {tmp_path}/known_hosts\n"
        )
        text = MINIMAL.replace("  - name: node1\n", "  - name: node1\n    ssh: box1\n")
        text = text.replace("  - name: node2\n", "  - name: node2\n    ssh: nobody.invalid\n")
        (tmp_path / "cluster.yaml").write_text(f"{text}ssh_config: {tmp_path}/ssh_config\n")
        terminal = Terminal([*PCMK_HA, "status"], cwd=tmp_path, env={"HOME": str(tmp_path), "SSH_AUTH_SOCK": ""})
        terminal.answer(f"Its key is {host_key.fingerprint}", reply)
        assert terminal.wait() == 11
    assert (tmp_path / "known_hosts").exists() is remembered
    assert ("unknown host key" in terminal.text) is not remembered
    assert "node2 does not answer SSH" in terminal.text
