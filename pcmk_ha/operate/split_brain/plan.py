"""Whether one side's data may be given up now, and what comes next. Pure: facts in, one step out."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from pcmk_ha.facts.generations import Relation, word
from pcmk_ha.operate.split_brain.evidence import ALONE, Evidence, Saved, Side


class Next(Enum):
    """What is to be done now."""

    NOTHING = "nothing is left to do"
    DISCONNECT = "disconnect the side that is given up, so that nothing reaches it while its blocks are saved"
    DEMOTE = "make the side that is given up Secondary"
    SAVE = "save what the side that is given up holds"
    RECONNECT = "connect both sides; the one gives up its data"
    FOLLOW = "wait for the resync"
    SETTLE = "note that it is settled"


def reasons_against(evidence: Evidence, lost: str) -> tuple[str, ...]:
    """Why a node's data must not be given up now, all of them."""
    if evidence.unreachable:
        return tuple(
            f"{name} does not answer: {why}; nothing is settled without both sides"
            for name, why in evidence.unreachable.items()
        )
    if lost not in evidence.sides:
        return (f"{lost} is no data node: one of {', '.join(evidence.sides)}",)
    ours = evidence.unsettled()
    if ours:
        return () if ours.node == lost else (f"{ours.node}'s data was given up by an earlier run, and not {lost}'s",)
    return tuple(_reasons(evidence, evidence.sides[lost], evidence.sides[evidence.other(lost)]))


def _reasons(evidence: Evidence, lost: Side, kept: Side) -> Iterator[str]:
    if evidence.is_syncing:
        yield "a resync runs, and not by this command: wait until it is over (`pcmk-ha status --watch`)"
    elif evidence.relation is not Relation.SPLIT:
        yield f"this is no split brain: {evidence.relation.value}"
    if lost.is_used:
        what = f"{lost.mounted} is mounted" if lost.mounted else "PostgreSQL answers"
        yield f"{lost.node}'s copy is in use ({what}): stop what uses it first, or give up the other side"
    elif lost.drbd.role == "Primary" and evidence.service.promoted_on == lost.node:
        yield f"Pacemaker has DRBD promoted on {lost.node}: it would promote it again"
    for side in (lost, kept):
        if not side.drbd.disk:
            yield f"{side.node}: DRBD is down (`drbdadm up`, or start its cluster)"
        elif side.drbd.disk in ("Diskless", "Failed"):
            yield f"{side.node}: DRBD has lost its disk"
    if kept.drbd.disk and kept.drbd.disk != "UpToDate":
        yield f"{kept.node}, whose copy would be kept, is {kept.drbd.disk} and not UpToDate"


def plan_next(evidence: Evidence, lost: str) -> Next:
    """Return the next step towards one copy; call reasons_against first."""
    side, kept = evidence.sides[lost], evidence.sides[evidence.other(lost)]
    saved = find_saved(evidence, lost)
    if evidence.is_syncing:
        return Next.FOLLOW
    if evidence.is_connected:
        unfinished = side.drbd.out_of_sync_kib or kept.drbd.out_of_sync_kib
        return Next.FOLLOW if unfinished else Next.SETTLE if evidence.unsettled() else Next.NOTHING
    if side.drbd.connection != ALONE:
        return Next.DISCONNECT
    if side.drbd.role != "Secondary":
        return Next.DEMOTE
    return Next.RECONNECT if saved else Next.SAVE


def find_saved(evidence: Evidence, lost: str) -> Saved | None:
    """Return what was saved of exactly what a side is now, and is complete.

    The generation alone does not tell: a side that is promoted again while it stands alone keeps it, and may write
    more. Whether what was saved is still what the disk has is looked at once more before it is overwritten.
    """
    side = evidence.sides[lost]
    for saved in evidence.saved:
        generation = word(side.generations.current) if side.generations else ""
        same = (saved.generation, saved.changed_kib) == (generation, side.drbd.out_of_sync_kib)
        if saved.node == lost and saved.complete and not saved.settled and same:
            return saved
    return None
