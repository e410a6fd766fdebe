"""Where labs keep things: one cache folder for what can be made again, one state folder for each lab."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path, user_state_path


def cache_dir() -> Path:
    """Kernels and images, named by the content of their recipe."""
    return user_cache_path("pcmk-ha") / "lab"


def labs_dir() -> Path:
    """One folder for each lab that is up."""
    return user_state_path("pcmk-ha") / "labs"


@dataclass(frozen=True)
class LabPaths:
    """The files of one lab."""

    root: Path

    @classmethod
    def of(cls, name: str) -> LabPaths:
        """Name the files of a lab, whether or not it exists."""
        return cls(labs_dir() / name)

    @property
    def state(self) -> Path:
        """What `lab up` decided: spec, image, kernel, ports."""
        return self.root / "lab.json"

    @property
    def socket(self) -> Path:
        """Where the supervisor listens."""
        return self.root / "control.sock"

    @property
    def log(self) -> Path:
        """What the supervisor and the BMCs say."""
        return self.root / "supervisor.log"

    @property
    def ssh_config(self) -> Path:
        """For `ssh -F` and Fabric."""
        return self.root / "ssh_config"

    @property
    def known_hosts(self) -> Path:
        """The nodes' host keys."""
        return self.root / "known_hosts"

    @property
    def key(self) -> Path:
        """Private key that logs in to every node."""
        return self.root / "id_ed25519"

    @property
    def bmc_password(self) -> Path:
        """Password of every BMC of the lab."""
        return self.root / "bmc.password"

    @property
    def superuser_password(self) -> Path:
        """Password of PostgreSQL's superuser, where the lab itself sets PostgreSQL up."""
        return self.root / "superuser.password"

    def console(self, node: str) -> Path:
        """What a node's kernel and boot print."""
        return self.root / f"{node}.console"

    def uml(self, node: str) -> Path:
        """Where a node's kernel keeps its pid and its console socket while it runs."""
        return self.root / f"{node}.uml"

    def cow(self, node: str) -> Path:
        """A node's root disk: its differences from the image."""
        return self.root / f"{node}.cow"

    def data(self, node: str) -> Path:
        """A node's data disk."""
        return self.root / f"{node}.data"

    def next_seed(self, node: str) -> Path:
        """The seed of the machine that is about to take a node's place."""
        return self.root / f"{node}.next.seed.tar"

    def seed(self, node: str) -> Path:
        """What makes a node itself: name, addresses, keys."""
        return self.root / f"{node}.seed.tar"
