"""Which actions lead from the facts to the desired state, and what must come before what.

Two lanes run side by side once a node has its packages and files: storage (DRBD, file system, database)
and cluster (Corosync, Pacemaker, STONITH). They meet where the resources are loaded.
"""

from __future__ import annotations

from collections.abc import Collection

from pcmk_ha.cib.items import config_digest
from pcmk_ha.cib.merge import is_merged
from pcmk_ha.desired.hosts import hosts_block
from pcmk_ha.desired.names import (
    AUTHKEY,
    CLUSTER_UNITS,
    COROSYNC,
    COROSYNC_CONF,
    PACEMAKER,
    PACEMAKERS_OWN,
    RUNNING_UNITS,
    VERIFY_TIMER,
)
from pcmk_ha.desired.values import Desired
from pcmk_ha.plan.actions import (
    AwaitQuorum,
    AwaitService,
    DisableUnits,
    EndPackagedCluster,
    InstallPackages,
    OpenFirewall,
    PushCib,
    PushFencing,
    ReloadCorosync,
    ReloadPostgresql,
    SetBoot,
    SetTimer,
    StartCluster,
    VerifyWrite,
    WriteFiles,
    WriteHosts,
    WriteVolumeFiles,
)
from pcmk_ha.plan.blockers import Wipe
from pcmk_ha.plan.change_actions import RemoveFiles, RestartMember, RestartPostgresql
from pcmk_ha.plan.corosync import ONE_BY_ONE
from pcmk_ha.plan.facts import Facts, NodeFacts, UnitFact, differing, has_service
from pcmk_ha.plan.owned import gone_from_cib, with_records
from pcmk_ha.plan.parameters import needs_restart
from pcmk_ha.plan.storage import storage_lane
from pcmk_ha.plan.values import NOTHING, After, Draft, Plan

COROSYNC_FILES = (COROSYNC_CONF, AUTHKEY)


def make_plan(desired: Desired, facts: Facts, *, wipe: Wipe = (), restart: bool = False, renewed: str = "") -> Plan:
    """Every step from what was found to what is wanted; empty when the cluster is as desired and serves.

    `restart` plans restarts of servers that serve, where nothing less brings a change about; without it such a change
    waits for the next start. `renewed` is a member whose machine is new: the cluster knows its fence device before it
    joins. Call find_blockers first: this plans no wipe that was not asked for, but does not explain why.
    """
    draft = Draft()
    ready = {name: prepare_node(draft, desired, node) for name, node in facts.nodes.items()}
    everywhere = frozenset().union(*ready.values())
    volume = storage_lane(draft, desired, facts, wipe=wipe, ready=ready)
    if has_service(facts.service.cib, desired):
        everywhere |= volume  # Pacemaker starts DRBD as soon as it runs itself: its disk and its link come first
    pushed = _push_cib(draft, desired, facts, everywhere) if renewed else NOTHING
    quorum = _cluster_lane(draft, desired, facts, everywhere | pushed)
    if restart:
        quorum |= _restart_members(draft, facts, quorum)
    _hand_over(draft, desired, facts, ready=volume | quorum, restart=restart, pushed=bool(renewed))
    return with_records(draft.done(), desired, facts)


def prepare_node(
    draft: Draft, desired: Desired, node: NodeFacts, *, but: Collection[str] = (), boot: bool = True
) -> After:
    """Plan packages, files and units of one node: no file in `but`, and its start at boot only with `boot`."""
    done = NOTHING
    if node.missing_packages:
        done = draft.add(InstallPackages(node.name, node.missing_packages), done)
    if node.runs_packaged_cluster:
        done = draft.add(EndPackagedCluster(node.name), done)
    managed = is_active(node, PACEMAKER) and not node.runs_packaged_cluster
    stray = tuple(u for u in PACEMAKERS_OWN if (f := node.units.get(u)) and (f.enabled or (f.active and not managed)))
    if stray or node.missing_packages:
        done = draft.add(DisableUnits(node.name, stray or PACEMAKERS_OWN, stop=not managed), done)
    changed = tuple(path for path in differing(desired.files[node.name], node.files) if path not in but)
    if changed:
        done = draft.add(WriteFiles(node.name, changed), done)
    if node.stale_files:
        done = draft.add(RemoveFiles(node.name, tuple(node.stale_files)), done)
    if hosts_block(desired.cluster) not in node.hosts:
        done = draft.add(WriteHosts(node.name), done)
    if node.firewall and not node.firewall_open:
        done = draft.add(OpenFirewall(node.name, node.firewall), done)
    if boot and not starts_at_boot_as_wanted(desired, node):
        draft.add(SetBoot(node.name, desired.cluster.start_on_boot), done)  # slow, and nothing waits for it
    if node.drbd is not None:
        _set_timer(draft, desired, node, done, changed)
    return done


def starts_at_boot_as_wanted(desired: Desired, node: NodeFacts) -> bool:
    """Whether the cluster's units start at boot, or do not, as the file says."""
    wanted = desired.cluster.start_on_boot
    return all((u := node.units.get(name)) is not None and u.enabled == wanted for name in CLUSTER_UNITS)


def _set_timer(draft: Draft, desired: Desired, node: NodeFacts, done: After, changed: tuple[str, ...]) -> None:
    """What is written now systemd has not read; what it has not read of an earlier run is a fact."""
    wanted = desired.cluster.drbd.verify != "never"
    if any("/pcmk-ha-verify." in path for path in changed) or node.units.get(VERIFY_TIMER) != UnitFact(wanted, wanted):
        draft.add(SetTimer(node.name, wanted), done)


def is_active(node: NodeFacts, unit: str) -> bool:
    """Whether systemd runs a unit on a node."""
    return unit in node.units and node.units[unit].active


def _cluster_lane(draft: Draft, desired: Desired, facts: Facts, ready: After) -> After:
    running = [n for n, node in facts.nodes.items() if is_active(node, COROSYNC) and not node.runs_packaged_cluster]
    if any(_corosync_changes(desired, facts.nodes[name]) for name in running):
        # Before anybody joins: where he is may be what changes.
        ready |= draft.add(ReloadCorosync(running[0]), ready)
    start = NOTHING
    for name, node in facts.nodes.items():
        if node.runs_packaged_cluster or not all(is_active(node, unit) for unit in RUNNING_UNITS):
            start |= draft.add(StartCluster(name), ready)
    first = next(iter(facts.nodes))
    quorum = start | ready
    if start or not (facts.service.dc and facts.service.quorate):
        quorum = draft.add(AwaitQuorum(first), quorum)
    if not has_service(facts.service.cib, desired) and not _fences(facts.service.cib, desired):
        quorum = draft.add(PushFencing(first), quorum)
    return quorum


def _corosync_changes(desired: Desired, node: NodeFacts) -> bool:
    changed = differing(desired.files[node.name], node.files)
    return node.corosync_differs or any(path in changed for path in COROSYNC_FILES)


def _fences(cib: str, desired: Desired) -> bool:
    return all(f'<primitive id="fence_{node.name}' in cib for node in desired.cluster.members)


def _restart_members(draft: Draft, facts: Facts, ready: After) -> After:
    """Plan a restart of every Corosync that no reload brings in line, the node that serves last."""
    old = {name: node.corosync_fixed for name, node in facts.nodes.items() if not node.runs_packaged_cluster}
    names = [name for name, keys in old.items() if any(key.startswith(ONE_BY_ONE) for key in keys)]
    for name in sorted(names, key=lambda name: name == facts.service.promoted_on):
        ready = draft.add(RestartMember(name), ready)
    return ready if names else NOTHING


def _configure_server(draft: Draft, desired: Desired, facts: Facts) -> After:
    """Bring a running PostgreSQL's files in line; the file and what the server has read are two facts."""
    service = facts.service
    if not service.serving:
        return NOTHING
    done = NOTHING
    if changed := differing(desired.volume_files, service.volume_files):
        done = draft.add(WriteVolumeFiles(service.promoted_on, changed))
    if done or not service.settings_loaded:
        done = draft.add(ReloadPostgresql(service.promoted_on), done)
    return done


def _hand_over(draft: Draft, desired: Desired, facts: Facts, *, ready: After, restart: bool, pushed: bool) -> None:
    first = desired.cluster.nodes[0].name
    done = configured = _configure_server(draft, desired, facts)
    if not pushed:
        # A server that Pacemaker restarts for this must find the configuration it is to be started with.
        done |= _push_cib(draft, desired, facts, ready | configured)
    done |= ready
    if restart and needs_restart(desired, facts):
        done |= draft.add(RestartPostgresql(facts.service.promoted_on), done | configured)
    if done or not facts.service.serving:
        done = draft.add(AwaitService(first), done)
        draft.add(VerifyWrite(first), done)


def _push_cib(draft: Draft, desired: Desired, facts: Facts, ready: After) -> After:
    """Have the cluster take the configuration; nothing where it has it."""
    removed = gone_from_cib(desired, facts)
    if facts.service.cib and is_merged(facts.service.cib, desired.cib, removed):
        return NOTHING
    node = facts.service.promoted_on or desired.cluster.nodes[0].name
    return draft.add(PushCib(node, removed, _expected(facts)), ready)


def _expected(facts: Facts) -> str:
    """Return what the live configuration must still be when it is changed; nothing while it is being made."""
    return config_digest(facts.service.cib) if facts.service.serving else ""
