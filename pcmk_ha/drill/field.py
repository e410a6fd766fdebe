"""The cluster a drill is played on: what may be broken, and the list of what must be mended."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from pcmk_ha.client.clock import now
from pcmk_ha.client.process import WriterProcess
from pcmk_ha.errors import CommandFailed, NodeUnreachable, PcmkHaError, TimedOut
from pcmk_ha.lab import lab as the_lab
from pcmk_ha.lab.network import set_link
from pcmk_ha.lab.state import Lab, load_lab
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.look.status import Status, look
from pcmk_ha.remote.connect import open_node
from pcmk_ha.remote.runner import Runner

WRITES_AGAIN = 5  # of each client, before it counts as served again
LOOK_S = 0.25


class LiveField:
    """See pcmk_ha.drill.scenario.Field; `with` mends at its end what was broken inside."""

    def __init__(self, path: Path, cluster: Cluster, primary: str, writer: WriterProcess, say: Callable[[str], None]):
        self.cluster = cluster
        self.path = path
        self.primary = primary
        self.standby = next(node.name for node in cluster.nodes if node.name != primary)
        self.arbiter = cluster.arbiter.name if cluster.arbiter else ""
        self.clients: tuple[str, ...] = ()
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.struck_at = 0.0
        self._writer = writer
        self._say = say
        self._mend = contextlib.ExitStack()
        self._runners: dict[str, Runner] = {}

    def __enter__(self) -> LiveField:
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            self._mend.close()
        finally:
            for runner in self._runners.values():
                runner.close()

    def mend(self) -> None:
        """Mend everything now; what cannot be mended is a problem of the drill."""
        try:
            self._mend.close()
        except PcmkHaError as error:
            self.problems.append(f"could not be mended: {error}")

    def strike(self) -> None:
        """Note that the fault strikes now."""
        self.struck_at = now()

    def run(self, node: str, *argv: str, stdin: str | None = None, timeout: float = 30) -> str:
        """Run a command on a node, over a new connection where the old one is gone."""
        return self._command(node, argv, stdin, timeout, (0,))

    def shell(self, node: str, script: str, *, timeout: float = 30) -> str:
        """Run a shell script on a node, whatever it ends with."""
        return self._command(node, ("sh", "-c", script), None, timeout, None)

    def _command(
        self, node: str, argv: tuple[str, ...], stdin: str | None, timeout: float, ok: tuple[int, ...] | None
    ) -> str:
        for last_try in (False, True):
            try:
                return self._runner(node).run(argv, stdin=stdin, timeout=timeout, ok=ok).stdout
            except NodeUnreachable:
                if last_try or node not in self._runners:
                    raise
                self._runners.pop(node).close()
        raise AssertionError(node)

    def _runner(self, node: str) -> Runner:
        if node not in self._runners:
            member = next(member for member in self.cluster.members if member.name == node)
            self._runners[node] = open_node(self.cluster, member)
        return self._runners[node]

    @property
    def _lab(self) -> Lab:
        assert self.cluster.lab
        return load_lab(self.cluster.lab)

    def power(self, node: str, to: str) -> None:
        """Cut or give a node's power."""
        if to == "off":
            self.undo(lambda: the_lab.power(self._lab, node, "on"))
        the_lab.power(self._lab, node, to)

    def freeze(self, node: str) -> None:
        """Have a node hang with its power on."""
        self.undo(lambda: self.thaw(node))
        the_lab.freeze(self._lab, node)

    def thaw(self, node: str) -> None:
        """Let a frozen node go on."""
        with contextlib.suppress(PcmkHaError):  # it has no power: fenced meanwhile
            the_lab.thaw(self._lab, node)

    def cut(self, node: str, link: str) -> None:
        """Pull a node's cable out."""
        self.undo(lambda: self.heal(node, link))
        set_link(self._lab.spec, node, link, up=False)

    def heal(self, node: str, link: str) -> None:
        """Put a cable back."""
        set_link(self._lab.spec, node, link, up=True)

    def bmc(self, node: str, to: str) -> None:
        """Have a node's fence device be dead, slow, or well."""
        if to != "on":
            self.undo(lambda: the_lab.bmc(self._lab, node, "on"))
        the_lab.bmc(self._lab, node, to)

    def undo(self, mend: Callable[[], object]) -> None:
        """Have something done at the end of the drill."""
        self._mend.callback(self._try, mend)

    def _try(self, mend: Callable[[], object]) -> None:
        try:
            mend()
        except (CommandFailed, NodeUnreachable) as error:  # the rest must be mended all the same
            self.problems.append(f"could not be mended: {error}")

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def wait_until(self, ready: Callable[[], bool], what: str, *, timeout_s: float) -> bool:
        """Look again and again until something is so; a node that does not answer meanwhile is no answer."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            with contextlib.suppress(NodeUnreachable, CommandFailed):
                if ready():
                    return True
            time.sleep(LOOK_S)
        self.problems.append(f"{what} did not happen within {timeout_s:.0f} s")
        return False

    def status(self) -> Status:
        """Look at the whole cluster."""
        return look(self.path)

    def acknowledged(self) -> int:
        """Return how many writes of the well-configured clients were answered so far."""
        return sum(self._writer.acknowledged(client) for client in self.clients)

    def await_writes(self, *, timeout_s: float) -> bool:
        """Wait until every well-configured client writes again."""
        try:
            self._writer.await_writes(WRITES_AGAIN, timeout_s=timeout_s, clients=self.clients)
        except TimedOut as error:
            self.problems.append(str(error))
            return False
        return True

    def expect(self, holds: bool, otherwise: str) -> None:  # noqa: FBT001  reads like an assertion
        """Note a problem unless something holds."""
        if not holds:
            self.problems.append(otherwise)

    def note(self, text: str) -> None:
        """Add to what the report says."""
        self.notes.append(text)
        self._say(text)
