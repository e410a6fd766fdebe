"""Connections: the user's ssh_config is honoured, host keys are verified, sudo is enough."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest_lab import Bench

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def elsewhere(trixie: Bench) -> Bench:
    """The same nodes, reached as somebody else's servers: by aliases of an own ssh_config, no host key known."""
    text = (trixie.folder / "cluster.yaml").read_text().replace("lab: t13", "ssh_config: ssh_config\n#")
    for node in ("node1", "node2"):
        text = text.replace(f"  - name: {node}\n", f"  - name: {node}\n    ssh: alias-{node}\n")
    (trixie.folder / "servers.yaml").write_text(text)
    lab_config = Path(trixie.environment["XDG_STATE_HOME"]) / "pcmk-ha/labs/t13/ssh_config"
    lines = lab_config.read_text().replace("Host node", "Host alias-node").splitlines()
    own = [line for line in lines if "StrictHostKeyChecking" not in line and "UserKnownHostsFile" not in line]
    own += ["Host *", f"  UserKnownHostsFile {trixie.folder}/known_hosts"]
    (trixie.folder / "ssh_config").write_text("\n".join(own) + "\n")
    return trixie


def ssh_findings(bench: Bench, *options: str) -> list[dict[str, str]]:
    done = bench.run("check", "--file", "servers.yaml", "--json", *options, ok=(0, 1))
    return [finding for finding in json.loads(done.stdout) if finding["title"] == "SSH"]


def test_an_unknown_host_key_is_shown_and_refused(elsewhere: Bench) -> None:
    found = ssh_findings(elsewhere)
    assert all(f["verdict"] == "fail" and "unknown host key ssh-ed25519 SHA256:" in f["detail"] for f in found), found
    assert not (elsewhere.folder / "known_hosts").exists()


def test_it_is_trusted_when_told_to_and_known_from_then_on(elsewhere: Bench) -> None:
    assert {f["detail"] for f in ssh_findings(elsewhere, "--accept-new-host-keys")} == {"as root"}
    assert {f["detail"] for f in ssh_findings(elsewhere)} == {"as root"}


def test_a_changed_host_key_is_refused_even_then(elsewhere: Bench) -> None:
    known = elsewhere.folder / "known_hosts"
    lines = known.read_text().splitlines()
    keys = [line.rpartition(" ")[2] for line in lines]
    swapped = [line.replace(key, keys[i - 1]) for i, (line, key) in enumerate(zip(lines, keys, strict=True))]
    known.write_text("\n".join(swapped) + "\n")
    found = ssh_findings(elsewhere, "--accept-new-host-keys")
    assert all(f["verdict"] == "fail" and "CHANGED" in f["detail"] for f in found), found
    known.write_text("\n".join(lines) + "\n")


def test_a_login_with_sudo_is_enough(elsewhere: Bench) -> None:
    for node in ("node1", "node2"):
        elsewhere.on(
            node,
            "useradd -m ops && echo 'ops ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/ops && "
            "install -d -o ops -m 700 /home/ops/.ssh && "
            "install -o ops -m 600 /root/.ssh/authorized_keys /home/ops/.ssh/",
        )
    config = elsewhere.folder / "ssh_config"
    config.write_text(config.read_text().replace("User root", "User ops"))
    assert {f["detail"] for f in ssh_findings(elsewhere)} == {"through sudo"}


def test_a_node_that_refuses_our_key_says_what_to_do(elsewhere: Bench) -> None:
    config = elsewhere.folder / "ssh_config"
    config.write_text(config.read_text().replace("User ops", "User nobody"))
    assert all("ssh-copy-id" in f["detail"] for f in ssh_findings(elsewhere))
