"""Where packages come from: the mirrors this machine's own apt uses, so that nobody has to name one twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pcmk_ha.errors import CommandFailed
from pcmk_ha.lab.process import Report, run, run_reporting

ARCHIVE, SECURITY = "Debian", "Debian-Security"  # labels in the archives' Release files
TARGETS = (
    "apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)", "Created-By: Packages",
)  # fmt: skip
KEYRINGS = tuple(Path(f"/usr/share/keyrings/debian-archive-keyring.{kind}") for kind in ("gpg", "pgp"))
LACKING = ("does not have a Release file", "404  Not Found")


def parse_mirrors(text: str) -> dict[str, str]:
    """Return the URI of each Debian archive by its label, the first one named for each."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        origin, label, component, uri = (line.split("|", 3) + [""] * 3)[:4]
        if origin == "Debian" and component == "main":
            found.setdefault(label, uri)
    return found


def sources(suite: str, mirrors: Mapping[str, str], keyring: Path | None) -> tuple[str, ...]:
    """Return a suite's lines of sources.list; none when this machine has no Debian mirror (Ubuntu).

    Testing gets its corrections in the suite itself, a stable suite from two more.
    """
    if ARCHIVE not in mirrors:
        return ()
    signed = f"[signed-by={keyring}] " if keyring else ""
    lines = [f"deb {signed}{mirrors[ARCHIVE]} {suite} main"]
    if suite != "testing":
        lines.append(f"deb {signed}{mirrors[ARCHIVE]} {suite}-updates main")
    if suite != "testing" and SECURITY in mirrors:
        lines.append(f"deb {signed}{mirrors[SECURITY]} {suite}-security main")
    return tuple(lines)


def find_keyring() -> Path | None:
    """Return Debian's keys on this machine."""
    return next((path for path in KEYRINGS if path.exists()), None)


def bootstrap(options: Sequence[str], suite: str, root: Path, report: Report) -> None:
    """Run mmdebstrap with the host's mirrors, and with its own default when they do not carry the suite.

    Raises CommandFailed with apt's own words.
    """
    argv = ("mmdebstrap", *options, suite, str(root))
    lines = sources(suite, _host_mirrors(), find_keyring())
    try:
        run_reporting((*argv, *lines), report)
    except CommandFailed as error:
        if not lines or not any(word in str(error) for word in LACKING):
            raise
        report(f"WARNING: this machine's mirror has no {suite}; asking Debian's own")
        run_reporting(argv, report)


def _host_mirrors() -> dict[str, str]:
    try:
        return parse_mirrors(run(TARGETS))
    except CommandFailed:
        return {}
