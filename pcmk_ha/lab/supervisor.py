"""The process that holds a lab: its nodes' power, their BMCs and the doors to them. When it dies, they die."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pcmk_ha.errors import PcmkHaError
from pcmk_ha.lab import network
from pcmk_ha.lab.forward import forward
from pcmk_ha.lab.node import RunningNode, start, uml_argv
from pcmk_ha.lab.paths import LabPaths
from pcmk_ha.lab.process import die_with_parent
from pcmk_ha.lab.spec import GIB, VIP, NodeSpec
from pcmk_ha.lab.state import Lab, read_lab

LOOK_EVERY_S = 1.0
REBOOTING = b"reboot: Restarting system"  # the kernel's last words before it does
FIRMWARE_S = 5  # from power to the kernel: no machine has less, and Debian's boot menu alone waits that long
SLOW_BMC_S = 2.0  # for each answer; ipmitool gives up on one after about five seconds


class Supervisor:
    """Everything of one lab that runs."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._paths: LabPaths = lab.paths
        self._specs = {node.name: node for node in lab.spec.nodes}
        self._running: dict[str, RunningNode] = {}
        self._bmcs: dict[str, subprocess.Popen[bytes]] = {}
        self._bmc_states: dict[str, str] = dict.fromkeys(self._specs, "on")
        self._end = asyncio.Event()
        self._until = time.monotonic() + lab.spec.lifetime_h * 3600

    async def run(self, doors: list[socket.socket]) -> None:
        """Hold the lab until it is told to end or its lifetime is over; see `hold` for the doors."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end.set)
        rooms = [*((self._address_of(name), 22) for name in self._specs), (lambda: str(VIP), 5432)]
        servers = [await forward(door, *room) for door, room in zip(doors, rooms, strict=True)]
        for name in self._specs:
            self._power_on(name, firmware_s=0)  # who asks for a lab does not want to wait for that
        servers.append(await asyncio.start_unix_server(self._serve, self._paths.socket))
        while not self._end.is_set() and time.monotonic() < self._until:
            self._keep_bmcs()
            self._follow_reboots()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._end.wait(), LOOK_EVERY_S)
        log("told to end" if self._end.is_set() else f"its {self._lab.spec.lifetime_h:g} hours are over")
        for running in self._running.values():
            running.kill()
        for bmc in self._bmcs.values():
            bmc.kill()

    def _address_of(self, name: str) -> Callable[[], str]:
        return lambda: str(self._specs[name].address)

    def _keep_bmcs(self) -> None:
        """Start the BMCs, and anew each that has ended: without it nobody could fence its node."""
        for name, node in self._specs.items():
            gone = name not in self._bmcs or self._bmcs[name].poll() is not None
            if gone and self._bmc_states[name] != "off":
                log(f"{name}: BMC started")
                self._bmcs[name] = self._start_bmc(node)

    def _follow_reboots(self) -> None:
        """Start every node anew that ended its kernel to reboot; one that halted or crashed stays without power."""
        for name, running in tuple(self._running.items()):
            if not running.is_alive and not running.cut and REBOOTING in self._said_since_start(name):
                log(f"{name}: reboots")
                self._power_on(name)

    def _said_since_start(self, name: str) -> bytes:
        with self._paths.console(name).open("rb") as console:
            console.seek(self._running[name].console_from)
            return console.read()

    def _start_bmc(self, node: NodeSpec) -> subprocess.Popen[bytes]:
        paths = self._paths
        arguments = (str(paths.socket), node.name, str(node.bmc_address), str(paths.bmc_password))
        return subprocess.Popen(
            (sys.executable, "-m", "pcmk_ha.lab.bmc", *arguments),
            stdin=subprocess.DEVNULL,
            preexec_fn=die_with_parent,  # noqa: PLW1509  single-threaded
        )

    def _power_on(self, name: str, *, firmware_s: int = FIRMWARE_S) -> None:
        log(f"{name}: power on")
        lab = self._lab
        shutil.rmtree(self._paths.uml(name), ignore_errors=True)  # a power cut leaves its traces there
        argv = uml_argv(self._specs[name], paths=self._paths, kernel=lab.kernel, image=lab.image)
        self._running[name] = start(argv, console=self._paths.console(name), after_s=firmware_s)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = json.loads(await reader.readline())
            if request.get("by") == "bmc" and self._bmc_states.get(request.get("node")) == "slow":
                await asyncio.sleep(SLOW_BMC_S)
            answer = self._answer(request)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        writer.write(json.dumps(answer).encode() + b"\n")
        with contextlib.suppress(OSError):
            await writer.drain()
        writer.close()

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        match request:
            case {"verb": "status"}:
                left = max(0.0, self._until - time.monotonic())
                return {"nodes": {name: self._status(name) for name in self._specs}, "ends_in_s": round(left)}
            case {"verb": "stop"}:
                self._end.set()
                return {"stopping": True}
            case {"node": str(name)} if name in self._specs:
                return self._answer_about(name, request)
            case _:
                return {"error": f"cannot do {request}"}

    def _answer_about(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        match request:
            case {"verb": "power", "to": str(to)}:
                return {"power": self._set_power(name, to)}
            case {"verb": "renew"}:
                return self._renew(name)
            case {"verb": "bmc", "to": "on" | "off" | "slow" as to}:
                return {"bmc": self._set_bmc(name, to)}
            case {"verb": "freeze" | "thaw" as verb} if self._is_on(name):
                running = self._running[name]
                running.freeze() if verb == "freeze" else running.thaw()
                return self._status(name)
            case {"verb": "freeze" | "thaw"}:
                return {"error": f"{name} has no power"}
            case _:
                return {"error": f"cannot do {request}"}

    def _renew(self, name: str) -> dict[str, Any]:
        """Put a new machine in a node's place: empty disks, another seed, and whatever addresses the lab's file has.

        All in one go: the cluster's fencing may switch the old one on at any moment.
        """
        log(f"{name}: a new machine")
        paths = self._paths
        self._set_power(name, "off")
        self._lab = read_lab(paths)
        self._specs = {node.name: node for node in self._lab.spec.nodes}
        paths.cow(name).unlink(missing_ok=True)
        if self._specs[name].has_disk:
            with paths.data(name).open("wb") as disk:
                disk.truncate(self._lab.spec.disk_gib * GIB)
        paths.next_seed(name).replace(paths.seed(name))
        bmc = self._bmcs.pop(name)  # a machine brings its own
        bmc.kill()
        bmc.wait()
        self._bmc_states[name] = "on"
        self._keep_bmcs()
        return self._status(name)

    def _set_bmc(self, name: str, to: str) -> str:
        log(f"{name}: BMC {to}")
        self._bmc_states[name] = to
        if to == "off":
            self._bmcs[name].kill()
            self._bmcs[name].wait()
        else:
            self._keep_bmcs()
        return to

    def _is_on(self, name: str) -> bool:
        return name in self._running and self._running[name].is_alive

    def _status(self, name: str) -> dict[str, Any]:
        on = self._is_on(name)
        frozen = on and self._running[name].frozen
        return {"power": "on" if on else "off", "frozen": frozen, "bmc": self._bmc_states[name]}

    def _set_power(self, name: str, to: str) -> str:
        if to in ("off", "reset") and self._is_on(name):
            log(f"{name}: power off")
            self._running[name].kill()
        if to in ("on", "reset") and not self._is_on(name):
            self._power_on(name)
        return "on" if self._is_on(name) else "off"


def log(text: str) -> None:
    """Write a line to the supervisor's log."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


def main(root: str, *doors: str) -> None:
    """Hold a lab, its doors being sockets that listen already; the last line of the log says how it ended."""
    try:
        hold(read_lab(LabPaths(Path(root))), [socket.socket(fileno=int(door)) for door in doors])
    except PcmkHaError as error:
        log(str(error))
        sys.exit(1)
    except Exception as error:
        traceback.print_exc(file=sys.stdout)
        log(f"{type(error).__name__}: {error}")
        sys.exit(1)


def hold(lab: Lab, doors: list[socket.socket]) -> None:
    """Hold the lab until it ends; the doors lead to the nodes in their order, the last one to PostgreSQL."""
    network.enter(lab.spec.netns)
    asyncio.run(Supervisor(lab).run(doors))


if __name__ == "__main__":
    main(*sys.argv[1:])
