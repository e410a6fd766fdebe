"""The guest kernel: User-Mode Linux from Debian's testing suite, where it has the fast seccomp mode and DRBD."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from pcmk_ha.errors import CommandFailed
from pcmk_ha.lab.process import Report, run, run_reporting

SUITE = "testing"  # Debian 13's own package (6.12) is older than seccomp mode (6.16)
PACKAGES = ("user-mode-linux", "libc6")
LIB = Path("usr/lib/x86_64-linux-gnu")
EXPIRED = ("is expired", "Release file", "not valid")


def kernel_dir(cache: Path) -> Path:
    """Where the kernel is or will be, named by its recipe."""
    return cache / f"kernel-{hashlib.sha256(repr((SUITE, PACKAGES, 1)).encode()).hexdigest()[:12]}"


def ensure_kernel(cache: Path, report: Report) -> Path:
    """Fetch the kernel unless it is in the cache; returns its folder with `linux` and `modules/`.

    The package is verified with the host's Debian keyring. Raises CommandFailed with apt's own words.
    """
    home = kernel_dir(cache)
    if (home / "linux").exists():
        return home
    draft = home.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    _extract(draft / "root", report)
    _make_runnable(draft)
    draft.rename(home)
    return home


def _extract(root: Path, report: Report) -> None:
    try:
        run_reporting(_argv(root), report)
    except CommandFailed as error:
        if not any(word in str(error) for word in EXPIRED):
            raise
        report("WARNING: the mirror's snapshot of testing is past its validity; its signature is still checked")
        shutil.rmtree(root, ignore_errors=True)
        run_reporting(_argv(root, '--aptopt=Acquire::Check-Valid-Until "false"'), report)


def _argv(root: Path, *options: str) -> Sequence[str]:
    return ("mmdebstrap", "--variant=extract", f"--include={','.join(PACKAGES)}", *options, SUITE, str(root))


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
