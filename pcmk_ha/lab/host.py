"""Whether this machine can hold a lab; every reason against it is found at once."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from pcmk_ha.errors import BadInput, Problem
from pcmk_ha.lab.image import image_path
from pcmk_ha.lab.kernel import kernel_dir
from pcmk_ha.lab.mirror import find_keyring
from pcmk_ha.lab.spec import GIB, LabSpec

# program -> Debian package
TOOLS = {
    "mmdebstrap": "mmdebstrap", "patchelf": "patchelf", "mke2fs": "e2fsprogs", "depmod": "kmod", "ip": "iproute2",
    "unshare": "util-linux", "ssh-keygen": "openssh-client", "ssh": "openssh-client", "sysctl": "procps",
}  # fmt: skip
IMAGE_DISK = 4 * GIB  # image, kernel and the package cache while they are made
NODE_DISK = GIB // 2  # what a node writes before it is used much; its disks are sparse
RESERVE = GIB // 2
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  where User-Mode Linux keeps a node's memory
SOCKET_PATH = 107  # bytes, for a Unix socket


def require_root() -> None:
    """Raise BadInput without root: namespaces, taps and nodes are root's."""
    if os.geteuid() != 0:
        raise BadInput([Problem("a lab needs root: run it with sudo, or as root")])


def check_host(spec: LabSpec, cache: Path, root: Path) -> None:
    """Raise BadInput with everything that stands against a lab on this machine, its state being kept in `root`."""
    require_root()
    problems = list(system_problems(_os_release(), platform.machine()))
    if not problems:
        problems = [*_tools(), *_memory(spec), *_disk(spec, cache, root), *_paths(root)]
    if problems:
        raise BadInput(problems)


def system_problems(release: Mapping[str, str], machine: str) -> Iterator[Problem]:
    """Find what no package can mend: `release` is os-release."""
    like = {release.get("ID", ""), *release.get("ID_LIKE", "").split()}
    if not like & {"debian", "ubuntu"}:
        yield Problem(
            "the lab is built from Debian packages and needs a Debian or Ubuntu host, "
            f"this is {release.get('PRETTY_NAME', 'another system')}",
            "elsewhere use the Vagrantfile: `vagrant up`, then `pcmk-ha init --vagrant`",
        )
    if machine != "x86_64":
        yield Problem(f"User-Mode Linux runs on x86_64, this is {machine}", "use the Vagrantfile")


def _os_release() -> Mapping[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def _tools() -> Iterator[Problem]:
    packages = {package for tool, package in TOOLS.items() if not shutil.which(tool)}
    if not find_keyring():
        packages.add("debian-archive-keyring")
    if packages:
        yield Problem("tools are missing", f"apt-get install {' '.join(sorted(packages))}")
    if not find_spec("pyghmi"):
        yield Problem("the Python package pyghmi is missing", "pip install 'pcmk-ha[lab]'")
    if not Path("/dev/net/tun").exists():
        yield Problem("/dev/net/tun is missing", "modprobe tun")


def _memory(spec: LabSpec) -> Iterator[Problem]:
    nodes = sum(node.memory_mib for node in spec.nodes) * 1024**2
    available = _available_memory()
    if available < nodes + RESERVE:
        yield Problem(
            f"{available / GIB:.1f} GiB of memory are available, this lab needs {(nodes + RESERVE) / GIB:.1f}",
            "end something, or give the nodes less: --memory 768",
        )
    shared = _free(SHARED_MEMORY)
    if shared < nodes:
        yield Problem(
            f"{SHARED_MEMORY} has {shared / GIB:.1f} GiB free, the nodes' memory needs {nodes / GIB:.1f}",
            f"mount -o remount,size={nodes // 1024**2 + 256}M {SHARED_MEMORY}",
        )


def _available_memory() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


def _disk(spec: LabSpec, cache: Path, root: Path) -> Iterator[Problem]:
    made = image_path(cache, spec.suite, kernel_dir(cache), spec.stack).exists()
    for place, wanted, what in (
        (cache, 0 if made else IMAGE_DISK, "making the image"),
        (root, len(spec.nodes) * NODE_DISK, "a lab"),
    ):
        free = _free(place)
        if free < wanted:
            yield Problem(f"{place} has {free / GIB:.1f} GiB free, {what} needs {wanted / GIB:.1f}")


def _free(place: Path) -> int:
    """Return the free bytes where a folder is or will be."""
    return shutil.disk_usage(next(p for p in (place, *place.parents) if p.exists())).free


def _paths(root: Path) -> Iterator[Problem]:
    length = len(os.fsencode(root / "control.sock"))
    if length > SOCKET_PATH:
        yield Problem(
            f"{root} is too long for the path of a socket by {length - SOCKET_PATH} bytes",
            "a shorter --name, or another XDG_STATE_HOME",
        )
