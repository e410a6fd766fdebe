"""What the rest of the program knows of a node: run a command, put a file, read a file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Outcome:
    """What a command answered."""

    argv: tuple[str, ...]
    status: int
    stdout: str
    stderr: str


class Runner(Protocol):
    """One node, always as root (sudo where the login is somebody else)."""

    @property
    def node(self) -> str:
        """The node's name."""

    @property
    def sudo(self) -> tuple[str, ...]:
        """What a command of another connection must begin with to run as root there."""

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        timeout: float = 30,
        ok: Collection[int] | None = (0,),
    ) -> Outcome:
        """Run one command; `ok` lists the statuses that are answers, None accepts every one.

        Raises CommandFailed for another status or after `timeout` seconds, NodeUnreachable when SSH fails.
        """

    def put(self, path: str, content: str, *, mode: int = 0o644, owner: str = "root:root") -> None:
        """Replace a file in one step, its folder made if missing; never readable by others in between."""

    def read(self, path: str) -> str | None:
        """Return a file's text, None where there is no such file."""

    def close(self) -> None:
        """End the connection."""
