"""Which actions lead to new secrets in force everywhere, without an outage, from wherever an earlier run ended.

The secrets file holds old and new value of what is being rotated. Which of them is in force where is found on the
nodes, by digests, so a run that was cut short is finished by the next. The old value is forgotten only once the new
one is everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from pcmk_ha.desired.names import AUTHKEY, PGPASS
from pcmk_ha.errors import Problem
from pcmk_ha.plan.actions import BringUpDrbd, VerifyWrite, WriteFiles
from pcmk_ha.plan.rotation_actions import (
    HERE,
    AwaitPair,
    ChooseSecrets,
    KeepSecrets,
    PushDevice,
    ReloadKey,
    SetPassword,
    StoreFile,
    TryDevice,
)
from pcmk_ha.plan.values import Draft, Plan

FENCING = "fencing"
NAMES = {"corosync": ("authkey",), "drbd": ("drbd",), "postgresql": ("superuser", "application"), FENCING: ()}
BOOTSTRAP = "`pcmk-ha bootstrap` brings it in line first"
STATUS = "`pcmk-ha status` says more; run this again when it is healthy"

After = frozenset[int]


class Which(Enum):
    """Which value of a secret was found."""

    OLD = "old"
    NEW = "new"
    OTHER = "another"


@dataclass(frozen=True)
class Device:
    """A fence device; `differs` when the cluster has other parameters of it than the file wants."""

    node: str
    index: int
    name: str
    differs: bool


@dataclass(frozen=True)
class RotationFacts:
    """What was found, of the subjects that matter; nothing of the others."""

    chosen: frozenset[str]  # names of the secrets to rotate, those of an earlier run included
    pending: frozenset[str]  # those the secrets file already has a new value of
    keys: Mapping[str, Which] = field(default_factory=dict)  # Corosync's key, by member
    together: bool = True  # every member is online, with quorum
    versions: frozenset[str] = frozenset()  # of Corosync
    conf_differs: tuple[str, ...] = ()  # members whose Corosync runs something else than its file says
    resource: str = ""  # path of DRBD's file
    sides: Mapping[str, Which] = field(default_factory=dict)  # that file, by data node
    runs_file: Mapping[str, bool] = field(default_factory=dict)  # the kernel runs it, by data node
    paired: bool = True  # both sides connected, UpToDate
    database_on: str = ""
    pgpass: Mapping[str, Which] = field(default_factory=dict)  # by data node
    roles: Mapping[str, Which] = field(default_factory=dict)  # superuser, application
    devices: tuple[Device, ...] = ()
    typed: tuple[str, ...] = ()  # files a typed password is for


def find_obstacles(facts: RotationFacts) -> Iterator[Problem]:
    """Every reason why this cannot be done without a risk now; what an earlier run left half done is none."""
    yield from _corosync_obstacles(facts)
    if "drbd" in facts.chosen - facts.pending:
        yield from _others(facts.sides, facts.resource)
        if not facts.paired:
            yield Problem("DRBD's sides are not both connected and UpToDate", STATUS)
    if facts.chosen & {"superuser", "application"}:
        if "superuser" not in facts.pending:
            yield from _others(facts.pgpass, PGPASS)
        if not facts.database_on:
            yield Problem("PostgreSQL runs nowhere", STATUS)
    if any(device.differs for device in facts.devices) and not facts.together and "authkey" not in facts.pending:
        yield Problem("not every member is online: somebody may have to be fenced now", STATUS)


def _corosync_obstacles(facts: RotationFacts) -> Iterator[Problem]:
    if "authkey" not in facts.chosen:
        return
    if len(facts.versions) > 1:
        found = ", ".join(sorted(facts.versions))
        yield Problem(
            f"the members run different versions of Corosync ({found})", "it cannot reload then: upgrade first"
        )
    if "authkey" in facts.pending:
        return  # a member that restarted half way through is alone with the new key: going on brings it back
    yield from _others(facts.keys, AUTHKEY)
    for name in facts.conf_differs:
        yield Problem(
            f"{name}: Corosync runs something else than corosync.conf says, and would load that too", BOOTSTRAP
        )
    if not facts.together:
        yield Problem("not every member is online: one that comes back would have the wrong key", STATUS)


def _others(found: Mapping[str, Which], path: str) -> Iterator[Problem]:
    for name, which in found.items():
        if which is Which.OTHER:
            yield Problem(f"{name}: {path} is neither what it was nor what it is to be", BOOTSTRAP)


def plan_rotation(facts: RotationFacts) -> Plan:
    """Every step, subject after subject; empty when there is nothing to do. Call find_obstacles first."""
    draft = Draft()
    done: After = frozenset()
    if new := facts.chosen - facts.pending:
        done = draft.add(ChooseSecrets(HERE, tuple(sorted(new))))
    done = _fencing(draft, facts, done)
    if "authkey" in facts.chosen:
        done = _corosync(draft, facts, done)
    if "drbd" in facts.chosen:
        done = _drbd(draft, facts, done)
    if "superuser" in facts.chosen:
        done = _superuser(draft, facts, done)
    if "application" in facts.chosen:
        if facts.roles.get("application") is not Which.NEW:
            done = draft.add(SetPassword(facts.database_on, "application"), done)
        draft.add(KeepSecrets(HERE, ("application",)), done)
    return draft.done()


def _fencing(draft: Draft, facts: RotationFacts, done: After) -> After:
    """Try every login before anything changes, then one device after the other: all but one can always fence."""
    differing = [device for device in facts.devices if device.differs]
    tried = done
    for device in differing:
        tried |= draft.add(TryDevice(device.node, device.index, device.name), done)
    done = tried
    for file in facts.typed:
        done = draft.add(StoreFile(HERE, file), done)
    for device in differing:
        done = draft.add(PushDevice(device.node, device.index, device.name), done)
    return done


def _corosync(draft: Draft, facts: RotationFacts, done: After) -> After:
    """The new key on every member before the one reload, which all of them do at the same moment."""
    written = done
    for name, which in facts.keys.items():
        if which is not Which.NEW:
            written |= draft.add(WriteFiles(name, (AUTHKEY,)), done)
    # Which key a daemon runs cannot be asked; a reload that finds the same key changes nothing.
    reloaded = draft.add(ReloadKey(next(iter(facts.keys))), written)
    return draft.add(KeepSecrets(HERE, ("authkey",)), reloaded)


def _drbd(draft: Draft, facts: RotationFacts, done: After) -> After:
    """Both files, then both kernels side by side: a link lost in between could not come back by itself."""
    written = done
    for name, which in facts.sides.items():
        if which is not Which.NEW:
            written |= draft.add(WriteFiles(name, (facts.resource,)), done)
    running = written
    for name, which in facts.sides.items():
        if which is not Which.NEW or not facts.runs_file.get(name) or not facts.paired:
            running |= draft.add(BringUpDrbd(name), written)
    paired = draft.add(AwaitPair(next(iter(facts.sides))), running)
    return draft.add(KeepSecrets(HERE, ("drbd",)), paired)


def _superuser(draft: Draft, facts: RotationFacts, done: After) -> After:
    if facts.roles.get("superuser") is not Which.NEW:
        done = draft.add(SetPassword(facts.database_on, "superuser"), done)
    written = done
    for name, which in facts.pgpass.items():
        if which is not Which.NEW:
            written |= draft.add(WriteFiles(name, (PGPASS,)), done)
    verified = draft.add(VerifyWrite(next(iter(facts.pgpass))), written)
    return draft.add(KeepSecrets(HERE, ("superuser",)), verified)
