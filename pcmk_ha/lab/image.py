"""Root images: one for each suite, made once and shared copy-on-write by every node of every lab."""

from __future__ import annotations

import hashlib
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from pcmk_ha.lab.lock import making
from pcmk_ha.lab.mirror import bootstrap
from pcmk_ha.lab.process import Report, run
from pcmk_ha.lab.spec import PACEMAKER, PATRONI

GUEST = Path(__file__).parent / "guest"
SYSTEM = (
    "systemd-sysv", "udev", "dbus", "openssh-server", "iproute2", "iputils-ping", "iputils-arping", "procps",
    "psmisc", "kmod", "sudo", "less", "e2fsprogs", "dmsetup",
)  # fmt: skip
CLUSTER = (
    "corosync",
    "pacemaker",
    "pacemaker-cli-utils",
    "crmsh",
    "drbd-utils",
    "resource-agents",
    "ipmitool",
)
OF_SUITE = {
    "trixie": ("fence-agents-ipmilan", "postgresql-17"),
    "bookworm": ("fence-agents", "postgresql-15"),
}
# Of stacks other than our own; python3-etcd is what Patroni talks to etcd with.
OF_STACK = {
    PATRONI: ("patroni", "python3-etcd", "etcd-server", "etcd-client", "haproxy", "keepalived", "curl"),
}
STACK_GUEST = {PATRONI: Path(__file__).parent / "patroni/guest"}
SIZE = "6G"  # sparse; a guest never fills it


def packages(suite: str, stack: str = PACEMAKER) -> tuple[str, ...]:
    """What an image of a suite contains besides the essential packages."""
    cluster = OF_STACK.get(stack, CLUSTER)
    of_suite = OF_SUITE[suite] if stack == PACEMAKER else OF_SUITE[suite][1:]  # nobody fences there
    return (*SYSTEM, *cluster, *of_suite)


def _guests(stack: str) -> tuple[Path, ...]:
    """Return the folders of what is put into an image, the one every image has first."""
    return (GUEST, *(folder for name, folder in STACK_GUEST.items() if name == stack))


def image_path(cache: Path, suite: str, kernel: Path, stack: str = PACEMAKER) -> Path:
    """Where an image is or will be, named by everything that goes into it."""
    guests = _guests(stack)
    texts = [path.read_text() for guest in guests for path in sorted(guest.iterdir())]
    recipe = [suite, SIZE, kernel.name, *packages(suite, stack), *texts]
    name = suite if stack == PACEMAKER else f"{suite}-{stack}"
    return cache / f"{name}-{hashlib.sha256(repr(recipe).encode()).hexdigest()[:12]}.img"


def ensure_image(cache: Path, suite: str, kernel: Path, report: Report, stack: str = PACEMAKER) -> Path:
    """Make the image unless it is in the cache; one cut short leaves only a draft, which is made anew.

    Raises CommandFailed with the package manager's own words.
    """
    image = image_path(cache, suite, kernel, stack)
    if not image.exists():
        with making(image, report):
            if not image.exists():
                _make(image, _options(suite, stack), suite, kernel, report)
    return image


def _make(image: Path, options: Sequence[str], suite: str, kernel: Path, report: Report) -> None:
    draft = image.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    bootstrap(options, suite, draft / "root", report)
    report("writing the image")
    _add_modules(draft / "root", kernel)
    _write_image(draft / "root", draft / "base.img")
    (draft / "base.img").rename(image)
    shutil.rmtree(draft)


def _options(suite: str, stack: str) -> tuple[str, ...]:
    guests = _guests(stack)
    return (
        "--variant=minbase", "--mode=root", "--skip=check/empty",
        "--aptopt=APT::Install-Recommends \"false\"", "--dpkgopt=force-unsafe-io",
        "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        # Debian's own empty PostgreSQL cluster would only be in the way
        "--essential-hook=mkdir -p \"$1/etc/postgresql-common/createcluster.d\" && "
        "echo 'create_main_cluster = false' > \"$1/etc/postgresql-common/createcluster.d/lab.conf\"",
        *(f"--customize-hook=sh {shlex.quote(f'{guest}/customize')} \"$1\"" for guest in guests),
        f"--include={','.join(packages(suite, stack))}",
    )  # fmt: skip


def _add_modules(root: Path, kernel: Path) -> None:
    for modules in (kernel / "modules").iterdir():
        shutil.copytree(modules, root / "usr/lib/modules" / modules.name, symlinks=True)
        run(("depmod", "-b", str(root), modules.name))


def _write_image(root: Path, image: Path) -> None:
    run(("truncate", "-s", SIZE, str(image)))
    options = "lazy_itable_init=0,lazy_journal_init=1,nodiscard"
    run(("mke2fs", "-q", "-t", "ext4", "-E", options, "-d", str(root), str(image)), timeout=300)
