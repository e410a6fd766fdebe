"""A cluster in a CIB file, as its nodes answer: Pacemaker's real tools on it, and its scheduler after each change.

What is no Pacemaker (systemd, DRBD, PostgreSQL) follows from where the resources are. A run can be killed at any
command.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree
from support.simulated import Simulated
from support.together import answer_all
from support.told import HEAD, QUORATE, Killed, proc_drbd

from pcmk_ha.cib.build import build_cib
from pcmk_ha.desired.names import ATTRIBUTES, COROSYNC, PACEMAKER, RUNNING_UNITS
from pcmk_ha.errors import CommandFailed
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.platform import DEBIAN_12
from pcmk_ha.operate.look.service import CRM_MON, Service, parse_service
from pcmk_ha.operate.members import Members
from pcmk_ha.operate.secrets import placeholder_secrets
from pcmk_ha.remote import questions
from pcmk_ha.remote.runner import Outcome

CHANGES = ("crm_attribute", "cibadmin --modify", "cibadmin --delete")
CLEAN = "5A2C7E0B9D1F3C40:0000000000000000:7B1D3F5A9C2E4B60:8C2E4F6BAD3F5C71:1:1:0:0:0:0:0\n"


@dataclass
class OnFile:
    """The whole cluster; `budget` is after how many further commands a run is killed."""

    simulated: Simulated
    units: dict[str, set[str]]
    said: list[tuple[str, str]] = field(default_factory=list)
    checkpoints: list[str] = field(default_factory=list)
    budget: int = -1
    death: Callable[[], BaseException] = Killed
    generations: dict[str, str] = field(default_factory=dict)
    state: str = "S_IDLE"
    faults: tuple[str, ...] = ()  # what goes wrong with whatever Pacemaker does, as crm_simulate injects it
    deaf: set[str] = field(default_factory=set)  # nodes on which PostgreSQL takes no connections
    labels: tuple[str, ...] = ()  # what lies in the data directory and must not be there when PostgreSQL starts

    _known: dict[tuple[str, ...], subprocess.CompletedProcess[str]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @classmethod
    def started(cls, cluster: Cluster, folder: Path) -> OnFile:
        """Two good copies, the service up, everything running."""
        cib = build_cib(cluster, placeholder_secrets(cluster), DEBIAN_12)
        simulated = Simulated.started(cib, cluster, folder / "cib.xml")
        return cls(simulated, {node.name: set(RUNNING_UNITS) for node in cluster.members})

    def settle(self) -> None:
        """Let the cluster answer a change."""
        for _round in range(2):
            self.simulated.inject(*self.faults)
        self._known.clear()

    def ask(self, argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Ask what changes nothing, once between two changes."""
        if tuple(argv) not in self._known:
            self._known[tuple(argv)] = self.execute(argv)
        return self._known[tuple(argv)]

    @property
    def service(self) -> Service:
        """Where everything is now."""
        return parse_service(self.ask(CRM_MON).stdout, self.simulated.cluster)

    def members(self) -> Members:
        """Every member answers."""
        nodes = {node.name: Member(self, node.name) for node in self.simulated.cluster.members}
        return Members(self.simulated.cluster, nodes)

    def tool(self, *argv: str) -> str:
        """Have an administrator do something beside us, and the cluster answer it."""
        done = self.execute(argv)
        assert done.returncode == 0, done.stderr
        self.settle()
        return done.stdout

    def execute(self, argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run one of Pacemaker's tools on the file."""
        environment = {**os.environ, "CIB_file": str(self.simulated.path)}
        return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=30, check=False)

    @property
    def constraints(self) -> str:
        """The constraints as they are now."""
        return self.execute(("cibadmin", "--query", "--scope", "constraints")).stdout

    @property
    def runs_cluster(self) -> bool:
        """Whether Pacemaker runs anywhere."""
        return any(PACEMAKER in units for units in self.units.values())

    def active(self) -> list[str]:
        """Every resource that runs."""
        root = etree.fromstring(self.ask(CRM_MON).stdout.encode())
        return [str(r.get("id")) for r in root.iter("resource") if r.get("active") == "true"]


@dataclass
class Member:
    """One node of it; a Runner."""

    cluster: OnFile
    node: str
    sudo: tuple[str, ...] = ()

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        timeout: float = 30,
        ok: Collection[int] | None = (0,),
    ) -> Outcome:
        """Answer, unless the run has been killed by now; one command at a time, for there is one file."""
        with self.cluster.lock:
            return self._run(tuple(argv), ok)

    def _run(self, argv: tuple[str, ...], ok: Collection[int] | None) -> Outcome:
        changes = self._changes(argv)
        self.cluster.said.append((self.node, " ".join(argv)))
        if self.cluster.budget == 0:
            raise self.cluster.death()
        status, stdout = self._answer(argv)
        if changes and status == 0:
            self.cluster.settle()
        if self.cluster.budget > 0 and not self._only_asks(argv):
            self.cluster.budget -= 1
            if self.cluster.budget == 0:
                raise self.cluster.death()
        if ok is not None and status not in ok:
            raise CommandFailed(f"{self.node}: {' '.join(argv)} failed ({status})")
        return Outcome(argv, status, stdout, "")

    def _changes(self, argv: Sequence[str]) -> bool:
        return " ".join(argv).startswith(CHANGES) or argv[3:4] in (("prefer",), ("hold",))

    def _only_asks(self, argv: Sequence[str]) -> bool:
        return (
            not self._changes(argv)
            and argv[0] not in ("runuser", "install")
            and argv[1:2] not in (("stop",), ("start",))
        )

    def _answer(self, argv: tuple[str, ...]) -> tuple[int, str]:
        match argv:
            case ("systemctl", "is-active", *units):
                words = ["active" if unit in self.units else "inactive" for unit in units]
                return (0 if set(words) == {"active"} else 3, "\n".join(words) + "\n")
            case ("systemctl", verb, *units):
                return self._set_units(verb, units)
            case ("test", "-e", _) | ("install", *_):
                return (0, "")
            case ("runuser", *_):
                assert argv[-1] == "CHECKPOINT"
                assert self.cluster.service.database_on == self.node, "asked a PostgreSQL that does not run"
                self.cluster.checkpoints.append(self.node)
                return (0, "CHECKPOINT\n")
            case ("drbdadm", "get-gi", _):
                return (0, self.cluster.generations.get(self.node, CLEAN))
            case _:
                return self._asked(argv)

    def _asked(self, argv: tuple[str, ...]) -> tuple[int, str]:  # noqa: C901, PLR0911  one line for each command
        runs = PACEMAKER in self.units
        service = self.cluster.service
        match argv:
            case ("cat", "/proc/drbd"):
                roles = {service.promoted_on: "Primary", **dict.fromkeys(service.unpromoted_on, "Secondary")}
                if self.node not in roles:
                    return (0, f"{HEAD} 0: cs:Unconfigured\n")
                return (0, proc_drbd("Connected", f"{roles[self.node]}/x", "UpToDate/UpToDate"))
            case ("sh", "-c", _script, "labels", _data):
                return (0, "\n".join(self.cluster.labels) if service.volume_on == self.node else "")
            case ("drbdsetup", "status", "--json"):  # of a kernel with 8.4
                return (20, "")
            case ("sh", "-c", _script, questions.NAME, *asked):
                return answer_all(asked, self._asked)
            case ("sh", "-c", _script, "ready" | "await-ready", _port, *_):
                return (0 if service.database_on == self.node and self.node not in self.cluster.deaf else 2, "")
            case ("corosync-quorumtool", *_):
                return (0, QUORATE) if COROSYNC in self.units else (1, "")
            case ("corosync-cfgtool", *_):
                return (0, "")
            case ("crmadmin", "--status", dc, _):
                return (0, f"Controller on {dc} in state {self.cluster.state}: ok\n") if runs else (102, "")
            case ("crm_mon" | "cibadmin" | "crm_attribute" | "sh", *_):
                if not runs:
                    return (102, "")
                asks = argv[0] == "crm_mon" or argv[1] == "--query"
                done = self.cluster.ask(argv) if asks else self.cluster.execute(argv)
                assert done.returncode in (0, 105), (argv, done.stderr)
                return (done.returncode, done.stdout)
        raise KeyError(f"{self.node} was not told what to answer to: {argv}")

    @property
    def units(self) -> set[str]:
        """Units that are active here."""
        return self.cluster.units[self.node]

    def _set_units(self, verb: str, units: list[str]) -> tuple[int, str]:
        if verb == "start":
            if not self.cluster.runs_cluster:
                self.cluster.settle()
            self.units.update(units)
        elif verb == "stop":
            if COROSYNC in units:
                assert PACEMAKER not in self.units, "Corosync taken away under Pacemaker"
                assert not self.cluster.runs_cluster, "one side's Corosync ended while the other still ran resources"
            assert not self.cluster.active(), "stopped while resources run"
            self.units.difference_update(units, (ATTRIBUTES,))  # it ends with Pacemaker
        elif verb != "daemon-reload":
            raise KeyError(verb)
        return (0, "")

    def put(self, path: str, content: str, *, mode: int = 0o644, owner: str = "root:root") -> None:
        """Keep nothing."""

    def read(self, path: str) -> str | None:
        """Know no file."""
        return None

    def close(self) -> None:
        """Nothing is open."""
