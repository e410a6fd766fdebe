"""Both copies of the data: comparing them, and what each side says of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pcmk_ha.desired.names import VERIFY
from pcmk_ha.errors import NodeUnreachable, PcmkHaError, Refused
from pcmk_ha.facts.drbd import PROC_DRBD, STATUS_9, DrbdState, parse_proc_drbd, parse_status_9
from pcmk_ha.facts.records import Verified
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.look.service import Service, look_at_service
from pcmk_ha.operate.records import read_records
from pcmk_ha.operate.tell import Say
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.remote.parallel import on_all
from pcmk_ha.remote.runner import Runner

T = TypeVar("T")
SHOW = ("systemctl", "show", "-p", "LoadState,ActiveState,Result", VERIFY)
LONGEST_S = 14 * 86400  # of a comparison or a resync: tens of terabytes over a slow link
EVERY_S = 2.0


@dataclass(frozen=True)
class Copies:
    """Who serves, and what each side says of its copy."""

    service: Service
    sides: Mapping[str, DrbdState]

    @property
    def primary(self) -> str:
        """The node that serves, empty where none does."""
        return self.service.promoted_on if self.service.is_up else ""

    @property
    def secondary(self) -> str:
        """The other data node."""
        return next((name for name in self.sides if name != self.primary), "")

    @property
    def good(self) -> DrbdState:
        """The primary's view."""
        return self.sides.get(self.primary, DrbdState())

    @property
    def other(self) -> DrbdState:
        """The other side's view."""
        return self.sides.get(self.secondary, DrbdState())

    @property
    def is_syncing(self) -> bool:
        """Blocks are being copied."""
        return any(side.is_syncing for side in self.sides.values())

    @property
    def is_working(self) -> bool:
        """Both copies are being compared, or blocks copied."""
        return self.is_syncing or any(side.is_verifying for side in self.sides.values())

    @property
    def marked_kib(self) -> int:
        """What is marked as differing."""
        return max((side.out_of_sync_kib for side in self.sides.values()), default=0)

    def lines(self) -> tuple[str, ...]:
        """Each side in a sentence."""
        return tuple(_line(name, side) for name, side in self.sides.items())


def _line(name: str, side: DrbdState) -> str:
    return (
        f"{name}: {side.role or 'DRBD is down'}, its copy is {side.disk or 'unknown'}, {side.connection or 'unknown'}"
    )


def look_at_copies(nodes: Mapping[str, Runner], cluster: Cluster) -> Copies:
    """Ask both data nodes; raises NodeUnreachable, or CommandFailed, where one cannot be asked."""
    if silent := [node.name for node in cluster.nodes if node.name not in nodes]:
        raise NodeUnreachable(f"{silent[0]} does not answer: both copies must be asked", hint="`pcmk-ha check`")
    runners = {node.name: nodes[node.name] for node in cluster.nodes}
    sides = on_all(runners, lambda runner: look_at_side(runner, cluster))
    for side in sides.values():
        if isinstance(side, PcmkHaError):
            raise side
    service = look_at_service(next(iter(runners.values())), cluster)
    return Copies(service, {name: side for name, side in sides.items() if isinstance(side, DrbdState)})


def look_at_side(runner: Runner, cluster: Cluster) -> DrbdState:
    """Ask one data node's kernel."""
    proc = runner.run(PROC_DRBD, ok=None).stdout
    if "version: 9" in proc:
        return parse_status_9(runner.run(STATUS_9, ok=None).stdout, cluster.drbd.resource)
    return parse_proc_drbd(proc, cluster.drbd.minor)


def require_two_copies(copies: Copies) -> None:
    """Raise Refused unless the service is up on a good copy and the other node has one, too."""
    if not copies.primary:
        raise Refused("the service is not up: there is no copy to go by", hint="`pcmk-ha status`; nothing was touched")
    if not copies.good.is_redundant:
        said = "; ".join(copies.lines())
        raise Refused(f"there are no two good copies now: {said}", hint="`pcmk-ha status`; nothing was touched")


def begin_comparison(runner: Runner) -> None:
    """Have the primary compare both copies by itself, whatever becomes of us; one under way is gone on with."""
    state = _unit(runner)
    if state.get("LoadState") != "loaded":
        raise Refused(
            f"{runner.node} has no {VERIFY}: this cluster was built by an older version", hint="run `pcmk-ha bootstrap`"
        )
    if state.get("ActiveState") != "activating":
        runner.run(("systemctl", "reset-failed", VERIFY), ok=None)
        runner.run(("systemctl", "start", "--no-block", VERIFY))


def follow_comparison(runner: Runner, cluster: Cluster, say: Say) -> Verified:
    """Wait until the comparison is over and return what was recorded; raises PcmkHaError when it was cut short."""

    def look() -> str:
        side = look_at_side(runner, cluster)
        if side.is_verifying:
            say(f"comparing both copies: {side.progress}, {side.out_of_sync_kib} KiB differ so far")
        return _unit(runner).get("ActiveState", "")

    _wait(look, lambda active: active not in ("activating", "active"), "the end of the comparison")
    if _unit(runner).get("Result") != "success":
        last = runner.run(("journalctl", "-u", VERIFY, "-n", "3", "-o", "cat", "--no-pager"), ok=None).stdout.strip()
        raise PcmkHaError(f"{runner.node}: both copies were not compared to the end: {last}", hint="run it again")
    verified = read_records(runner).verified
    if verified is None:
        raise PcmkHaError(f"{runner.node}: no comparison is recorded", hint=f"journalctl -u {VERIFY}")
    return verified


def follow_resync(look: Callable[[], Copies], say: Say) -> Copies:
    """Wait until both copies are good and no block is marked as differing."""

    def observe() -> Copies:
        copies = look()
        if copies.is_working:
            percent = next((side.progress for side in copies.sides.values() if side.progress), "beginning")
            say(f"copying from {copies.primary} to {copies.secondary}: {percent}, {copies.marked_kib} KiB to go")
        return copies

    def is_over(copies: Copies) -> bool:
        return all(s.is_redundant and not s.out_of_sync_kib and not s.is_verifying for s in copies.sides.values())

    return _wait(observe, is_over, "the end of the resync")


def compare_copies(nodes: Mapping[str, Runner], cluster: Cluster, say: Say) -> Verified:
    """Compare both copies from the first block to the last."""
    copies = look_at_copies(nodes, cluster)
    require_two_copies(copies)
    runner = nodes[copies.primary]
    begin_comparison(runner)
    return follow_comparison(runner, cluster, say)


def _unit(runner: Runner) -> dict[str, str]:
    text = runner.run(SHOW).stdout
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def _wait(look: Callable[[], T], ready: Callable[[T], bool], what: str) -> T:
    return wait_until(look, ready, what=what, timeout_s=LONGEST_S, every_s=EVERY_S)
