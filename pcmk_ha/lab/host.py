"""Whether this machine can hold a lab; every reason against it is found at once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from pcmk_ha.errors import BadInput, Problem
from pcmk_ha.lab.spec import GIB, LabSpec

# program -> Debian package
TOOLS = {
    "mmdebstrap": "mmdebstrap", "patchelf": "patchelf", "mke2fs": "e2fsprogs", "depmod": "kmod", "ip": "iproute2",
    "unshare": "util-linux", "ssh-keygen": "openssh-client", "ssh": "openssh-client", "sysctl": "procps",
}  # fmt: skip
IMAGE_DISK = 4 * GIB  # image, kernel and the package cache while they are made
RESERVE = GIB // 2


def check_host(spec: LabSpec, cache: Path) -> None:
    """Raise BadInput with everything that stands against a lab on this machine."""
    if os.geteuid() != 0:
        raise BadInput([Problem("a lab needs root: run it with sudo, or as root")])
    problems = [*_system(), *_tools(), *_room(spec, cache)]
    if problems:
        raise BadInput(problems)


def _system() -> Iterator[Problem]:
    release = Path("/etc/os-release")
    text = release.read_text() if release.exists() else ""
    if not any(line in text for line in ("ID=debian", "ID=ubuntu", "ID_LIKE=debian")):
        yield Problem(
            "the lab is built from Debian packages and needs a Debian or Ubuntu host",
            "elsewhere use the Vagrantfile: `vagrant up`, then `pcmk-ha init --vagrant`",
        )
    if os.uname().machine != "x86_64":
        yield Problem(f"User-Mode Linux runs on x86_64, this is {os.uname().machine}", "use the Vagrantfile")
    if not Path("/dev/net/tun").exists():
        yield Problem("/dev/net/tun is missing", "modprobe tun")


def _tools() -> Iterator[Problem]:
    packages = sorted({package for tool, package in TOOLS.items() if not shutil.which(tool)})
    if packages:
        yield Problem("tools are missing", f"apt-get install {' '.join(packages)}")
    if not find_spec("pyghmi"):
        yield Problem("the Python package pyghmi is missing", "pip install 'pcmk-ha[lab]'")


def _room(spec: LabSpec, cache: Path) -> Iterator[Problem]:
    place = next(parent for parent in (cache, *cache.parents) if parent.exists())
    free = shutil.disk_usage(place).free
    if free < IMAGE_DISK:
        yield Problem(f"{place} has {free / GIB:.1f} GiB free, a lab needs {IMAGE_DISK / GIB:.0f}")
    memory = _available_memory()
    wanted = sum(node.memory_mib for node in spec.nodes) * 1024**2 + RESERVE
    if memory < wanted:
        yield Problem(
            f"{memory / GIB:.1f} GiB of memory are available, this lab needs {wanted / GIB:.1f}",
            "end something, or give the nodes less: --memory 768",
        )


def _available_memory() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
