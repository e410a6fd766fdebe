"""From disks to a volume that is ready for Pacemaker, and a device that runs what its file says."""

from __future__ import annotations

from pcmk_ha.desired.values import Desired
from pcmk_ha.model.parts import Node
from pcmk_ha.plan.actions import BringUpDrbd, CreateMetadata, PrepareVolume, SkipInitialSync, WipeDisk
from pcmk_ha.plan.blockers import Wipe
from pcmk_ha.plan.facts import DrbdFact, Facts, Metadata, NodeFacts, differing, has_service
from pcmk_ha.plan.values import NOTHING, After, Draft


def storage_lane(draft: Draft, desired: Desired, facts: Facts, *, wipe: Wipe, ready: dict[str, After]) -> After:
    """From disks to a volume that is ready for Pacemaker; empty once Pacemaker manages the device."""
    names = [node.name for node in desired.cluster.nodes]
    handed_over = has_service(facts.service.cib, desired)
    up: After = NOTHING
    for node in _promoted_last(desired, facts):
        # On a cluster that runs one side after the other: never both without their link at once.
        done = ready[node.name] | (up if handed_over else NOTHING)
        found = facts.nodes[node.name].drbd or DrbdFact(Metadata.ABSENT)
        wiped = (node.name, node.disk) in wipe and bool(found.signatures)
        if wiped and not found.up:
            done = draft.add(WipeDisk(node.name, node.disk or ""), done)
        if found.metadata is Metadata.ABSENT and not found.up and (wiped or not found.signatures):
            done = draft.add(CreateMetadata(node.name), done)
        if _is_out_of_line(desired, facts.nodes[node.name], found, handed_over=handed_over):
            done = draft.add(BringUpDrbd(node.name), done)
        up |= done
    if handed_over:
        return up
    sides = [facts.nodes[name].drbd or DrbdFact(Metadata.ABSENT) for name in names]
    if all(side.metadata in (Metadata.ABSENT, Metadata.JUST_CREATED) for side in sides):
        up = draft.add(SkipInitialSync(names[0]), up)
    return draft.add(PrepareVolume(_node_with_data(names, sides)), up)


def _node_with_data(names: list[str], sides: list[DrbdFact]) -> str:
    """The side a full sync must start from: the one that was used, the first when both or none were."""
    used = [name for name, side in zip(names, sides, strict=True) if side.metadata is Metadata.USED]
    good = [n for n, s in zip(names, sides, strict=True) if s.metadata is Metadata.USED and s.disk == "UpToDate"]
    return (good or used or names)[0]


def _promoted_last(desired: Desired, facts: Facts) -> list[Node]:
    return sorted(desired.cluster.nodes, key=lambda node: node.name == facts.service.promoted_on)


def _is_out_of_line(desired: Desired, node: NodeFacts, found: DrbdFact, *, handed_over: bool) -> bool:
    """Whether the device must be brought up, or in line with its file as it is or as it is about to be written."""
    if not found.up:
        return not handed_over
    changed = differing(desired.files[node.name], node.files)
    return found.config_differs or any(path.startswith("/etc/drbd.d/") for path in changed)
