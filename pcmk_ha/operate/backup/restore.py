"""Putting a base backup in place of the present data: looking, deciding, and doing what is planned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pcmk_ha.desired.values import Desired
from pcmk_ha.errors import PcmkHaError, Refused
from pcmk_ha.facts.labels import describe
from pcmk_ha.facts.pacemaker import HELD_BY_RESTORE, HELD_BY_START
from pcmk_ha.model.secret import Secrets
from pcmk_ha.operate.backup import scripts
from pcmk_ha.operate.backup.backup import parse_fields
from pcmk_ha.operate.backup.job import Job
from pcmk_ha.operate.backup.place import Place
from pcmk_ha.operate.backup.recover import Recovery
from pcmk_ha.operate.data.files import find_labels
from pcmk_ha.operate.look.standing import Standing, glimpse, look_closely
from pcmk_ha.operate.look.verify import verify_write
from pcmk_ha.operate.members import Members
from pcmk_ha.operate.moves import placement
from pcmk_ha.operate.moves.mover import Mover
from pcmk_ha.operate.moves.waits import HINT, has_good_copies
from pcmk_ha.operate.parts.server import checkpoint
from pcmk_ha.operate.tell import Say
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.plan import restore as do
from pcmk_ha.remote.runner import Runner

COPY_UNIT = "pcmk-ha-copy.service"
MIB = 1 << 20
RENAME_S = 300


@dataclass(frozen=True)
class Look:
    """What was found, and through whom."""

    found: do.Found
    standing: Standing
    holder: str  # the node that has the volume mounted; empty: none


def look_at_restore(members: Members, place: Place) -> Look:
    """Ask the cluster, and the node that has the volume mounted; raises CommandFailed where that cannot be asked."""
    standing = look_closely(members)
    service = standing.status.service
    held = HELD_BY_RESTORE in [leftover.id for leftover in standing.status.leftovers]
    failed = any(failure.resource.startswith("pg_server") for failure in standing.status.failures)
    known = do.Found(held=held, failed=failed, redundant=has_good_copies(members.cluster, standing.status))
    holder = service.volume_on or service.database_on
    if holder not in members.nodes:
        return Look(known, standing, "")
    runner = members.nodes[holder]
    order = _read_order(runner, place)
    argv = ("sh", "-c", scripts.LOOK, "look", place.mount_point, place.draft, place.data, order.id if order else "-")
    fields = parse_fields(runner.run((*argv, place.programs), timeout=60).stdout)
    if "mounted" not in fields:
        return Look(known, standing, "")
    recovered = "tagged" in fields and "labelled" not in fields and fields.get("state") == "shut down"
    found = do.Found(
        order=order,
        drafted="drafted" in fields,
        recovered=recovered,
        data="data" in fields,
        swapped="swapped" in fields,
        held=held,
        failed=failed,
        redundant=known.redundant,
    )
    return Look(found, standing, holder)


def _read_order(runner: Runner, place: Place) -> do.Order | None:
    text = runner.read(place.marker)
    if text is None:
        return None
    try:
        return do.parse_order(text)
    except ValueError:
        raise PcmkHaError(
            f"{runner.node}: {place.marker} is not understood", hint="it was written by another version, or by hand"
        ) from None


def reasons_against_restore(look: Look) -> tuple[str, ...]:
    """Why the data must not, or cannot, be replaced now."""
    standing = look.standing
    status = standing.status
    reasons = []
    if standing.stop_all is None:
        reasons.append("no member that answers runs Pacemaker")
    elif not status.service.quorate:
        reasons.append("the cluster has no quorum")
    if standing.maintenance:
        reasons.append("the cluster is in maintenance mode: Pacemaker stops and starts nothing")
    if standing.stop_all:
        reasons.append("Pacemaker is told to run nothing (`pcmk-ha start` ends that)")
    if not look.holder and not reasons:
        reasons.append("the volume is mounted on no node that answers")
    reasons += [f"{name} is UNCLEAN" for name, word in status.nodes.items() if word == "UNCLEAN"]
    return tuple(reasons)


def new_id(now: datetime) -> str:
    """Return what a restore that begins now is called."""
    return now.strftime("%Y%m%dT%H%M%SZ")


@dataclass(frozen=True)
class Restorer:
    """Knows the members and the volume; call it with a step."""

    members: Members
    desired: Desired
    secrets: Secrets
    holder: str
    watch: Say

    @property
    def place(self) -> Place:
        """Paths."""
        return Place.of(self.desired)

    @property
    def runner(self) -> Runner:
        """The node that had the volume mounted when the run began: when that is over, so is the run."""
        return self.members.nodes[self.holder]

    def __call__(self, step: do.Step) -> None:
        """Take one step; raises what stands in its way, and the next run goes on from there."""
        place = self.place
        match step:
            case do.Note():
                self._script(scripts.MOUNTED)
                self.runner.put(place.marker, step.order.to_json(), mode=0o600)
            case do.CopyBackup():
                self._copy(step.order)
            case do.Recover():
                Recovery(self.runner, self.desired, self.secrets, step.order, self.watch).run()
            case do.HoldServer():
                self._hold()
            case do.SetAside():
                self._rename(place.data, place.aside(step.order.id))
            case do.PutInPlace():
                self._rename(place.draft, place.data)
            case do.ReleaseServer():
                self._release(forget=step.forget)
            case do.Prove():
                verify_write(self.members.nodes, self.desired)
            case do.Finish():
                self._script(scripts.FINISH, place.data, place.marker)
            case _:
                Mover(self.members.cluster, self.members.nodes, self.watch)(step)

    def abandon(self, order: do.Order) -> None:
        """Take away what was copied, put back what was moved, and forget the restore; the present data stays."""
        Job(self.runner, COPY_UNIT).stop()
        Recovery(self.runner, self.desired, self.secrets, order, self.watch).job.stop()
        place = self.place
        back = order.source if order.moved else ""
        self._script(scripts.ABANDON, place.part, place.draft, place.marker, back, timeout=3600)
        self._release(forget=False)

    def _script(self, script: str, *arguments: str, timeout: float = RENAME_S) -> None:
        self.runner.run(("sh", "-c", script, "restore", self.place.mount_point, *arguments), timeout=timeout)

    def _copy(self, order: do.Order) -> None:
        place = self.place
        if order.moved:
            self._script(scripts.MOVE, order.source, place.draft)
            return
        job = Job(self.runner, COPY_UNIT)
        if not job.is_active():
            wanted = (place.mount_point, order.source, place.part, place.draft, order.kind, place.programs)
            job.start(("sh", "-c", scripts.COPY, "copy", *wanted), "Nice=10", "IOSchedulingPriority=7")

        def watch() -> None:
            size = self.runner.run(("du", "-sB1", place.part), ok=None).stdout.split()[:1]
            self.watch(f"{int(size[0]) // MIB} MiB are there" if size and size[0].isdigit() else "")

        job.follow("the copy of the backup", watch)

    def _hold(self) -> None:
        """Stop PostgreSQL wherever it would run; the file system must still be mounted where the draft was seen."""
        if glimpse(self.members.nodes.values(), self.members.cluster).service.database_on == self.holder:
            checkpoint(self.runner, self.members.cluster)
        self.runner.run(placement.hold(HELD_BY_RESTORE), timeout=60)
        times = self.members.cluster.timeouts
        seen = wait_until(
            lambda: glimpse(self.members.nodes.values(), self.members.cluster),
            lambda now: now.answered and now.is_idle and "pg_server" not in now.active and bool(now.service.volume_on),
            what="a stopped PostgreSQL, with its file system mounted",
            timeout_s=placement.patience_s(self.members.cluster) + times.stop_s,
            hint=HINT,
        )
        if seen.service.volume_on != self.holder:
            raise PcmkHaError(
                f"the volume moved from {self.holder} to {seen.service.volume_on} meanwhile",
                hint="run `pcmk-ha restore` again: it goes on there",
            )

    def _rename(self, old: str, new: str) -> None:
        seen = glimpse(self.members.nodes.values(), self.members.cluster)
        if not seen.answered or "pg_server" in seen.active:
            raise PcmkHaError("Pacemaker runs PostgreSQL again: nothing was renamed", hint="`pcmk-ha restore` again")
        self._script(scripts.RENAME, old, new, self.place.programs)

    def _release(self, *, forget: bool) -> None:
        if found := find_labels(self.members.cluster, {self.holder: self.runner}):
            said = "; ".join(describe(name, path) for name, paths in found.items() for path in paths)
            raise Refused(
                f"PostgreSQL stays stopped: {said}", hint="this is not what was recovered: look who put it there"
            )
        if forget:
            self.runner.run(("crm_resource", "--cleanup", "--resource", "pg_server"), ok=None, timeout=120)
        for ident in (HELD_BY_RESTORE, HELD_BY_START):
            self.runner.run(placement.release(ident), ok=placement.GONE, timeout=60)


def make_order(found: do.Found, wanted: Mapping[str, str], order: do.Order | None) -> do.Order:
    """Return what is to be done: what was begun, unless something else is asked for; raises Refused then.

    `wanted` is what the operator said, by the names of an order, and empty where he only goes on.
    """
    begun = found.order
    if begun is None:
        if order is None:
            raise Refused("no restore was begun, and no backup was named", hint="`pcmk-ha restore DIRECTORY`")
        return order
    different = [name for name, value in wanted.items() if value and value != _said(begun, name)]
    if different:
        raise Refused(
            f"a restore of {begun} was begun and has not ended",
            hint="`pcmk-ha restore` goes on with it; --abandon gives it up, and the present data stays",
        )
    return begun


def _said(order: do.Order, name: str) -> str:
    if name == "target":
        return "=".join(order.target or ())
    return str(getattr(order, name))
