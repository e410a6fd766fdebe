"""Looking at what every member runs and would install."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from pcmk_ha.errors import PcmkHaError
from pcmk_ha.facts.aside import parse_aside
from pcmk_ha.facts.software import LOOK, SIMULATE, Software, parse_look
from pcmk_ha.operate.look.standing import Standing, look_closely
from pcmk_ha.operate.look.status import best_view
from pcmk_ha.operate.members import Members
from pcmk_ha.plan.update import Found, holds_data
from pcmk_ha.remote.parallel import on_all
from pcmk_ha.remote.runner import Runner

# Error-Mode: without it a list that could not be fetched is a warning, and what is found is what was there long ago.
REFRESH = ("apt-get", "-q", "-o", "APT::Update::Error-Mode=any", "update")
# The package of a kernel that is not installed yet is asked for its files. apt-get fetches without root's rights, so
# the folder is its own.
LIST = """set -e; d=$(mktemp -d /var/tmp/pcmk-ha.XXXXXX); trap 'rm -rf "$d"' EXIT; cd "$d"
chown _apt: . 2>/dev/null || :
apt-get -q download "$@" >&2
for deb in *.deb; do dpkg-deb --fsys-tarfile "$deb" | tar -t; done | grep -E '/drbd\\.ko(\\.[a-z]+)?$' || :"""

T = TypeVar("T")


@dataclass(frozen=True)
class Seen:
    """One look at everything."""

    found: Found
    standing: Standing


def see(members: Members) -> Seen:
    """Look at the cluster, and at the software of every member that answers."""
    standing, aside = look_for_aside(members)
    service = standing.status.service
    found = Found(look_at_software(members, aside), service.promoted_on, aside, frozenset(service.online))
    return Seen(found, standing)


def look_for_aside(members: Members) -> tuple[Standing, frozenset[str]]:
    """Look at the cluster, and at which nodes an update has put into standby."""
    standing = look_closely(members)
    return standing, parse_aside(best_view(standing.status.members).attributes)


def look_at_software(members: Members, aside: frozenset[str]) -> dict[str, Software]:
    """Ask every member that answers; raises what one could not be asked for."""
    return _all(on_all(members.nodes, look_at_node), aside)


def look_at_node(runner: Runner) -> Software:
    """Ask one node; while packages are being installed there apt-get is not asked."""
    said = runner.run(("sh", "-c", LOOK), timeout=120).stdout
    software = parse_look(said, "")
    if software.is_working:
        return software
    simulated = runner.run(SIMULATE, ok=None if software.unfinished else (0,), timeout=300).stdout
    return parse_look(said, simulated)


def refresh(members: Members, aside: frozenset[str]) -> None:
    """Have every member fetch the lists of packages; raises CommandFailed where one cannot."""
    _all(on_all(members.nodes, lambda runner: runner.run(REFRESH, timeout=600)), aside)


def find_carriers(members: Members, found: Found) -> dict[str, frozenset[str]]:
    """Look into the packages of new kernels: which of them will have DRBD."""
    asked = {
        name: runner
        for name, runner in members.nodes.items()
        if holds_data(members.cluster, name) and name in found.software and found.software[name].new_kernels
    }
    return _all(on_all(asked, lambda runner: _carriers(runner, found.software[runner.node])))


def _carriers(runner: Runner, software: Software) -> frozenset[str]:
    names = [upgrade.package for upgrade in software.upgrades]
    if software.dkms:  # it is built while the kernel is installed, from its headers
        return frozenset(k for k in software.new_kernels if f"linux-headers-{k}" in names or k in software.headers)
    kernels = software.new_kernels
    wanted = [n for n in names if n.startswith(("linux-image-", "linux-modules-")) and n.endswith(kernels)]
    listed = runner.run(("sh", "-c", LIST, "list", *wanted), timeout=1800).stdout
    return frozenset(k for k in kernels if any(f"/modules/{k}/" in line for line in listed.splitlines()))


def _all(answers: Mapping[str, T | PcmkHaError], aside: frozenset[str] = frozenset()) -> dict[str, T]:
    """Return the answers; a node that is aside may be on its way down, and then counts as one that does not answer."""
    for name, answer in answers.items():
        if isinstance(answer, PcmkHaError) and name not in aside:
            raise answer
    return {name: answer for name, answer in answers.items() if not isinstance(answer, PcmkHaError)}
