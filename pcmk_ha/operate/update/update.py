"""Update every member, one after the other: look, take the next step, look again.

A run keeps nothing of its own: each step follows from what was found just before it, so a run that was killed anywhere
is finished by the next, and whatever goes wrong ends it with the service up on the other node.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field

from pcmk_ha.errors import PcmkHaError, Refused, TimedOut
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.look.standing import Standing
from pcmk_ha.operate.moves.mover import Mover
from pcmk_ha.operate.tell import Say, Teller
from pcmk_ha.operate.update.look import Seen, find_carriers, look_for_aside, refresh, see
from pcmk_ha.operate.update.packages import fetch
from pcmk_ha.operate.update.perform import WHOLE_S, Performer, Reach
from pcmk_ha.operate.update.ready import is_catching_up, reasons_against_going_on
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.plan import update_moves as do
from pcmk_ha.plan.boots import Boots
from pcmk_ha.plan.moves import AwaitSettled
from pcmk_ha.plan.update import Found, next_step, order
from pcmk_ha.plan.update_gate import foretell, reasons_against_update
from pcmk_ha.remote.parallel import on_all

SETTLE_S = 20
GOES_ON = "the service is up; `pcmk-ha update` goes on where this stopped"


@dataclass(frozen=True)
class Intent:
    """What will be done, in order, and why it must not be."""

    found: Found
    order: tuple[str, ...]
    lines: tuple[str, ...]
    reasons: tuple[str, ...]
    carriers: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def check(self) -> None:
        """Raise Refused, with every reason, where there is one."""
        if self.reasons:
            raise Refused("\n".join(self.reasons), hint="nothing was touched")


@dataclass(frozen=True)
class Update:
    """One run."""

    cluster: Cluster
    reach: Reach
    switch: Callable[[str, Say], None]  # moves the service to a node, and says how it goes
    teller: Teller
    mode: Boots = Boots.NEEDED
    settle_s: float = SETTLE_S  # how long what is not yet as it should be is given to become so

    def prepare(self, *, dry_run: bool = False) -> Intent:
        """Look at everything, fetch the lists of packages, and say what will be done and what forbids it."""
        standing, aside = self._settled(dry_run=dry_run)
        reasons = reasons_against_going_on(standing, aside)
        with self.reach() as members:
            refresh(members, aside)
            found = see(members).found
            carriers = find_carriers(members, found)
        against = reasons_against_update(self.cluster, found, self.mode, carriers)
        todo = order(self.cluster, found, self.mode)
        lines = tuple(foretell(self.cluster, found, self.mode, carriers))
        return Intent(found, todo, lines, (*reasons, *against), carriers)

    def run(self, intent: Intent) -> Generator[do.Step]:
        """Do it, and yield every step that is done; raises the first error, with the service up elsewhere."""
        begin = time.monotonic()
        self._fetch(intent.found, begin)
        done: do.Step | None = None
        try:
            while step := self._next(intent, done):
                self.teller.finished(str(step), time.monotonic() - begin)
                yield step
                done = step
        except PcmkHaError as error:
            if done is not None:
                error.hint = f"{error.hint}; {GOES_ON}".removeprefix("; ")
            raise

    def _next(self, intent: Intent, done: do.Step | None) -> do.Step | None:
        """Take one step; None where nothing is left to do."""
        with self.reach() as members:
            seen = see(members)
            step = next_step(self.cluster, seen.found, self.mode)
            if step is None:
                return None
            if step == done and not isinstance(step, do.AwaitNode):  # it may have answered on its way down
                raise PcmkHaError(f"{step}: this was done, and is to be done again", hint="`pcmk-ha status`")
            self._check(intent, seen, step)
            self.teller.started(str(step))
            Performer(members, self.reach, self.switch, self.teller.watched)(step)
            return step

    def _check(self, intent: Intent, seen: Seen, step: do.Step) -> None:
        """Go on only while everything else is as it should be, and begin a node only when nothing is against it."""
        reasons = reasons_against_going_on(seen.standing, seen.found.aside)
        if reasons:  # a look may come a moment too early
            with contextlib.suppress(TimedOut):
                self._await_ready(self.settle_s)
            reasons = reasons_against_going_on(*self._look())
        if isinstance(step, do.SwitchOver | do.SetAside):
            reasons += reasons_against_update(self.cluster, seen.found, self.mode, intent.carriers)
        if reasons:
            raise PcmkHaError("; ".join(reasons), hint="`pcmk-ha status`")

    def _fetch(self, found: Found, begin: float) -> None:
        """Fetch packages everywhere before any node is emptied."""
        names = {name for name, software in found.software.items() if software.upgrades and not software.unfinished}
        if not names:
            return
        text = f"fetch packages on {', '.join(sorted(names))}"
        self.teller.started(text)
        with self.reach() as members:
            answers = on_all({n: runner for n, runner in members.nodes.items() if n in names}, fetch)
        for answer in answers.values():
            if isinstance(answer, PcmkHaError):
                raise answer
        self.teller.finished(text, time.monotonic() - begin)

    def _settled(self, *, dry_run: bool) -> tuple[Standing, frozenset[str]]:
        """Let what an earlier run set going come to its end, and look."""
        if not dry_run:
            self._forget_move()
        with contextlib.suppress(TimedOut):
            self._await_ready(self.settle_s)
        standing, aside = self._look()
        if is_catching_up(standing.status) and not aside and not dry_run:
            self.teller.started("both copies are good")
            self._await_ready(WHOLE_S)
            standing, aside = self._look()
        return standing, aside

    def _await_ready(self, timeout_s: float) -> None:
        wait_until(
            self._look,
            lambda seen: not reasons_against_going_on(*seen),
            what="a healthy cluster",
            timeout_s=timeout_s,
            every_s=2,
            describe=lambda seen: "; ".join(reasons_against_going_on(*seen)),
        )

    def _look(self) -> tuple[Standing, frozenset[str]]:
        with self.reach() as members:
            return look_for_aside(members)

    def _forget_move(self) -> None:
        """Remove the constraint of a switchover that was killed, once what it set going has ended."""
        with self.reach() as members:
            standing, _aside = look_for_aside(members)
            if standing.preferred:
                mover = Mover(self.cluster, members.nodes, self.teller.watched)
                mover(AwaitSettled())
                mover.forget(standing.preferred)
