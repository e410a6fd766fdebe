"""Making the second copy equal to the primary's: the blocks that are marked, or all of them.

The primary's data is never touched: every command here runs on the secondary. What is next follows from what both sides
say, so that a run that was killed is gone on with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from pcmk_ha.errors import PcmkHaError, Refused
from pcmk_ha.facts.records import RESYNCED
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.data.copies import Copies, follow_resync, look_at_copies
from pcmk_ha.operate.records import write_record
from pcmk_ha.operate.tell import Say
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.remote.runner import Runner

AWAY_S = 60


class Next(Enum):
    """What is to be done now."""

    NOTHING = "no block is marked as differing"
    DISCONNECT = "disconnect the secondary"
    CONNECT = "connect the secondary, so that DRBD copies what is marked"
    INVALIDATE = "declare the secondary's whole copy to be invalid, so that DRBD copies everything"
    FOLLOW = "wait for the resync that is under way"


def reasons_against(copies: Copies) -> tuple[str, ...]:
    """Why nothing may be copied now; empty when the primary serves good data and the other side is a secondary."""
    if not copies.primary:
        return ("the service is not up: nobody can tell which copy is the good one",)
    good, other = copies.good, copies.other
    reasons = []
    if not copies.service.quorate:
        reasons.append("the cluster has no quorum")
    if (good.role, good.disk) != ("Primary", "UpToDate"):
        reasons.append(f"{copies.primary} is {good.role or 'down'} and its copy {good.disk or 'unknown'}")
    if good.connection == "StandAlone":
        reasons.append(
            f"{copies.primary} has given up the connection: a split brain, or somebody disconnected it by hand "
            "(`pcmk-ha split-brain` tells which)"
        )
    if other.role != "Secondary":
        reasons.append(f"{copies.secondary} is {other.role or 'down'}, not Secondary")
    if good.is_verifying:
        reasons.append("both copies are being compared")
    if not (copies.is_working or good.is_redundant or other.connection == "StandAlone"):
        reasons.append(f"both sides are not connected: {'; '.join(copies.lines())}")
    return tuple(reasons)


def plan_next(copies: Copies, *, full: bool) -> Next:
    """Return the next step; call reasons_against first."""
    if copies.is_working:
        return Next.FOLLOW
    if copies.other.connection == "StandAlone":
        return Next.CONNECT
    if full:
        return Next.INVALIDATE
    return Next.DISCONNECT if copies.marked_kib else Next.NOTHING


@dataclass(frozen=True)
class Resync:
    """One run."""

    nodes: Mapping[str, Runner]
    cluster: Cluster
    say: Say

    def look(self) -> Copies:
        """Ask both sides."""
        return look_at_copies(self.nodes, self.cluster)

    def check(self, full: str) -> Copies:
        """Return both copies; raises Refused, with every reason, when nothing may be done. `full` is a node's name."""
        copies = self.look()
        reasons = list(reasons_against(copies))
        if full and not reasons and full != copies.secondary:
            what = "is the primary: its data is never touched" if full == copies.primary else "is no data node"
            reasons.append(f"{full} {what}; the other copy is {copies.secondary}'s")
        if reasons:
            raise Refused("; ".join(reasons), hint="`pcmk-ha status` says more; nothing was touched")
        return copies

    def run(self, *, full: bool) -> Copies:
        """Take one step after another until both copies are the same, and record when that was."""
        taken: list[Next] = []
        while True:
            copies = self.check("")
            step = plan_next(copies, full=full and Next.INVALIDATE not in taken)
            if step in (Next.NOTHING, Next.FOLLOW):
                break
            if step in taken:
                what = f"DRBD connected {copies.secondary} again and copied nothing, although blocks are marked"
                raise PcmkHaError(what, hint=f"`pcmk-ha resync --full {copies.secondary}` copies everything")
            self.say(step.value)
            self._take(step, copies.secondary)
            taken.append(step)
        over = follow_resync(self.look, self.say)
        write_record(self.nodes[over.primary], over.secondary, RESYNCED, datetime.now(UTC))
        return over

    def _take(self, step: Next, node: str) -> None:
        runner, resource = self.nodes[node], self.cluster.drbd.resource
        match step:
            case Next.DISCONNECT:
                runner.run(("drbdadm", "disconnect", resource), timeout=60)
            case Next.INVALIDATE:
                runner.run(("drbdadm", "invalidate", resource), timeout=60)
            case Next.CONNECT:
                runner.run(("drbdadm", "connect", resource), timeout=60)
                self._await_connection(node)

    def _await_connection(self, node: str) -> None:
        """Wait for the handshake: before it nobody knows what is to be copied."""
        wait_until(
            self.look,
            lambda copies: copies.is_working or copies.good.is_redundant,
            what=f"the connection of {node}",
            timeout_s=AWAY_S,
            hint="look at `drbdadm status` and the kernel's log on both nodes",
            describe=lambda copies: "; ".join(copies.lines()),
        )
