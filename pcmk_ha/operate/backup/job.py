"""Long work on a node, in a unit of systemd's own: it goes on by itself, whatever becomes of us."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pcmk_ha.errors import PcmkHaError
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.remote.runner import Runner

LONGEST_S = 14 * 86400  # of a copy: tens of terabytes to slow disks
EVERY_S = 1.0
BUSY = ("active", "activating", "deactivating", "reloading")
LAST = 12  # lines of its journal


@dataclass(frozen=True)
class Job:
    """One unit on one node."""

    runner: Runner
    unit: str

    def is_active(self) -> bool:
        """Whether it works."""
        return self._show("ActiveState") in BUSY

    def is_ending(self) -> bool:
        """Whether somebody has told it to end."""
        return self._show("ActiveState") == "deactivating"

    def start(self, argv: Sequence[str], *properties: str) -> None:
        """Start it; what an earlier one has left is forgotten."""
        self.runner.run(("systemctl", "reset-failed", self.unit), ok=None)
        options = tuple(word for each in properties for word in ("-p", each))
        self.runner.run(("systemd-run", "--quiet", f"--unit={self.unit}", *options, "--", *argv), timeout=60)

    def stop(self) -> None:
        """End it, and wait for that; nothing where it does not run."""
        self.runner.run(("systemctl", "stop", self.unit), ok=None, timeout=1800)

    def follow(self, what: str, watch: Callable[[], None]) -> None:
        """Wait for its end; raises PcmkHaError, with its last words, unless that was a success."""

        def look() -> bool:
            watch()
            return self.is_active()

        wait_until(look, lambda active: not active, what=f"the end of {what}", timeout_s=LONGEST_S, every_s=EVERY_S)
        self.require_success(what)

    def require_success(self, what: str) -> None:
        """Raise PcmkHaError, with its last words, where it failed."""
        if (result := self._show("Result")) not in ("success", ""):
            raise PcmkHaError(
                f"{self.runner.node}: {what} failed ({result}):\n{self.last_words()}",
                hint=f"journalctl -u {self.unit} on {self.runner.node} says more",
            )

    def last_words(self, lines: int = LAST) -> str:
        """Return the end of its journal, of its present or last run alone."""
        invocation = self._show("InvocationID")
        match = (f"_SYSTEMD_INVOCATION_ID={invocation}",) if invocation else ("-u", self.unit)
        argv = ("journalctl", *match, "-n", str(lines), "-o", "cat", "--no-pager")
        return self.runner.run(argv, ok=None).stdout.strip()

    def _show(self, name: str) -> str:
        return self.runner.run(("systemctl", "show", "--value", "-p", name, self.unit)).stdout.strip()
