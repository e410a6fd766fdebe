"""Proof that every member can be fenced: each is switched off for real, by the others, and must come back.

A run keeps nothing of its own. Which member is next follows from where the service is; what an earlier run had under
way when it was killed follows from the fencer's history, and is waited for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pcmk_ha.errors import CommandFailed, NodeUnreachable, PcmkHaError, Refused, TimedOut
from pcmk_ha.facts.pacemaker import PREFERENCE, Fencing, ask_history, parse_fencings
from pcmk_ha.facts.records import FENCED
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.secret import Secrets
from pcmk_ha.operate.checks.fencing import ask_devices
from pcmk_ha.operate.checks.subject import OK, Subject
from pcmk_ha.operate.fencing.fence import check_safe, fence, foresee, unfence
from pcmk_ha.operate.look.status import Status
from pcmk_ha.operate.look.whole import await_whole, is_whole, require_whole
from pcmk_ha.operate.members import Members
from pcmk_ha.operate.moves.mover import Mover
from pcmk_ha.operate.moves.switchover import switch_over
from pcmk_ha.operate.parts.cluster import start_cluster
from pcmk_ha.operate.records import write_record
from pcmk_ha.operate.tell import Say, Told
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.plan.placement import other_data_node
from pcmk_ha.remote.runner import Runner

TAG = "pcmk-ha-fence-test"  # what the fencer's history calls us, after "(null)." and before our number
RECENT = timedelta(hours=1)
BOOT_S = 1200  # servers with much memory take a quarter of an hour
SETTLE_S = 20
WHOLE_S = 6 * 3600  # a resync of what was written meanwhile, or of everything
BOOT_ID = ("cat", "/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Proof:
    """One member that was off, and when that was confirmed."""

    node: str
    at: datetime


def plan_order(cluster: Cluster, status: Status, *, since: datetime | None = None) -> tuple[str, ...]:
    """Which members are to be fenced: the one that serves last, none with a record from `since` on."""
    serves = status.service.promoted_on
    order = sorted((member.name for member in cluster.members), key=lambda name: _rank(cluster, name, serves))
    fenced = status.records.fenced
    return tuple(n for n in order if since is None or n not in fenced or fenced[n] < since)


def _rank(cluster: Cluster, name: str, serves: str) -> int:
    """Standby, arbiter, the node that serves; while nothing is promoted every data node stands by."""
    return 2 if name == serves else 1 if cluster.arbiter and name == cluster.arbiter.name else 0


def foretell(cluster: Cluster, status: Status, order: tuple[str, ...], *, with_failover: bool) -> Iterator[str]:
    """Say what will happen to each member, one sentence each."""
    serves = status.service.promoted_on
    for name in order:
        if cluster.arbiter and name == cluster.arbiter.name:
            yield f"{name} only votes: it is switched off and on, clients notice nothing"
        elif name != serves:
            yield f"{name} does not serve: it is switched off and on, writes pause for some seconds"
        elif with_failover:
            yield f"{name} serves: it is switched off while it does, and writes are out until the other has taken over"
        else:
            other = other_data_node(cluster, name)
            yield f"{name} serves: the service moves to {other} (writes are out for some seconds), then it is fenced"


def look_when_ready(look: Callable[[], Status]) -> Status:
    """Look until the cluster is ready, but not long: what a run that was just killed began may not be known yet.

    Raises Refused as check_ready does.
    """
    with contextlib.suppress(TimedOut):
        return wait_until(
            look, lambda seen: _is_ready(seen, datetime.now(UTC)), what="a healthy cluster", timeout_s=SETTLE_S
        )
    status = look()
    check_ready(status, datetime.now(UTC))
    return status


def check_ready(status: Status, now: datetime) -> None:
    """Raise Refused unless the cluster is whole, or only lacks what an earlier run of this has under way."""
    if not _is_ready(status, now):
        require_whole(status)


def _is_ready(status: Status, now: datetime) -> bool:
    return is_whole(status) or is_recently_ours(status, now) or is_move_left(status)


def is_recently_ours(status: Status, now: datetime) -> bool:
    """Whether a run of this asked for a fencing that is under way, or for the latest one, within the hour."""
    if any(event.status == "pending" and TAG in event.client for event in status.fencings):
        return True
    last = next((event for event in status.fencings if event.when), None)
    return last is not None and TAG in last.client and now - _when(last) < RECENT


def is_move_left(status: Status) -> bool:
    """Whether all that is wrong is the constraint of a switchover that was killed."""
    return [left.id for left in status.leftovers] == [PREFERENCE] and len(status.findings) == 1


@dataclass(frozen=True)
class FenceTest:
    """One run. `connect` and `reach` open connections of their own each time, for every member is away once."""

    cluster: Cluster
    secrets: Secrets
    look: Callable[[], Status]
    connect: Callable[[str], Runner]
    reach: Callable[[], AbstractContextManager[Members]]
    say: Say
    with_failover: bool = False

    def run(self, order: tuple[str, ...]) -> Generator[Proof]:
        """Fence one after the other and yield each as it is proven and the cluster whole again.

        Where the service is by then decides who is next: the member that serves is always the last.
        """
        todo = set(order)
        status = self._settle()
        while todo:
            node = next(name for name in plan_order(self.cluster, status) if name in todo)
            todo.remove(node)
            yield self._prove(node, status)
            status = await_whole(self.look, self.say, timeout_s=WHOLE_S)

    def _settle(self) -> Status:
        """End what an earlier run that was killed had under way."""
        status = self.look()
        if is_whole(status):
            return status
        if any(left.id == PREFERENCE for left in status.leftovers):
            with self.reach() as members:
                Mover(members.cluster, members.nodes).forget(status.service.promoted_on)
        running = [node.name for node in self.cluster.nodes if node.name in status.service.online]
        with closing(self._any_of(running)) as runner:
            for name, word in status.nodes.items():
                if word == "offline" and self.cluster.stonith.action == "off":
                    unfence(runner, name)
        return await_whole(self.look, self.say, timeout_s=WHOLE_S)

    def _prove(self, node: str, status: Status) -> Proof:
        if node == status.service.promoted_on and not self.with_failover:
            self._move_away(node)
        with closing(self._any_but(node)) as runner:
            self._ask_devices(node)
            check_safe(runner, self.cluster, foresee(runner, self.cluster, node))
            life = self._boot_id(node)
            before = _history(runner, node)
            self.say(f"fencing {node}")
            fence(runner, node, off=False, tag=TAG)
            at = _confirmed(node, before, _history(runner, node))
            if self.cluster.stonith.action == "off":
                unfence(runner, node)
        self._await_boot(node, life)
        with closing(self._any_but(node)) as runner:
            write_record(runner, node, FENCED, at)
        return Proof(node, at)

    def _move_away(self, node: str) -> None:
        with self.reach() as members:
            switch_over(members, other_data_node(self.cluster, node), Told(self.say))
        await_whole(self.look, self.say, timeout_s=WHOLE_S)

    def _any_but(self, node: str) -> Runner:
        """Connect to a data node that is not the target."""
        return self._any_of([member.name for member in self.cluster.nodes if member.name != node])

    def _any_of(self, names: list[str]) -> Runner:
        for name in names:
            try:
                return self.connect(name)
            except NodeUnreachable:
                continue
        raise NodeUnreachable("no data node answers", hint="`pcmk-ha status`")

    def _ask_devices(self, node: str) -> None:
        """Have every other member ask the target's devices: any of them may have to fence it."""
        target = next(member for member in self.cluster.members if member.name == node)
        for member in self.cluster.members:
            if member.name == node:
                continue
            with closing(self.connect(member.name)) as runner:
                for check in ask_devices(Subject(self.cluster, self.secrets, member, runner, None), target):
                    if check.verdict != OK:
                        hint = f"nothing was fenced; {check.hint}"
                        raise Refused(f"the device of {node} does not answer {member.name}: {check.detail}", hint=hint)

    def _boot_id(self, node: str) -> str:
        with closing(self.connect(node)) as runner:
            return runner.run(BOOT_ID).stdout.strip()

    def _await_boot(self, node: str, life: str) -> None:
        """Wait until the target lives another life, and start its cluster where that does not start at boot."""

        def look() -> str:
            self.say(f"{node} was off, the fencer confirms it: waiting until it has booted")
            try:
                return self._boot_id(node)
            except (NodeUnreachable, CommandFailed):
                return ""

        wait_until(
            look,
            lambda seen: seen not in ("", life),
            what=f"a boot of {node}",
            timeout_s=BOOT_S,
            every_s=2,
            hint=f"it was switched off for certain: look at its console, then `pcmk-ha unfence {node}`",
            describe=lambda seen: "the boot id from before the fencing" if seen else "no answer",
        )
        if not self.cluster.start_on_boot:
            with closing(self.connect(node)) as runner:
                start_cluster(runner)


def _history(runner: Runner, node: str) -> tuple[Fencing, ...]:
    return parse_fencings(runner.run(ask_history(node), timeout=40).stdout)


def _confirmed(node: str, before: tuple[Fencing, ...], after: tuple[Fencing, ...]) -> datetime:
    """Return when the fencer itself had it confirmed that the power was off, by an entry that is new."""
    new = [e for e in after if e not in before and e.target == node]
    done = [e for e in new if e.status == "success" and e.action in ("reboot", "off")]
    if not done:
        raise PcmkHaError(
            f"the fencer's history has no new success for {node}", hint="journalctl -t pacemaker-fenced on each member"
        )
    return max(_when(event) for event in done)


def _when(event: Fencing) -> datetime:
    return datetime.strptime(event.when[:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
