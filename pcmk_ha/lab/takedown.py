"""Take a lab away, whatever is left of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

from pcmk_ha.errors import PcmkHaError
from pcmk_ha.lab import network
from pcmk_ha.lab.control import ask
from pcmk_ha.lab.holders import holders_of, others_of_that_name
from pcmk_ha.lab.paths import LabPaths
from pcmk_ha.lab.spec import LabSpec

GRACE_S = 10.0


def down(name: str) -> bool:
    """Take a lab away; returns False when there was none.

    Does not depend on anything the lab wrote. Raises PcmkHaError when the lab of that name belongs to another
    state folder, or when something of it cannot be removed.
    """
    paths = LabPaths.of(name)
    spec = LabSpec(name=name)
    others = others_of_that_name(paths.root)
    if not (paths.root.exists() or holders_of(paths.root) or (network.exists(spec.netns) and not others)):
        if others:
            raise belongs_elsewhere(name, others[0].root)
        return False
    _end_supervisors(paths)
    if not others:
        _end_members(spec.netns)
        network.delete_network(spec)
    shutil.rmtree(paths.root, ignore_errors=True)
    if paths.root.exists():
        raise PcmkHaError(f"{paths.root} cannot be removed", hint="end what uses it, then again")
    return True


def belongs_elsewhere(name: str, root: Path) -> PcmkHaError:
    """Say that a lab of this name is up, but not ours."""
    return PcmkHaError(f"a lab {name} is up under another state folder: {root}", hint="take another --name")


def _end_supervisors(paths: LabPaths) -> None:
    """Ask, then insist; nodes and BMCs die with their supervisor."""
    with contextlib.suppress(PcmkHaError):
        ask(paths.socket, {"verb": "stop"}, timeout_s=5)
    begin = time.monotonic()
    while found := holders_of(paths.root):
        waited = time.monotonic() - begin
        number = signal.SIGKILL if waited > GRACE_S else signal.SIGTERM
        if waited > 2 * GRACE_S:
            raise PcmkHaError(f"the lab's supervisor {found[0].pid} does not end")
        for holder in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(holder.pid, number)
        time.sleep(0.1)


def _end_members(netns: str) -> None:
    """Kill what still is in the lab's network: nodes on their way out, and clients that `lab exec` started.

    Not us and the shell we were called from, should that be inside.
    """
    deadline = time.monotonic() + GRACE_S
    spared = set(_ancestry(os.getpid()))
    while members := set(network.members(netns)) - spared:
        if time.monotonic() > deadline:
            raise PcmkHaError(f"processes in the namespace {netns} do not end: {sorted(members)}")
        for pid in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _ancestry(pid: int) -> list[int]:
    """Return a process and its parents, up to the first."""
    line = []
    while pid > 0:
        line.append(pid)
        stat = Path(f"/proc/{pid}/stat").read_text()
        pid = int(stat.rpartition(")")[2].split()[1])
    return line
