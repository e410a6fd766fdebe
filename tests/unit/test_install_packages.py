"""Packages are installed with nothing of them started, and our word for it ends with that, however it ends."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pcmk_ha.operate.parts import node


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder for the policy, and programs of the name of those that install; apt-get writes what the policy says."""
    installs = f"{tmp_path}/policy-rc.d; echo $? > {tmp_path}/said"
    apt_get = f'case "$*" in *install*) {installs};; esac; [ ! -e {tmp_path}/fail ]'
    programs = {"dpkg": "true", "apt-get": apt_get, "install": "true"}
    for name, body in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def install(machine: Path) -> int:
    """Run the script with the policy and Debian's settings in that folder."""
    script = node.GUARDED.replace(node.POLICY, f"{machine}/policy-rc.d")
    script = script.replace("/etc/postgresql-common/createcluster.d/pcmk-ha.conf", f"{machine}/createcluster.conf")
    environment = {**os.environ, "PATH": f"{machine}:{os.environ['PATH']}"}
    argv = ("sh", "-c", script, node.INSTALLER, "corosync")
    return subprocess.run(argv, env=environment, timeout=20, check=False, capture_output=True).returncode


def test_nothing_starts_while_packages_are_installed_and_no_word_of_ours_stays(machine: Path) -> None:
    assert install(machine) == 0
    assert (machine / "said").read_text() == "101\n"
    assert not (machine / "policy-rc.d").exists()


def test_a_failed_installation_leaves_no_word_either(machine: Path) -> None:
    (machine / "fail").touch()
    assert install(machine) != 0
    assert not (machine / "policy-rc.d").exists()


def test_what_a_power_cut_left_forbids_nothing_and_the_next_run_takes_it_away(machine: Path) -> None:
    policy = machine / "policy-rc.d"
    gone = subprocess.Popen(("true",))
    gone.wait()
    policy.write_text(f"#!/bin/sh\n! grep -qs {node.INSTALLER} /proc/{gone.pid}/cmdline || exit 101\n")
    policy.chmod(0o755)
    assert subprocess.run((policy,), check=False).returncode == 0
    assert install(machine) == 0
    assert (machine / "said").read_text() == "101\n", "and forbids again while it runs"
    assert not policy.exists()


def test_somebody_elses_word_stays(machine: Path) -> None:
    policy = machine / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 104\n")
    policy.chmod(0o755)
    assert install(machine) == 0
    assert (machine / "said").read_text() == "104\n"
    assert policy.exists()
