"""Does what a plan of moves says, one step after the other, and cleans up behind itself whatever happens."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pcmk_ha.errors import CommandFailed, NodeUnreachable, PcmkHaError
from pcmk_ha.facts.aside import release
from pcmk_ha.facts.pacemaker import HELD_BY_START
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.data.files import check_files
from pcmk_ha.operate.data.stopped import check_stopped_copies
from pcmk_ha.operate.moves import placement
from pcmk_ha.operate.moves.waits import Waits
from pcmk_ha.operate.parts.cluster import start_cluster
from pcmk_ha.operate.parts.server import checkpoint
from pcmk_ha.operate.tell import Say, Teller, ignore
from pcmk_ha.plan import moves as do
from pcmk_ha.remote.first import from_first
from pcmk_ha.remote.parallel import on_all
from pcmk_ha.remote.runner import Runner

T = TypeVar("T")  # of step


def carry_out(plan: tuple[T, ...], perform: Callable[[T], None], teller: Teller) -> None:
    """Perform every step in order; raises the first error. A run cut short anywhere is finished by the next."""
    begin = time.monotonic()
    for move in plan:
        teller.started(str(move))
        perform(move)
        teller.finished(str(move), time.monotonic() - begin)


@dataclass(frozen=True)
class Mover:
    """Knows the members that answer; call it with a move."""

    cluster: Cluster
    nodes: Mapping[str, Runner]
    watch: Say = ignore  # is told what is seen while something is waited for

    def __call__(self, move: do.Move) -> None:  # noqa: C901, PLR0912  one case for each kind of move
        """Perform one move; raises CommandFailed, NodeUnreachable or TimedOut."""
        match move:
            case do.Checkpoint():
                checkpoint(self._runner(move.node), self.cluster)
            case do.Prefer():
                self._tell(placement.prefer(self.cluster, move.node), after=move.node)
            case do.Forget():
                self.forget(move.node)
            case do.SetStandby():
                if not move.on:  # an update's is a standby, too
                    self._tell(release(move.node), ok=placement.GONE)
                self._tell(placement.set_standby(move.node, on=move.on), ok=(0,) if move.on else placement.GONE)
            case do.SetProperty():
                argv = placement.set_property(move.name, move.value)
                self._tell(argv, ok=(0,) if move.value else placement.GONE)
            case do.Hold():
                self._tell(placement.hold_if_stopped(HELD_BY_START))
            case do.CheckFiles():
                check_files(self.cluster, self.nodes)
            case do.Release():
                self._tell(placement.release(HELD_BY_START), ok=placement.GONE)
            case do.CheckCopies():
                check_stopped_copies(self.cluster, self.nodes)
            case do.StopUnit():
                self._everywhere(move.nodes, lambda runner: _stop(runner, move.unit))
            case do.StartMembers():
                self._everywhere(move.nodes, start_cluster)
            case _:
                Waits(self.cluster, self.nodes, self.watch)(move)

    def forget(self, node: str) -> None:
        """Remove our constraint, through whichever member answers."""
        self._tell(placement.FORGET, after=node, ok=placement.GONE)

    def _runner(self, node: str) -> Runner:
        if node not in self.nodes:
            raise NodeUnreachable(f"{node} does not answer SSH", hint="`pcmk-ha check`")
        return self.nodes[node]

    def _tell(self, argv: tuple[str, ...], *, after: str = "", ok: tuple[int, ...] = (0,)) -> None:
        """Change the configuration through a member that answers, `after` first: it is there when the move is over."""
        order = sorted(self.nodes.values(), key=lambda runner: runner.node != after)
        from_first(order, lambda runner: runner.run(argv, ok=ok, timeout=60))

    def _everywhere(self, nodes: tuple[str, ...], act: Callable[[Runner], None]) -> None:
        failed = [e for e in on_all({n: self._runner(n) for n in nodes}, act).values() if isinstance(e, PcmkHaError)]
        if failed:
            raise failed[0]


def _stop(runner: Runner, unit: str) -> None:
    runner.run(("systemctl", "stop", unit), timeout=300)


@contextlib.contextmanager
def no_constraint_left(mover: Mover, plan: tuple[do.Move, ...]) -> Iterator[None]:
    """Remove our constraint when the block ends in an error or a Ctrl-C, if the plan places one."""
    placed = next((move.node for move in plan if isinstance(move, do.Prefer)), "")
    try:
        yield
    except BaseException as error:
        if placed:
            _clean_up(mover, placed, error)
        raise


def _clean_up(mover: Mover, node: str, error: BaseException) -> None:
    try:
        mover.forget(node)
    except (CommandFailed, NodeUnreachable) as left:
        minutes = placement.lifetime_s(mover.cluster) // 60
        said = f"the constraint that prefers {node} could not be removed ({left}); it ends by itself in {minutes} min"
        if isinstance(error, PcmkHaError):
            error.hint = f"{said}; {error.hint}".rstrip("; ")
        else:
            error.add_note(said)
