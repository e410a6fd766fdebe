"""Settling a split brain, one step after the other, as facts demand: the side that is named gives up its data.

Every step follows from what both sides say and from what was saved, so that a run that was killed anywhere is finished
by the next. The side that is kept is touched once: where DRBD has given up there, it is told to connect.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from pcmk_ha.errors import PcmkHaError, Refused, TimedOut
from pcmk_ha.facts.generations import Relation
from pcmk_ha.facts.records import format_time
from pcmk_ha.operate.data.copies import Copies, follow_resync, look_at_copies
from pcmk_ha.operate.look.status import gather as gather_status
from pcmk_ha.operate.look.status import summarise
from pcmk_ha.operate.members import Members
from pcmk_ha.operate.split_brain.evidence import ALONE, Evidence, Saved
from pcmk_ha.operate.split_brain.gather import SAVED_IN, gather
from pcmk_ha.operate.split_brain.plan import Next, find_saved, plan_next, reasons_against
from pcmk_ha.operate.split_brain.save import BLOCKS, LONGEST_S, Keep, follow
from pcmk_ha.operate.tell import Say
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.remote.runner import Runner

UNTOUCHED, AGAIN = "nothing was touched", "run the same command again to go on"
MEET_S = 60
WHOLE_S = 60
MAINTENANCE = "MAINTENANCE MODE"
ONCE = (Next.DEMOTE, Next.SAVE, Next.RECONNECT, Next.SETTLE)  # what is to be done again although it was done, failed


@dataclass(frozen=True)
class Settlement:
    """One run, in which a node's data is given up."""

    members: Members
    lost: str
    begin: Say  # is told of each step
    say: Say  # is told what is seen meanwhile
    kind: str = BLOCKS
    directory: str = SAVED_IN

    def look(self) -> Evidence:
        """Ask both sides what the next step depends on."""
        return gather(self.members, directory=self.directory, databases=False)

    def check(self, evidence: Evidence, *, hint: str = UNTOUCHED) -> None:
        """Raise Refused, with every reason, where the node's data must not be given up now."""
        reasons = reasons_against(evidence, self.lost)
        if not reasons and plan_next(evidence, self.lost) in (Next.DISCONNECT, Next.DEMOTE, Next.SAVE):
            reasons = self._keep().reasons_against(evidence) if not find_saved(evidence, self.lost) else ()
        if reasons:
            raise Refused("; ".join(reasons), hint=hint)

    def run(self) -> Saved | None:
        """Take one step after another until both copies are one again; return what was saved before."""
        taken: list[Next] = []
        saved: Saved | None = None
        while True:
            evidence = self.look()
            require_both(evidence, hint=AGAIN if taken else UNTOUCHED)
            saved = find_saved(evidence, self.lost) or evidence.unsettled() or saved
            if not self._is_over(evidence):
                self.check(evidence, hint=AGAIN if taken else UNTOUCHED)
            step = plan_next(evidence, self.lost)
            if step is Next.NOTHING:
                return saved
            if step in taken and step in ONCE:
                raise PcmkHaError(
                    f"this was done and did not help: {step.value}", hint="the kernel's log on both nodes"
                )
            self.begin(step.value)
            self._take(step, evidence)
            taken.append(step)

    def _is_over(self, evidence: Evidence) -> bool:
        return evidence.is_connected and not evidence.is_syncing

    def _keep(self) -> Keep:
        return Keep(self.members.cluster, self._runner(self.lost), self.kind, self.directory)

    def _runner(self, node: str) -> Runner:
        return self.members.nodes[node]

    def _take(self, step: Next, evidence: Evidence) -> None:
        runner, resource = self._runner(self.lost), self.members.cluster.drbd.resource
        match step:
            case Next.DISCONNECT:
                runner.run(("drbdadm", "disconnect", resource), timeout=60)
            case Next.DEMOTE:
                runner.run(("drbdadm", "secondary", resource), timeout=60)
            case Next.SAVE:
                self._save(evidence)
            case Next.RECONNECT:
                self._reconnect(evidence)
            case Next.FOLLOW:
                follow_resync(lambda: look_at_copies(self.members.nodes, self.members.cluster), self.say)
            case Next.SETTLE:
                note_settled(self.members, evidence)
            case _:
                raise AssertionError(step)

    def _save(self, evidence: Evidence) -> None:
        side = evidence.sides[self.lost]
        assert side.generations is not None  # else nothing would be known of a split brain
        other, changed = self._runner(evidence.other(self.lost)), side.drbd.out_of_sync_kib
        self._keep().save(side.generations.current, other, self.say, changed_kib=changed)

    def _reconnect(self, evidence: Evidence) -> None:
        """Have the one side offer to give up its data, then have the other meet it."""
        resource, kept = self.members.cluster.drbd.resource, evidence.other(self.lost)
        self._check_saved(evidence)
        self._runner(self.lost).run(("drbdadm", "connect", "--discard-my-data", resource), timeout=60)
        if evidence.sides[kept].drbd.connection == ALONE:
            self._runner(kept).run(("drbdadm", "connect", resource), timeout=60)
        met = wait_until(
            lambda: look_at_copies(self.members.nodes, self.members.cluster),
            lambda copies: have_met(copies) or gave_up(copies),
            what=f"a connection of {self.lost} and {kept}",
            timeout_s=MEET_S,
            hint="is the replication link up? Run it again then",
            describe=lambda copies: "; ".join(copies.lines()),
        )
        if not have_met(met):
            said = "; ".join(met.lines())
            raise PcmkHaError(f"DRBD gave up again: {said}", hint="the kernel's log says why; run it again then")

    def _check_saved(self, evidence: Evidence) -> None:
        """Read what was saved once more before it is the only one: raises CommandFailed where it cannot be trusted."""
        saved = find_saved(evidence, self.lost)
        assert saved is not None  # the plan saves first
        argv = ("python3", f"{saved.place}/saved_blocks.py", "check", saved.place, self._keep().disk)
        follow(
            lambda: self._runner(self.lost).run(argv, timeout=LONGEST_S),
            lambda: self.say("reading what was saved again"),
        )


def require_both(evidence: Evidence, *, hint: str = UNTOUCHED) -> None:
    """Raise Refused unless both sides were asked, for one alone proves nothing; PcmkHaError where one did not say."""
    if evidence.unreachable:
        reasons = "; ".join(f"{name} does not answer: {why}" for name, why in evidence.unreachable.items())
        raise Refused(reasons, hint=f"nothing is settled without both sides; {hint}")
    if evidence.relation is Relation.UNKNOWN and not evidence.is_connected:
        raise PcmkHaError("DRBD's generations could not be read on both sides", hint="drbdadm get-gi, on each of them")


def note_settled(members: Members, evidence: Evidence) -> None:
    """Note beside what was saved that both copies are one again."""
    saved = evidence.unsettled()
    if saved and not evidence.is_syncing:
        now = format_time(datetime.now(UTC))
        members.nodes[saved.node].put(f"{saved.place}/settled", f"{now}\n", mode=0o600)


def have_met(copies: Copies) -> bool:
    """Both sides have agreed on whose data is kept."""
    return all(side.is_syncing or side.is_redundant for side in copies.sides.values())


def gave_up(copies: Copies) -> bool:
    """One side has ended the connection for good."""
    return any(side.connection == ALONE for side in copies.sides.values())


def what_is_left(members: Members, say: Say) -> tuple[str, ...]:
    """Wait a while until nothing but maintenance mode is found, and return what is: constraints go a moment later."""

    def look() -> tuple[str, ...]:
        status = summarise(members.cluster, gather_status(members.cluster, members.nodes), members.down)
        found = tuple(f"{finding.what}: {finding.todo}".rstrip(": ") for finding in status.findings)
        say("; ".join(finding.what for finding in status.findings) or "the cluster is whole")
        return found

    try:
        return wait_until(
            look, lambda found: all(MAINTENANCE in line for line in found), what="a whole cluster", timeout_s=WHOLE_S
        )
    except TimedOut:
        return look()
