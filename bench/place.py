"""A lab, and the folder of the cluster file that goes with it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

PROGRAM = str(Path(sys.executable).with_name("pcmk-ha"))


@dataclass(frozen=True)
class Place:
    """A lab and the folder of its cluster file."""

    name: str
    folder: Path
    options: tuple[str, ...]

    def run(self, *argv: str, ok: Container[int] = (0,)) -> subprocess.CompletedProcess[str]:
        """Run pcmk-ha; what it printed is shown when it fails."""
        done = subprocess.run((PROGRAM, *argv), cwd=self.folder, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode not in ok:
            sys.exit(f"{argv} ended with {done.returncode}\n{done.stdout}")
        return done

    def is_up(self) -> bool:
        """Whether its lab is there."""
        return self.run("lab", "status", "--name", self.name, ok=range(256)).returncode == 0

    def build(self) -> None:
        """Make lab and cluster anew, whatever was there."""
        self.run("lab", "down", "--name", self.name)
        self.run("lab", "up", "--name", self.name, "--hours", "8", *self.options)
        for old in self.folder.iterdir():
            old.unlink()
        self.run("init", "--lab", self.name)
        self.run("bootstrap", "--yes")

    def is_healthy(self) -> bool:
        """Whether the next drill may begin."""
        for _look in range(30):
            if self.run("status", ok=(0, 1, 10, 11)).returncode == 0:
                return True
            time.sleep(2)
        return False
