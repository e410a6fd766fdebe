"""Root images: one for each suite, made once and shared copy-on-write by every node of every lab."""

from __future__ import annotations

import hashlib
import shlex
import shutil
from pathlib import Path

from pcmk_ha.lab.lock import making
from pcmk_ha.lab.mirror import bootstrap
from pcmk_ha.lab.process import Report, run

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
SIZE = "6G"  # sparse; a guest never fills it


def packages(suite: str) -> tuple[str, ...]:
    """What an image of a suite contains besides the essential packages."""
    return (*SYSTEM, *CLUSTER, *OF_SUITE[suite])


def image_path(cache: Path, suite: str, kernel: Path) -> Path:
    """Where an image is or will be, named by everything that goes into it."""
    recipe = [suite, SIZE, kernel.name, *packages(suite), *(p.read_text() for p in sorted(GUEST.iterdir()))]
    return cache / f"{suite}-{hashlib.sha256(repr(recipe).encode()).hexdigest()[:12]}.img"


def ensure_image(cache: Path, suite: str, kernel: Path, report: Report) -> Path:
    """Make the image unless it is in the cache; one cut short leaves only a draft, which is made anew.

    Raises CommandFailed with the package manager's own words.
    """
    image = image_path(cache, suite, kernel)
    if not image.exists():
        with making(image, report):
            if not image.exists():
                _make(image, suite, kernel, report)
    return image


def _make(image: Path, suite: str, kernel: Path, report: Report) -> None:
    draft = image.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    bootstrap(_options(suite), suite, draft / "root", report)
    report("writing the image")
    _add_modules(draft / "root", kernel)
    _write_image(draft / "root", draft / "base.img")
    (draft / "base.img").rename(image)
    shutil.rmtree(draft)


def _options(suite: str) -> tuple[str, ...]:
    return (
        "--variant=minbase", "--mode=root", "--skip=check/empty",
        "--aptopt=APT::Install-Recommends \"false\"", "--dpkgopt=force-unsafe-io",
        "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        # Debian's own empty PostgreSQL cluster would only be in the way
        "--essential-hook=mkdir -p \"$1/etc/postgresql-common/createcluster.d\" && "
        "echo 'create_main_cluster = false' > \"$1/etc/postgresql-common/createcluster.d/lab.conf\"",
        f"--customize-hook=sh {shlex.quote(f'{GUEST}/customize')} \"$1\"", f"--include={','.join(packages(suite))}",
    )  # fmt: skip


def _add_modules(root: Path, kernel: Path) -> None:
    for modules in (kernel / "modules").iterdir():
        shutil.copytree(modules, root / "usr/lib/modules" / modules.name, symlinks=True)
        run(("depmod", "-b", str(root), modules.name))


def _write_image(root: Path, image: Path) -> None:
    run(("truncate", "-s", SIZE, str(image)))
    options = "lazy_itable_init=0,lazy_journal_init=1,nodiscard"
    run(("mke2fs", "-q", "-t", "ext4", "-E", options, "-d", str(root), str(image)), timeout=300)
