"""Which actions lead from the facts to the desired state, and what must come before what.

Two lanes run side by side once a node has its packages and files: storage (DRBD, file system, database)
and cluster (Corosync, Pacemaker, STONITH). They meet where the resources are loaded.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode
from collections.abc import Mapping

from pcmk_ha.cib.merge import is_merged
from pcmk_ha.desired.hosts import hosts_block
from pcmk_ha.desired.values import Desired, File
from pcmk_ha.plan.actions import (
    AwaitQuorum,
    AwaitService,
    BringUpDrbd,
    CreateMetadata,
    DisableUnits,
    EndPackagedCluster,
    InstallPackages,
    OpenFirewall,
    PrepareVolume,
    PushCib,
    PushFencing,
    ReloadCorosync,
    ReloadPostgresql,
    SetBoot,
    SetTimer,
    SkipInitialSync,
    StartCluster,
    VerifyWrite,
    WipeDisk,
    WriteFiles,
    WriteHosts,
    WriteVolumeFiles,
)
from pcmk_ha.plan.blockers import Wipe
from pcmk_ha.plan.facts import DrbdFact, Facts, FileFact, Metadata, NodeFacts, UnitFact
from pcmk_ha.plan.values import Draft, Plan

CLUSTER_UNITS = ("corosync.service", "pacemaker.service")
RUNNING_UNITS = (*CLUSTER_UNITS, "pcmk-ha-attributes.service")  # the last starts and ends with Pacemaker
PACEMAKERS_OWN = ("drbd.service", "postgresql.service")
VERIFY_TIMER = "pcmk-ha-verify.timer"
COROSYNC_FILES = ("/etc/corosync/corosync.conf", "/etc/corosync/authkey")

After = frozenset[int]
NOTHING: After = frozenset()


def make_plan(desired: Desired, facts: Facts, *, wipe: Wipe = ()) -> Plan:
    """Every step from what was found to what is wanted; empty when the cluster is as desired and serves.

    Call find_blockers first: this plans no wipe that was not asked for, but does not explain why.
    """
    draft = Draft()
    ready = {name: _prepare_node(draft, desired, node) for name, node in facts.nodes.items()}
    everywhere = frozenset().union(*ready.values())
    volume = _storage_lane(draft, desired, facts, wipe=wipe, ready=ready)
    quorum = _cluster_lane(draft, desired, facts, everywhere)
    _hand_over(draft, desired, facts, volume | quorum)
    return draft.done()


def has_service(cib: str, desired: Desired) -> bool:
    """Whether Pacemaker already manages the replicated device."""
    return f'id="{desired.cluster.drbd_id}-clone"' in cib


def digest(file: File) -> str:
    """SHA-256 of the bytes the file should hold."""
    raw = b64decode(file.content) if file.encoding == "base64" else file.content.encode()
    return hashlib.sha256(raw).hexdigest()


def _prepare_node(draft: Draft, desired: Desired, node: NodeFacts) -> After:
    done = NOTHING
    if node.missing_packages:
        done = draft.add(InstallPackages(node.name, node.missing_packages), done)
    if node.runs_packaged_cluster:
        done = draft.add(EndPackagedCluster(node.name), done)
    managed = _is_active(node, "pacemaker.service") and not node.runs_packaged_cluster
    stray = tuple(u for u in PACEMAKERS_OWN if (f := node.units.get(u)) and (f.enabled or (f.active and not managed)))
    if stray or node.missing_packages:
        done = draft.add(DisableUnits(node.name, stray or PACEMAKERS_OWN, stop=not managed), done)
    changed = _changed_files(desired.files[node.name], node)
    if changed:
        done = draft.add(WriteFiles(node.name, changed), done)
    if hosts_block(desired.cluster) not in node.hosts:
        done = draft.add(WriteHosts(node.name), done)
    if node.firewall and not node.firewall_open:
        done = draft.add(OpenFirewall(node.name, node.firewall), done)
    wanted = desired.cluster.start_on_boot
    if any((u := node.units.get(name)) is None or u.enabled != wanted for name in CLUSTER_UNITS):
        draft.add(SetBoot(node.name, wanted), done)  # slow, and nothing waits for it
    if node.drbd is not None:
        _set_timer(draft, desired, node, done, changed)
    return done


def _set_timer(draft: Draft, desired: Desired, node: NodeFacts, done: After, changed: tuple[str, ...]) -> None:
    """What is written now systemd has not read; what it has not read of an earlier run is a fact."""
    wanted = desired.cluster.drbd.verify != "never"
    if any("/pcmk-ha-verify." in path for path in changed) or node.units.get(VERIFY_TIMER) != UnitFact(wanted, wanted):
        draft.add(SetTimer(node.name, wanted), done)


def _is_active(node: NodeFacts, unit: str) -> bool:
    return unit in node.units and node.units[unit].active


def _changed_files(files: tuple[File, ...], node: NodeFacts) -> tuple[str, ...]:
    return _differing(files, node.files)


def _differing(files: tuple[File, ...], found: Mapping[str, FileFact]) -> tuple[str, ...]:
    return tuple(f.path for f in files if found.get(f.path) != FileFact(digest(f), f.mode, f.owner))


def _storage_lane(draft: Draft, desired: Desired, facts: Facts, *, wipe: Wipe, ready: dict[str, After]) -> After:
    """From disks to a volume that is ready for Pacemaker; empty once Pacemaker manages the device."""
    names = [node.name for node in desired.cluster.nodes]
    handed_over = has_service(facts.service.cib, desired)
    up: After = NOTHING
    for node in desired.cluster.nodes:
        done = ready[node.name]
        found = facts.nodes[node.name].drbd or DrbdFact(Metadata.ABSENT)
        wiped = (node.name, node.disk) in wipe and bool(found.signatures)
        if wiped and not found.up:
            done = draft.add(WipeDisk(node.name, node.disk or ""), done)
        if found.metadata is Metadata.ABSENT and not found.up and (wiped or not found.signatures):
            done = draft.add(CreateMetadata(node.name), done)
        if found.config_differs or (not found.up and not handed_over):
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


def _cluster_lane(draft: Draft, desired: Desired, facts: Facts, ready: After) -> After:
    start = NOTHING
    for name, node in facts.nodes.items():
        if node.runs_packaged_cluster or not all(_is_active(node, unit) for unit in RUNNING_UNITS):
            start |= draft.add(StartCluster(name), ready)
    changed = any(_corosync_changes(desired, node) for node in facts.nodes.values())
    first = next(iter(facts.nodes))
    if changed and not start:
        start = draft.add(ReloadCorosync(first), ready)
    quorum = start | ready
    if start or not (facts.service.dc and facts.service.quorate):
        quorum = draft.add(AwaitQuorum(first), quorum)
    if not has_service(facts.service.cib, desired) and not _fences(facts.service.cib, desired):
        quorum = draft.add(PushFencing(first), quorum)
    return quorum


def _corosync_changes(desired: Desired, node: NodeFacts) -> bool:
    changed = _changed_files(desired.files[node.name], node)
    return node.corosync_differs or any(path in changed for path in COROSYNC_FILES)


def _fences(cib: str, desired: Desired) -> bool:
    return all(f'<primitive id="fence_{node.name}' in cib for node in desired.cluster.members)


def _configure_server(draft: Draft, desired: Desired, facts: Facts) -> After:
    """Bring a running PostgreSQL's files in line; the file and what the server has read are two facts."""
    service = facts.service
    if not service.serving:
        return NOTHING
    done = NOTHING
    if changed := _differing(desired.volume_files, service.volume_files):
        done = draft.add(WriteVolumeFiles(service.promoted_on, changed))
    if done or not service.settings_loaded:
        done = draft.add(ReloadPostgresql(service.promoted_on), done)
    return done


def _hand_over(draft: Draft, desired: Desired, facts: Facts, ready: After) -> None:
    first = desired.cluster.nodes[0].name
    done = ready
    if not facts.service.cib or not is_merged(facts.service.cib, desired.cib):
        done = draft.add(PushCib(first), done)
    done |= _configure_server(draft, desired, facts)
    if done or not facts.service.serving:
        done = draft.add(AwaitService(first), done)
        draft.add(VerifyWrite(first), done)
