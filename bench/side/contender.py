"""What every contender can be asked for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pcmk_ha.drill.patterns import Pattern
from pcmk_ha.lab.lab import load_lab
from pcmk_ha.lab.lab import status as lab_status
from pcmk_ha.lab.process import die_with_parent
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.load import load_cluster
from side.nodes import Failed, Nodes

PROGRAM = str(Path(sys.executable).with_name("pcmk-ha"))
DATA_NODES = ("node1", "node2")


@dataclass(frozen=True)
class Site:
    """Where a contender lives: its lab, the folder of the cluster file that names its nodes and the VIP, its suite."""

    lab: str
    folder: Path
    suite: str = "trixie"

    @property
    def file(self) -> Path:
        """The cluster file; contenders of another kind have it for addresses alone."""
        return self.folder / "cluster.yaml"

    @property
    def nodes(self) -> Nodes:
        """Their shells."""
        return Nodes(self.lab)

    @property
    def cluster(self) -> Cluster:
        """What the instrument needs to know: nodes, VIP, port, lab."""
        return load_cluster(self.file)

    def run(self, *argv: str, ok: tuple[int, ...] = (0,), timeout: float = 900) -> str:
        """Run pcmk-ha; raises Failed with what it said."""
        done = subprocess.run(
            (PROGRAM, *argv), cwd=self.folder, capture_output=True, text=True, timeout=timeout, check=False,
            stdin=subprocess.DEVNULL,
            preexec_fn=die_with_parent,  # or a `lab up` of a bench that was killed takes the next one's lab down
        )  # fmt: skip
        if done.returncode not in ok:
            raise Failed(
                f"pcmk-ha {' '.join(argv)} ended with {done.returncode}: {(done.stderr or done.stdout)[-400:]}"
            )
        return done.stdout

    def up(self, *options: str, hours: float = 8) -> None:
        """Make a new lab and a folder with its cluster file."""
        self.down()
        for old in self.folder.iterdir():
            old.unlink()
        self.run("lab", "up", "--name", self.lab, "--suite", self.suite, "--hours", str(hours), *options)
        self.run("init", "--lab", self.lab)

    def down(self) -> None:
        """Take the lab away."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.run("lab", "down", "--name", self.lab)

    def have_power(self) -> bool:
        """Whether every node of the lab has power."""
        return all(node["power"] == "on" for node in lab_status(load_lab(self.lab)).values())


class Contender(Protocol):
    """One way to keep PostgreSQL alive, in a lab."""

    @property
    def name(self) -> str:
        """Name in the raw data."""

    @property
    def site(self) -> Site:
        """Where it lives."""

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        """What its journals say of its steps."""

    @property
    def packages(self) -> tuple[str, ...]:
        """Whose versions are conditions."""

    @property
    def exclusive(self) -> tuple[str, ...]:
        """What only one node may have, of all that watchers see."""

    def build(self) -> None:
        """Make lab and cluster anew; raises Failed."""

    def password(self) -> str:
        """Return that of PostgreSQL's superuser."""

    def primary(self) -> str:
        """Return the node whose PostgreSQL takes writes; raises Failed when there is none."""

    def is_whole(self) -> bool:
        """Whether both copies are good, and nothing that the last run left stands in the way of the next."""

    def switch_over(self, to: str) -> None:
        """Move the service as its manual says."""

    def tidy(self) -> None:
        """Do the administrator's part after a fault."""

    def pid_file(self) -> str:
        """Return the postmaster's pid file as a shell word."""

    def timers(self, fault: str) -> Mapping[str, float]:
        """Return for each step how long its timers can last at most, seconds."""
