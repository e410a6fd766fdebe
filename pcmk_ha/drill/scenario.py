"""What a drill is made of: a fault, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol

from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.look.status import Status


class Where(Enum):
    """Where a scenario may be played."""

    LAB = "lab"  # it breaks what only a lab can mend
    ANYWHERE = "anywhere"  # safe enough for production, when somebody agrees


class Field(Protocol):
    """What a scenario may do to a cluster. Everything broken here is mended when the drill ends, however it ends."""

    @property
    def cluster(self) -> Cluster:
        """The cluster file's values."""

    @property
    def primary(self) -> str:
        """The data node that served when the drill began."""

    @property
    def standby(self) -> str:
        """The other data node."""

    @property
    def arbiter(self) -> str:
        """The third vote; a scenario that uses it says `needs_arbiter`."""

    def strike(self) -> None:
        """Note that the fault strikes now: what came before was preparation. Without it, that is when `act` begins."""

    def run(self, node: str, *argv: str, stdin: str | None = None, timeout: float = 30) -> str:
        """Run a command on a node as root and return what it printed; raises CommandFailed, NodeUnreachable."""

    def shell(self, node: str, script: str, *, timeout: float = 30) -> str:
        """Run a shell script on a node as root, whatever it ends with, and return what it printed."""

    def power(self, node: str, to: str) -> None:
        """Cut (`off`), give (`on`) a node's power, or both (`reset`); a node left off is switched on at the end."""

    def freeze(self, node: str) -> None:
        """Have a node hang with its power on; thawed at the end, if it is still the same life of it."""

    def thaw(self, node: str) -> None:
        """Let a frozen node go on; one that was fenced meanwhile boots or runs anyway."""

    def cut(self, node: str, link: str) -> None:
        """Pull a node's cable out: cluster, replication or all; put back at the end."""

    def heal(self, node: str, link: str) -> None:
        """Put a cable back."""

    def bmc(self, node: str, to: str) -> None:
        """Have a node's fence device be dead (`off`), answer after six seconds (`slow`), or be well (`on`)."""

    def undo(self, mend: Callable[[], object]) -> None:
        """Have something done at the end of the drill, in reverse order, whatever happens before."""

    def mend(self) -> None:
        """Mend now what was broken so far."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""

    def wait_until(self, ready: Callable[[], bool], what: str, *, timeout_s: float) -> bool:
        """Look again and again until something is so; a time-out is a problem of the drill, and returns False."""

    def status(self) -> Status:
        """Look at the whole cluster, as `pcmk-ha status` does."""

    def acknowledged(self) -> int:
        """Return how many writes through the VIP were answered so far, all clients but the naive one together."""

    def await_writes(self, *, timeout_s: float) -> bool:
        """Wait until every client writes again; a time-out is a problem of the drill, and returns False."""

    def expect(self, holds: bool, otherwise: str) -> None:  # noqa: FBT001  reads like an assertion
        """Note a problem unless something holds."""

    def note(self, text: str) -> None:
        """Add to what the report says of this run."""


SAME, OTHER, EITHER = "same", "other", "either"  # node that serves in the end
PRIMARY, STANDBY, ARBITER = "primary", "standby", "arbiter"  # roles as they were when the drill began


@dataclass(frozen=True)
class Expectation:
    """What must come of a fault.

    `fenced` names the roles that must have been fenced; None where both outcomes are right. `outage_s` is how
    long the well-configured clients may at most be without an acknowledged write.
    """

    serves_on: str = SAME
    fenced: tuple[str, ...] | None = ()
    outage_s: float = 60.0
    healthy_s: float = 300.0  # until everything is redundant again, once the fault is mended
    failures_stay: bool = False  # failed actions stay on record: `crm_resource --cleanup` is the human's part


@dataclass(frozen=True)
class Scenario:
    """One fault; `runbook` is its module's docstring, the text for people."""

    name: str
    act: Callable[[Field], None]
    expect: Expectation
    where: Where = Where.LAB
    needs_arbiter: bool = False
    agents: str = ""  # own or packaged, where it can be played, or ends so, with one kind only
    core: bool = False  # one of the twelve that are played on every suite
    random: bool = True  # campaigns may choose it
    human: str = ""  # what the administrator must do afterwards; empty: what `todo` says
    consent: str = ""  # anywhere: what will happen, for the question that is asked first
    runbook: str = ""

    @property
    def summary(self) -> str:
        """What is done, in one line."""
        return next(iter((self.act.__doc__ or self.runbook).strip().splitlines()), "")

    @property
    def todo(self) -> str:
        """What is left to the administrator."""
        cleanup = "`crm_resource --cleanup` forgets the failure (ten minutes do, too)"
        return self.human or (cleanup if self.expect.failures_stay else "nothing")

    def with_runbook(self, text: str) -> Scenario:
        """Return the same with its text."""
        return replace(self, runbook=text.strip())


Scenarios = Sequence[Scenario]
