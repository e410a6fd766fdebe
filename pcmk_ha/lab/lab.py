"""A lab's life: made, waited for, looked at, and its plugs pulled."""

from __future__ import annotations

import contextlib
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pcmk_ha.errors import BadInput, CommandFailed, PcmkHaError, Problem, TimedOut
from pcmk_ha.lab import network
from pcmk_ha.lab.control import ask
from pcmk_ha.lab.forward import open_door
from pcmk_ha.lab.holders import SUPERVISOR, holders_of, others_of_that_name
from pcmk_ha.lab.host import check_host
from pcmk_ha.lab.image import ensure_image
from pcmk_ha.lab.kernel import ensure_kernel
from pcmk_ha.lab.network import add_bmc_address
from pcmk_ha.lab.paths import LabPaths, cache_dir
from pcmk_ha.lab.patroni.service import await_service
from pcmk_ha.lab.process import Report
from pcmk_ha.lab.seed import write_seed, write_seeds
from pcmk_ha.lab.spec import GIB, PATRONI, SUFFIXES, LabSpec
from pcmk_ha.lab.state import Lab, load_lab, write_lab
from pcmk_ha.lab.takedown import belongs_elsewhere, down

BOOT_S = 90
SSH_PORT, POSTGRESQL_PORT = 2201, 15432
CONTROL = re.compile(r"\x1b(?:\[[0-9;?!]*[A-Za-z]|.)|[\x00-\x08\x0b-\x1f\x7f]")


def up(spec: LabSpec, report: Report) -> Lab:
    """Make a lab and return it once every node answers SSH.

    Raises BadInput when this machine cannot hold it, PcmkHaError when it is up already, CommandFailed or TimedOut
    with the end of a node's console when one does not boot. What a failed start has begun is taken away again.
    """
    cache = cache_dir()
    paths = LabPaths.of(spec.name)
    check_host(spec, cache, paths.root)
    _require_absent(paths)
    cache.mkdir(parents=True, exist_ok=True)
    kernel = ensure_kernel(cache, report)
    image = ensure_image(cache, spec.suite, kernel, report, spec.stack)
    _claim(paths)
    try:
        return _start(spec, paths, kernel=kernel, image=image, report=report)
    except BaseException:
        down(spec.name)
        raise


def _require_absent(paths: LabPaths) -> None:
    name = paths.root.name
    if others := others_of_that_name(paths.root):
        raise belongs_elsewhere(name, others[0].root)
    if paths.root.exists() or holders_of(paths.root):
        state = "is up already" if _is_up(paths) else "was not taken down"
        raise PcmkHaError(f"the lab {name} {state}", hint=f"`pcmk-ha lab down --name {name}`, or another --name")


def _is_up(paths: LabPaths) -> bool:
    """Whether a lab's supervisor answers."""
    try:
        ask(paths.socket, {"verb": "status"}, timeout_s=5)
    except PcmkHaError:
        return False
    return True


def _claim(paths: LabPaths) -> None:
    """Make the lab's folder: only one can."""
    try:
        paths.root.mkdir(parents=True, mode=0o700)
    except FileExistsError:
        _require_absent(paths)


def _start(spec: LabSpec, paths: LabPaths, *, kernel: Path, image: Path, report: Report) -> Lab:
    with contextlib.ExitStack() as doors:
        ssh = {node.name: doors.enter_context(open_door(SSH_PORT)) for node in spec.nodes}
        postgresql = doors.enter_context(open_door(POSTGRESQL_PORT))
        ports = {name: door.getsockname()[1] for name, door in ssh.items()}
        lab = Lab(spec, paths, kernel, image, ports, postgresql.getsockname()[1])
        _write_files(lab)
        report("starting the nodes")
        network.delete_network(spec)  # nobody holds it: left over when somebody removed a lab's folder by hand
        network.create_network(spec)
        lab = replace(lab, supervisor=_start_supervisor(paths, [*ssh.values(), postgresql]))
    write_lab(lab)
    await_nodes(lab, [node.name for node in spec.nodes], report=report)
    if spec.stack == PATRONI:
        await_service(lab, report)
    return lab


def _write_files(lab: Lab) -> None:
    """Write every file the nodes start from."""
    lab.paths.bmc_password.touch(mode=0o600)
    lab.paths.bmc_password.write_text(secrets.token_hex(8) + "\n")  # IPMI 2.0 allows 20 bytes
    lab.paths.superuser_password.touch(mode=0o600)
    lab.paths.superuser_password.write_text(secrets.token_hex(12) + "\n")
    write_seeds(lab.spec, lab.paths, lab.ssh_ports)
    for node in lab.spec.nodes:
        if node.has_disk:
            with lab.paths.data(node.name).open("wb") as disk:
                disk.truncate(lab.spec.disk_gib * GIB)
    write_lab(lab)


def _start_supervisor(paths: LabPaths, doors: Sequence[socket.socket]) -> int:
    numbers = [door.fileno() for door in doors]
    with paths.log.open("ab") as log:
        process = subprocess.Popen(
            (sys.executable, "-m", SUPERVISOR, str(paths.root), *map(str, numbers)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=numbers,
        )
    return process.pid


def await_nodes(
    lab: Lab, names: Sequence[str], *, timeout_s: float = BOOT_S, report: Report = lambda _line: None
) -> None:
    """Wait until the named nodes, which have power, answer SSH.

    Raises TimedOut, or CommandFailed at once when one has lost its power, with the end of its console.
    """
    deadline = time.monotonic() + timeout_s
    waiting = list(names)
    while waiting:
        for name in [name for name in waiting if _answers(lab.ssh_ports[name])]:
            report(f"{name} answers")
            waiting.remove(name)
        if waiting:
            _check_power(lab, waiting)
            if time.monotonic() > deadline:
                what = f"{waiting[0]} did not answer SSH within {timeout_s:.0f} s"
                raise TimedOut(f"{what}; its console ends:\n{console_end(lab, waiting[0])}")
            time.sleep(0.2)


def _check_power(lab: Lab, names: Sequence[str]) -> None:
    if not holders_of(lab.paths.root):
        raise CommandFailed(f"the lab's supervisor ended: {_tail(lab.paths.log, 1)}")
    if not lab.paths.socket.exists():  # it has only just been started
        return
    nodes = status(lab)
    for name in names:
        if nodes[name]["power"] == "off":
            raise CommandFailed(f"{name} switched itself off; its console ends:\n{console_end(lab, name)}")


def _answers(port: int) -> bool:
    """Whether an SSH server greets behind a forwarded port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as connection:
        connection.settimeout(2)
        return connection.recv(4) == b"SSH-"
    return False


def console_end(lab: Lab, node: str) -> str:
    """Return the last lines of what a node's kernel and boot printed."""
    return _tail(lab.paths.console(lab.spec.node(node).name))


def _tail(path: Path, lines: int = 20) -> str:
    """Return a file's last lines without what would move the cursor of whoever reads them."""
    text = path.read_text(errors="replace") if path.exists() else ""
    return "\n".join(CONTROL.sub("", text).splitlines()[-lines:])


def status(lab: Lab) -> dict[str, dict[str, Any]]:
    """Power and freeze state by node; raises PcmkHaError when the supervisor does not answer."""
    nodes: dict[str, dict[str, Any]] = _ask(lab, {"verb": "status"})["nodes"]
    return nodes


def power(lab: Lab, node: str, to: str) -> str:
    """Turn a node `on`, `off` or `reset` it, or ask for its `status`; returns `on` or `off`."""
    return str(_ask(lab, {"verb": "power", "node": lab.spec.node(node).name, "to": to})["power"])


def renew(lab: Lab, node: str, *, suffix: int = 0) -> Lab:
    """Put a new machine in a node's place, without power: empty disks, another host key, another BMC.

    With a `suffix` every address of it ends in that, the BMC's in 90 more. known_hosts goes on naming the old host
    key, as yours would. Raises BadInput for a suffix that is taken.
    """
    name = lab.spec.node(node).name
    others = {other.last_byte for other in lab.spec.nodes if other.name != name}
    if suffix and (suffix not in SUFFIXES or suffix in others):
        what = f"--address-suffix {suffix}: taken, or none that a new machine may have"
        raise BadInput([Problem(what, f"{SUFFIXES.start} to {SUFFIXES.stop - 1}")])
    suffixes = {**lab.spec.suffixes, **({name: suffix} if suffix else {})}
    renewed = replace(lab, spec=replace(lab.spec, suffixes=suffixes))
    login = lab.paths.key.with_name(lab.paths.key.name + ".pub").read_text().strip()
    write_seed(renewed.spec, renewed.spec.node(name), lab.paths, login, lab.paths.next_seed(name))
    add_bmc_address(renewed.spec, name)
    write_lab(renewed)
    _ask(renewed, {"verb": "renew", "node": name})
    return renewed


def freeze(lab: Lab, node: str) -> None:
    """Have a node hang with its power on."""
    _ask(lab, {"verb": "freeze", "node": lab.spec.node(node).name})


def thaw(lab: Lab, node: str) -> None:
    """Let a frozen node go on."""
    _ask(lab, {"verb": "thaw", "node": lab.spec.node(node).name})


def bmc(lab: Lab, node: str, to: str) -> None:
    """Have a node's BMC be dead (`off`), slow, or well again (`on`)."""
    _ask(lab, {"verb": "bmc", "node": lab.spec.node(node).name, "to": to})


def _ask(lab: Lab, request: dict[str, Any]) -> dict[str, Any]:
    """Ask the lab's supervisor; when there is none any more, say how it ended."""
    if not holders_of(lab.paths.root):
        last = _tail(lab.paths.log, 1)
        hint = f"`pcmk-ha lab down --name {lab.name}` takes away what is left of it"
        raise PcmkHaError(f"the lab {lab.name} has ended{f': {last}' if last else ''}", hint=hint)
    return ask(lab.paths.socket, request)


__all__ = [
    "await_nodes", "bmc", "console_end", "down", "freeze", "load_lab", "power", "renew", "status", "thaw", "up",
]  # fmt: skip
