"""One node: a User-Mode Linux kernel in a PID namespace of its own.

The namespace makes power loss what it is: its first process is the kernel, and when that is killed the host
kills every process of the node in the same moment. It also dies with the supervisor, whatever kills that.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pcmk_ha.lab.network import LINKS
from pcmk_ha.lab.paths import LabPaths
from pcmk_ha.lab.process import die_with_parent
from pcmk_ha.lab.spec import NodeSpec


@dataclass
class RunningNode:
    """A node that has power; `process` is unshare(1), the parent of the namespace's first process."""

    process: subprocess.Popen[bytes]
    console_from: int = 0  # where in the console's file this life of it begins
    frozen: bool = False
    cut: bool = False  # its power was taken away from outside

    @property
    def is_alive(self) -> bool:
        """Whether the node still has power."""
        return self.process.poll() is None

    def kill(self) -> None:
        """Cut the power; returns when no process of the node is left."""
        self.cut = True
        inits = self._inits()
        _signal(inits, signal.SIGKILL)
        if not inits:
            self.process.kill()
        self.process.wait()  # unshare(1) ends once its child's namespace is empty

    def freeze(self) -> None:
        """Stop every process of the node, so that it hangs but keeps its power."""
        stopped: set[int] = set()
        while running := set(self._members()) - stopped:  # again, for one may have forked meanwhile
            _signal(running, signal.SIGSTOP)
            stopped |= running
        self.frozen = True

    def thaw(self) -> None:
        """Let a frozen node go on."""
        _signal(set(self._members()), signal.SIGCONT)
        self.frozen = False

    def _inits(self) -> tuple[int, ...]:
        return _children(self.process.pid)

    def _members(self) -> tuple[int, ...]:
        return tuple(pid for init in self._inits() for pid in _namespace_members(init))


def uml_argv(node: NodeSpec, *, paths: LabPaths, kernel: Path, image: Path) -> tuple[str, ...]:
    """Return the kernel's command line."""
    disks = [f"ubd0={paths.cow(node.name)},{image}"]
    if node.has_disk:
        disks.append(f"ubd1={paths.data(node.name)}")
    disks.append(f"ubd2r={paths.seed(node.name)}")
    links = (f"vec{n}:transport=tap,ifname={node.tap(link)},depth=128,gro=1" for n, link in enumerate(LINKS))
    return (
        str(kernel / "linux"), f"mem={node.memory_mib}M", *disks, "root=/dev/ubda", "rw", *links,
        f"umid={node.name}", f"uml_dir={paths.uml(node.name)}", "seccomp=on", "con=null", "con0=null,fd:1",
        "noreboot",  # it could not open its taps again, for it holds them: the supervisor starts it anew
        "ssl=null", "quiet", "systemd.show_status=false",
    )  # fmt: skip


def start(argv: tuple[str, ...], *, console: Path, after_s: int = 0) -> RunningNode:
    """Give a node power, inside the caller's network namespace; its kernel starts `after_s` seconds later."""
    if after_s:
        argv = ("sh", "-c", 'sleep "$0" && exec "$@"', str(after_s), *argv)
    with console.open("ab") as log:
        begin = log.tell()
        process = subprocess.Popen(
            ("unshare", "--pid", "--fork", "--kill-child=SIGKILL", *argv),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509  the supervisor is single-threaded when it starts a node
        )
    return RunningNode(process, begin)


def _children(pid: int) -> tuple[int, ...]:
    try:
        return tuple(int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    except FileNotFoundError:
        return ()


def _signal(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _namespace_members(init: int) -> tuple[int, ...]:
    """Every process in the PID namespace of `init`."""
    namespace = Path(f"/proc/{init}/ns/pid").readlink()
    members = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (entry / "ns/pid").readlink() == namespace:
                members.append(int(entry.name))
        except OSError:
            continue
    return tuple(members)
