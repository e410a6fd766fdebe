"""Parts of a lab that need no lab."""

from __future__ import annotations

import os
import socket
import subprocess
import tarfile
from pathlib import Path

import pytest

from pcmk_ha.errors import BadInput, CommandFailed, PcmkHaError
from pcmk_ha.lab.forward import open_door
from pcmk_ha.lab.host import check_host, system_problems
from pcmk_ha.lab.image import ensure_image, image_path
from pcmk_ha.lab.lab import renew
from pcmk_ha.lab.network import create_network, delete_network, exists, inside
from pcmk_ha.lab.node import uml_argv
from pcmk_ha.lab.paths import LabPaths
from pcmk_ha.lab.process import run, run_reporting
from pcmk_ha.lab.seed import write_seed, write_seeds
from pcmk_ha.lab.spec import LabSpec
from pcmk_ha.lab.starter import lab_file
from pcmk_ha.lab.state import Lab, load_lab, read_lab, write_lab
from pcmk_ha.model.load import load_cluster_text


def said_in_a_child(user: int, spec: LabSpec, cache: Path) -> str:
    """What check_host says to another user; in a child process, for there is no way back to root."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setuid(user)
        try:
            check_host(spec, cache, cache)
            text = "nothing"
        except BadInput as error:
            text = str(error)
        os.write(writer, text.encode())
        os._exit(0)
    os.waitpid(child, 0)
    return os.read(reader, 4096).decode()


def test_without_root_it_says_so_in_one_line(tmp_path: Path) -> None:
    assert said_in_a_child(65534, LabSpec(), tmp_path) == "a lab needs root: run it with sudo, or as root"
    assert said_in_a_child(0, LabSpec(), tmp_path) == "nothing"


def test_too_little_memory_is_said_with_both_numbers(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"GiB of memory are available, this lab needs 1953"):
        check_host(LabSpec(memory_mib=1_000_000), tmp_path, tmp_path)


def test_another_system_is_led_to_the_vagrantfile() -> None:
    fedora = {"ID": "fedora", "PRETTY_NAME": "Fedora Linux 43"}
    (problem,) = system_problems(fedora, "x86_64")
    assert "needs a Debian or Ubuntu host, this is Fedora Linux 43" in problem.message
    assert "Vagrantfile" in problem.hint
    assert [p.message for p in system_problems({"ID": "debian"}, "aarch64")] == [
        "User-Mode Linux runs on x86_64, this is aarch64"
    ]
    assert not list(system_problems({"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, "x86_64"))


def test_a_full_disk_is_said_with_both_numbers(tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(tmp_path)], check=True, timeout=30)
    try:
        with pytest.raises(BadInput) as caught:
            check_host(LabSpec(), tmp_path / "cache", tmp_path / "state")
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True, timeout=30)
    found = [problem.message for problem in caught.value.problems]
    assert f"{tmp_path}/cache has 0.1 GiB free, making the image needs 4.0" in found
    assert f"{tmp_path}/state has 0.1 GiB free, a lab needs 1.0" in found


def test_a_missing_tool_is_answered_with_the_exact_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInput) as caught:
        check_host(LabSpec(), tmp_path, tmp_path)
    (problem,) = [p for p in caught.value.problems if "tools" in p.message]
    assert problem.hint.startswith("apt-get install e2fsprogs iproute2 kmod mmdebstrap")


def test_a_failing_program_is_quoted() -> None:
    with pytest.raises(CommandFailed, match="broken thing"):
        run(("sh", "-c", "echo broken thing >&2; exit 3"))
    lines: list[str] = []
    noise = "E: Unable to locate package nonsense\\n" + "noise\\n" * 40
    with pytest.raises(CommandFailed, match="Unable to locate package nonsense"):
        run_reporting(("sh", "-c", f"printf '{noise}'; exit 100"), lines.append)
    assert len(lines) == 41


def test_an_image_cut_short_is_made_anew_and_a_failing_mirror_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = tmp_path / "mmdebstrap"
    stub.write_text("#!/bin/sh\necho 'E: the mirror is gone'\nexit 100\n")
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    image = image_path(tmp_path, "trixie", tmp_path / "kernel-1")
    half = image.with_suffix(".draft") / "half"
    half.parent.mkdir()
    half.write_text("x")
    with pytest.raises(CommandFailed, match="the mirror is gone"):
        ensure_image(tmp_path, "trixie", tmp_path / "kernel-1", print_nothing)
    assert not half.exists()
    assert not image.exists()


def print_nothing(_line: str) -> None:
    """Ignore progress."""


def test_a_taken_port_is_passed_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with open_door(port) as door:
            assert door.getsockname()[1] > port


def test_a_seed_makes_a_node_itself(tmp_path: Path) -> None:
    spec = LabSpec(arbiter=True)
    write_seeds(spec, LabPaths(tmp_path), {"node1": 2201, "node2": 2202, "arbiter": 2203})
    with tarfile.open(tmp_path / "node2.seed.tar") as tar:
        names = tar.getnames()
        addresses = tar.extractfile("etc/lab/addresses")
        assert addresses is not None
        assert addresses.read() == b'LAB_ADDRESSES="vec0=10.77.0.12/24 vec1=10.77.1.12/24"\n'
    assert "etc/ssh/ssh_host_ed25519_key" in names
    assert "[127.0.0.1]:2203 ssh-ed25519" in (tmp_path / "known_hosts").read_text()
    assert (tmp_path / "node2.seed.tar").stat().st_mode & 0o077 == 0


def test_a_new_machine_has_another_host_key_and_the_addresses_it_was_given(tmp_path: Path) -> None:
    paths = LabPaths(tmp_path)
    spec = LabSpec(suffixes={"node2": 22})
    assert [str(node.bmc_address) for node in spec.nodes] == ["10.77.0.101", "10.77.0.112"]
    write_seeds(LabSpec(), paths, {"node1": 2201, "node2": 2202})
    before = (tmp_path / "known_hosts").read_text()
    public = write_seed(spec, spec.node("node2"), paths, "ssh-ed25519 login", paths.next_seed("node2"))
    assert public.split()[1] not in before
    assert (tmp_path / "known_hosts").read_text() == before
    with tarfile.open(paths.next_seed("node2")) as tar:
        addresses = tar.extractfile("etc/lab/addresses")
        assert addresses is not None
        assert addresses.read() == b'LAB_ADDRESSES="vec0=10.77.0.22/24 vec1=10.77.1.22/24"\n'


@pytest.mark.parametrize(("suffix", "taken"), [(13, {}), (100, {}), (22, {"node1": 22})])
def test_a_new_machine_is_not_given_an_address_that_another_has(
    tmp_path: Path, suffix: int, taken: dict[str, int]
) -> None:
    lab = Lab(LabSpec(suffixes=taken), LabPaths(tmp_path), Path("/k"), Path("/i"), {"node1": 1, "node2": 2}, 15432)
    with pytest.raises(BadInput, match=f"--address-suffix {suffix}"):
        renew(lab, "node2", suffix=suffix)


def test_a_node_is_given_its_own_disks_and_the_shared_image(tmp_path: Path) -> None:
    spec = LabSpec(arbiter=True)
    data, _other, arbiter = spec.nodes
    paths = LabPaths(tmp_path)
    argv = uml_argv(data, paths=paths, kernel=Path("/k"), image=Path("/i.img"))
    assert f"ubd0={tmp_path}/node1.cow,/i.img" in argv
    assert f"ubd1={tmp_path}/node1.data" in argv
    assert "seccomp=on" in argv
    assert not [word for word in uml_argv(arbiter, paths=paths, kernel=Path("/k"), image=Path("/i")) if "ubd1=" in word]


def test_a_namespace_holds_the_networks_and_goes_whole() -> None:
    spec = LabSpec(name="unit-test")
    create_network(spec)
    try:
        shown = run(inside(spec.netns, ("ip", "-br", "addr")))
        for address in ("10.77.0.1/24", "10.77.0.101/24", "10.77.1.1/24"):
            assert address in shown
        assert "10.77." not in run(("ip", "-br", "addr"))
    finally:
        delete_network(spec)
    assert not exists(spec.netns)


def test_a_labs_cluster_file_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    spec = LabSpec(name="written", arbiter=True)
    paths = LabPaths.of("written")
    paths.root.mkdir(parents=True)
    write_lab(Lab(spec, paths, Path("/k"), Path("/i"), {"node1": 1, "node2": 2, "arbiter": 3}, 15432))
    assert load_lab("written") == read_lab(paths)
    cluster = load_cluster_text(lab_file("written"))
    assert cluster.lab == "written"
    assert cluster.arbiter is not None
    assert lab_file("written").count("\n") > 10


def test_a_lab_that_does_not_exist_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with pytest.raises(PcmkHaError, match="there is no lab nowhere"):
        load_lab("nowhere")
