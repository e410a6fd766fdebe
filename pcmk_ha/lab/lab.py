"""A lab's life: up, looked at, down."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pcmk_ha.errors import PcmkHaError, TimedOut
from pcmk_ha.lab import network
from pcmk_ha.lab.control import ask
from pcmk_ha.lab.forward import free_port
from pcmk_ha.lab.host import check_host
from pcmk_ha.lab.image import ensure_image
from pcmk_ha.lab.kernel import ensure_kernel
from pcmk_ha.lab.paths import LabPaths, cache_dir
from pcmk_ha.lab.process import Report
from pcmk_ha.lab.seed import write_seeds
from pcmk_ha.lab.spec import GIB, LabSpec
from pcmk_ha.lab.state import Lab, load_lab, read_lab, write_lab

BOOT_S = 90
SSH_PORT, POSTGRESQL_PORT = 2201, 15432


def up(spec: LabSpec, report: Report) -> Lab:
    """Make a lab and return it once every node answers SSH.

    Raises BadInput when this machine cannot hold it, PcmkHaError when it is up already, TimedOut with the
    end of a node's console when one does not boot. What a failed start has begun is taken away again.
    """
    cache = cache_dir()
    check_host(spec, cache)
    paths = LabPaths.of(spec.name)
    _require_absent(paths)
    cache.mkdir(parents=True, exist_ok=True)
    kernel = ensure_kernel(cache, report)
    image = ensure_image(cache, spec.suite, kernel, report)
    paths.root.mkdir(parents=True, mode=0o700)
    try:
        return _start(spec, paths, kernel=kernel, image=image, report=report)
    except BaseException:
        down(spec.name)
        raise


def _require_absent(paths: LabPaths) -> None:
    if not paths.root.exists():
        return
    name = paths.root.name
    state = "is up already" if is_up(paths) else "was not taken down"
    raise PcmkHaError(f"the lab {name} {state}", hint=f"`pcmk-ha lab down --name {name}`, or another --name")


def is_up(paths: LabPaths) -> bool:
    """Whether a lab's supervisor answers."""
    try:
        ask(paths.socket, {"verb": "status"}, timeout_s=5)
    except PcmkHaError:
        return False
    return True


def _start(spec: LabSpec, paths: LabPaths, *, kernel: Path, image: Path, report: Report) -> Lab:
    lab = _decide(spec, paths, kernel, image)
    report("starting the nodes")
    network.create_network(spec)
    lab = replace(lab, supervisor=_start_supervisor(paths))
    write_lab(lab)
    await_nodes(lab, [node.name for node in spec.nodes])
    return lab


def _decide(spec: LabSpec, paths: LabPaths, kernel: Path, image: Path) -> Lab:
    """Choose ports and passwords and write every file the nodes start from."""
    ports: dict[str, int] = {}
    for node in spec.nodes:
        ports[node.name] = free_port(max(ports.values(), default=SSH_PORT - 1) + 1)
    lab = Lab(spec, paths, kernel, image, ports, free_port(POSTGRESQL_PORT))
    paths.bmc_password.write_text(secrets.token_hex(8) + "\n")  # IPMI 2.0 allows 20 bytes
    write_seeds(spec, paths, ports)
    for node in spec.nodes:
        if node.has_disk:
            with paths.data(node.name).open("wb") as disk:
                disk.truncate(spec.disk_gib * GIB)
    write_lab(lab)
    return lab


def _start_supervisor(paths: LabPaths) -> int:
    with paths.log.open("ab") as log:
        process = subprocess.Popen(
            (sys.executable, "-m", "pcmk_ha.lab.supervisor", str(paths.root)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return process.pid


def await_nodes(lab: Lab, names: Sequence[str], *, timeout_s: float = BOOT_S) -> None:
    """Wait until the named nodes answer SSH; raises TimedOut with the end of a console."""
    deadline = time.monotonic() + timeout_s
    waiting = list(names)
    while waiting:
        waiting = [name for name in waiting if not _answers(lab.ssh_ports[name])]
        if waiting and time.monotonic() > deadline:
            end = console_end(lab, waiting[0])
            raise TimedOut(f"{waiting[0]} did not answer SSH within {timeout_s:.0f} s; its console ends:\n{end}")
        if waiting:
            _check_supervisor(lab)
            time.sleep(0.2)


def _check_supervisor(lab: Lab) -> None:
    if not Path(f"/proc/{lab.supervisor}").exists():
        raise PcmkHaError(f"the lab's supervisor ended:\n{_tail(lab.paths.log)}")


def _answers(port: int) -> bool:
    """Whether an SSH server greets behind a forwarded port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as connection:
        connection.settimeout(2)
        return connection.recv(4) == b"SSH-"
    return False


def console_end(lab: Lab, node: str) -> str:
    """Return the last lines of what a node's kernel and boot printed."""
    return _tail(lab.paths.console(node))


def _tail(path: Path, lines: int = 20) -> str:
    text = path.read_text(errors="replace") if path.exists() else ""
    return "\n".join(text.splitlines()[-lines:])


def down(name: str) -> bool:
    """Take a lab away, whatever state it is in; returns False when there was none."""
    paths = LabPaths.of(name)
    spec = LabSpec(name=name)
    if not paths.root.exists() and not network.exists(spec.netns):
        return False
    with contextlib.suppress(PcmkHaError):
        ask(paths.socket, {"verb": "stop"})
    with contextlib.suppress(PcmkHaError):
        _end_supervisor(read_lab(paths))
    network.delete_network(spec)
    shutil.rmtree(paths.root, ignore_errors=True)
    return True


def _end_supervisor(lab: Lab) -> None:
    """Wait for the supervisor to end, and end it when it does not; its children die with it."""
    deadline = time.monotonic() + 10
    while _is_supervisor(lab):
        if time.monotonic() > deadline:
            os.kill(lab.supervisor, signal.SIGKILL)
        time.sleep(0.1)


def _is_supervisor(lab: Lab) -> bool:
    """Whether the recorded process is still this lab's supervisor: the number may belong to another by now."""
    try:
        command = Path(f"/proc/{lab.supervisor}/cmdline").read_bytes()
        state = Path(f"/proc/{lab.supervisor}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return str(lab.paths.root).encode() in command and state != "Z"


def status(lab: Lab) -> dict[str, dict[str, Any]]:
    """Power and freeze state by node; raises PcmkHaError when the supervisor does not answer."""
    nodes: dict[str, dict[str, Any]] = ask(lab.paths.socket, {"verb": "status"})["nodes"]
    return nodes


def power(lab: Lab, node: str, to: str) -> str:
    """Turn a node `on`, `off` or `reset` it, or ask for its `status`; returns `on` or `off`."""
    return str(ask(lab.paths.socket, {"verb": "power", "node": node, "to": to})["power"])


def freeze(lab: Lab, node: str) -> None:
    """Have a node hang with its power on."""
    ask(lab.paths.socket, {"verb": "freeze", "node": node})


def thaw(lab: Lab, node: str) -> None:
    """Let a frozen node go on."""
    ask(lab.paths.socket, {"verb": "thaw", "node": node})


__all__ = ["await_nodes", "console_end", "down", "freeze", "load_lab", "power", "status", "thaw", "up"]
