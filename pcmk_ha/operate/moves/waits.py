"""What moves wait for. Each wait has a deadline, and ends early when what it waits for cannot come any more."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pcmk_ha.errors import CommandFailed, NodeUnreachable, PcmkHaError
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.look.standing import Glimpse, glimpse
from pcmk_ha.operate.look.status import Status, gather, summarise
from pcmk_ha.operate.moves.placement import patience_s
from pcmk_ha.operate.parts.cluster import await_quorum
from pcmk_ha.operate.parts.ready import await_ready
from pcmk_ha.operate.tell import Say, ignore
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.plan import moves as do
from pcmk_ha.remote.runner import Runner

HINT = "`pcmk-ha status` shows failed actions and what to do; run the same command again to go on"
SETTLE_S = 180
MOVED_S = 10  # what a move takes at most as a rule; what goes wrong is looked for after that
UNWILLING_S = 20  # a DC that has not begun after that does not want to
RESYNC_S = 6 * 3600  # a whole disk over a slow link; it goes on by itself, whoever waits
FENCED = "drbd-fence-by-handler-"


@dataclass(frozen=True)
class Waits:
    """Knows whom to ask; call it with what to wait for."""

    cluster: Cluster
    nodes: Mapping[str, Runner]
    watch: Say = ignore  # is told what is seen meanwhile

    def __call__(self, move: do.Move) -> None:
        """Wait for one thing; raises TimedOut, or PcmkHaError when it cannot come any more."""
        match move:
            case do.AwaitServedBy():
                self._await_served_by(move.node)
            case do.AwaitEmpty():
                self._await(move, lambda seen: is_empty(seen, move.node), patience_s(self.cluster))
            case do.AwaitJoined():
                self._await(move, lambda seen: has_joined(self.cluster, seen, move.node), SETTLE_S)
            case do.AwaitSettled():
                self._await(move, lambda seen: seen.is_idle, SETTLE_S)
            case do.AwaitStopped():
                self._await(move, is_stopped, self.cluster.timeouts.stop_s + SETTLE_S)
            case do.AwaitVolume():
                self._await(move, lambda seen: seen.is_idle and bool(seen.service.volume_on), patience_s(self.cluster))
            case do.AwaitService():
                self._await(move, is_serving, patience_s(self.cluster))
            case do.AwaitMembers():
                await_quorum(self._order("")[0], len(self.cluster.members))
            case do.AwaitCopies():
                self._await_copies()
            case _:
                raise AssertionError(move)

    def _order(self, first: str) -> list[Runner]:
        return sorted(self.nodes.values(), key=lambda runner: runner.node != first)

    def _await(self, move: do.Move, ready: Callable[[Glimpse], bool], timeout_s: float, first: str = "") -> Glimpse:
        order = self._order(first)
        return wait_until(lambda: glimpse(order, self.cluster), ready, what=f'"{move}"', timeout_s=timeout_s, hint=HINT)

    def _await_served_by(self, node: str) -> None:
        # Whoever asks Pacemaker twice a second makes it late: its own tools are heavy, and clients wait meanwhile.
        with contextlib.suppress(CommandFailed, NodeUnreachable):
            self._order(node)[0].run(await_ready(self.cluster, MOVED_S), ok=None, timeout=MOVED_S + 20)
        unwilling = Unwilling(node)
        ended = self._await(
            do.AwaitServedBy(node),
            lambda seen: is_served_by(seen, node) or has_failed_back(seen, node) or unwilling(seen),
            patience_s(self.cluster),
            first=node,
        )
        if not is_served_by(ended, node):
            failed = "; ".join(f"{f.resource} on {f.node}: {f.detail}" for f in ended.failures) or "no action failed"
            raise PcmkHaError(f"Pacemaker keeps the service on {ended.service.promoted_on}: {failed}", hint=HINT)

    def _await_copies(self) -> None:
        def look() -> Status:
            status = summarise(self.cluster, gather(self.cluster, self.nodes), {})
            self.watch(_findings(status))
            return status

        wait_until(
            look,
            lambda status: has_good_copies(self.cluster, status),
            what='"both copies are good"',
            timeout_s=RESYNC_S,
            every_s=2,
            hint="the resync goes on by itself; `pcmk-ha status --watch` shows how far it is",
            describe=_findings,
        )


@dataclass
class Unwilling:
    """Tells whether Pacemaker has been at rest with the service elsewhere for a while: nothing more will happen."""

    node: str
    clock: Callable[[], float] = time.monotonic
    since: float | None = None

    def __call__(self, seen: Glimpse) -> bool:
        """Take one more look into account."""
        if not (seen.is_idle and seen.service.is_up and seen.service.promoted_on != self.node):
            self.since = None
            return False
        if self.since is None:
            self.since = self.clock()
        return self.clock() - self.since >= UNWILLING_S


def is_served_by(seen: Glimpse, node: str) -> bool:
    """Clients are served by a node, the other one follows, and nothing is under way."""
    service = seen.service
    return seen.is_idle and service.is_serving and service.promoted_on == node and len(service.unpromoted_on) == 1


def has_failed_back(seen: Glimpse, node: str) -> bool:
    """Pacemaker tried, failed, and went back: nothing more will happen."""
    return seen.is_idle and seen.service.is_up and seen.service.promoted_on != node and bool(seen.failures)


def is_empty(seen: Glimpse, node: str) -> bool:
    """Nothing of the service runs on a node, and nothing is under way."""
    service = seen.service
    places = (service.promoted_on, service.database_on, service.vip_on, *service.unpromoted_on)
    return seen.is_idle and node not in places


def has_joined(cluster: Cluster, seen: Glimpse, node: str) -> bool:
    """A node is online, and has its DRBD if it holds data."""
    service = seen.service
    holds_data = node in (data_node.name for data_node in cluster.nodes)
    there = (service.promoted_on, *service.unpromoted_on) if holds_data else service.online
    return seen.is_idle and node in service.online and node in there


def is_stopped(seen: Glimpse) -> bool:
    """No resource runs, or may run, anywhere."""
    return seen.answered and seen.is_idle and not seen.active


def is_serving(seen: Glimpse) -> bool:
    """Clients are served, every STONITH device runs, and nothing is under way."""
    return seen.is_idle and seen.service.is_serving


def has_good_copies(cluster: Cluster, status: Status) -> bool:
    """Both sides hold the same good data, and no promotion is forbidden any more."""
    states = [facts.drbd for name in _data_nodes(cluster) if (facts := status.members.get(name))]
    good = len(states) == len(cluster.nodes) and all(state and state.is_redundant for state in states)
    return good and not any(leftover.id.startswith(FENCED) for leftover in status.leftovers)


def _data_nodes(cluster: Cluster) -> Iterable[str]:
    return (node.name for node in cluster.nodes)


def _findings(status: Status) -> str:
    return "; ".join(finding.what for finding in status.findings)
