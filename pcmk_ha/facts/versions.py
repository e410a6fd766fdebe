"""Versions of what a node runs, and the pairs of them that are known to fail."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

DPKG_FORMAT = "${Package} ${db:Status-Status} ${Version}\n"


@dataclass(frozen=True)
class Release:
    """The operating system."""

    name: str
    codename: str


def parse_os_release(text: str) -> Release:
    """Read /etc/os-release."""
    fields = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    name = fields.get("PRETTY_NAME", "unknown").strip('"')
    return Release(name, fields.get("VERSION_CODENAME", "").strip('"'))


def parse_dpkg(text: str) -> dict[str, str]:
    """Read installed packages and their versions."""
    fields = (line.split() for line in text.splitlines())
    return {f[0]: f[2] for f in fields if len(f) == 3 and f[1] == "installed"}


def parse_policy(text: str) -> set[str]:
    """Read which packages `apt-cache policy` has a candidate for."""
    found, name = set(), ""
    for line in text.splitlines():
        if line and not line[0].isspace():
            name = line.rstrip(":")
        elif line.strip().startswith("Candidate:") and "(none)" not in line:
            found.add(name)
    return found


def parse_wipefs(text: str) -> tuple[str, ...]:
    """Read the signatures `wipefs --no-act --json` found; it prints nothing where there is none."""
    found = json.loads(text.strip() or "{}").get("signatures") or []
    return tuple(str(entry["type"]) for entry in found)


def parse_agent_parameters(text: str) -> set[str]:
    """Read a fence agent's parameter names from its metadata; empty when it printed none."""
    try:
        root = etree.fromstring(text.encode())
    except etree.XMLSyntaxError:
        return set()
    return {str(p.get("name")) for p in root.iter("parameter")} | {"action"}


def upstream(version: str) -> tuple[int, ...]:
    """Return a Debian version's upstream part as numbers."""
    plain = version.partition(":")[2] or version
    return tuple(int(part) for part in re.findall(r"\d+", plain.partition("-")[0])[:3])


def known_bad(packages: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield title, detail and hint of pairs that are known to fail, or that we work around."""
    pacemaker, utils = upstream(packages.get("pacemaker", "")), upstream(packages.get("drbd-utils", ""))
    if pacemaker >= (2, 1, 7) and (0,) < utils < (9, 28):
        # drbd-utils 9.28 taught its handler the timestamps Pacemaker writes since 2.1.7 (commit 7506d0ee)
        yield (
            "fence handler",
            f"drbd-utils {packages['drbd-utils']} cannot read Pacemaker {packages['pacemaker']}'s node states",
            "nothing to do: pcmk-ha installs its own fence-peer handler",
        )


def bad_drbd(version: str) -> str:
    """Say what is wrong with a DRBD module, empty when nothing is known."""
    number = upstream(version)
    if (9,) <= number < (9, 2, 19) or (9, 3) <= number < (9, 3, 3):
        return "can diverge silently after a diskless Primary (fixed in 9.2.19 and 9.3.3)"
    return ""
