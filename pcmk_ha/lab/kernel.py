"""The guest kernel: User-Mode Linux from Debian's testing suite, where it has the fast seccomp mode and DRBD."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from pcmk_ha.errors import CommandFailed
from pcmk_ha.lab.lock import making
from pcmk_ha.lab.mirror import bootstrap
from pcmk_ha.lab.process import Report, run

SUITE = "testing"  # Debian 13's own package (6.12) is older than seccomp mode (6.16)
PACKAGES = ("user-mode-linux", "libc6")
LIB = Path("usr/lib/x86_64-linux-gnu")
EXPIRED = "is expired"  # apt, of a Release file


def kernel_dir(cache: Path) -> Path:
    """Where the kernel is or will be, named by its recipe."""
    return cache / f"kernel-{hashlib.sha256(repr((SUITE, PACKAGES, 1)).encode()).hexdigest()[:12]}"


def ensure_kernel(cache: Path, report: Report) -> Path:
    """Fetch the kernel unless it is in the cache; returns its folder with `linux` and `modules/`.

    The package is verified with the host's Debian keyring. Raises CommandFailed with apt's own words.
    """
    home = kernel_dir(cache)
    if not (home / "linux").exists():
        with making(home, report):
            if not (home / "linux").exists():
                _make(home, report)
    return home


def _make(home: Path, report: Report) -> None:
    draft = home.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    _extract(draft / "root", report)
    _make_runnable(draft)
    draft.rename(home)


def _extract(root: Path, report: Report) -> None:
    options = ("--variant=extract", f"--include={','.join(PACKAGES)}")
    try:
        bootstrap(options, SUITE, root, report)
    except CommandFailed as error:
        if EXPIRED not in str(error):
            raise
        report("WARNING: the mirror's snapshot of testing is past its validity; its signature is still checked")
        shutil.rmtree(root, ignore_errors=True)
        bootstrap((*options, '--aptopt=Acquire::Check-Valid-Until "false"'), SUITE, root, report)


def _make_runnable(draft: Path) -> None:
    """Let the binary use the C library it was built for: the host's may be older."""
    root = draft / "root"
    linux = draft / "linux"
    shutil.copy2(root / "usr/bin/linux.uml", linux)
    shutil.copytree(root / LIB, draft / "lib", symlinks=True)
    shutil.copytree(root / "usr/lib/uml/modules", draft / "modules", symlinks=True)
    final = draft.with_suffix("") / "lib"
    loader = f"{final}/ld-linux-x86-64.so.2"
    run(("patchelf", "--set-interpreter", loader, "--set-rpath", str(final), str(linux)))
    shutil.rmtree(root)
