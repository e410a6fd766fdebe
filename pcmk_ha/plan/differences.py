"""Everything that is not as the file wants it, thing by thing, and what is none of our business."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pcmk_ha.cib.items import describe, items
from pcmk_ha.cib.merge import merge
from pcmk_ha.desired.hosts import hosts_block
from pcmk_ha.desired.names import CLUSTER_UNITS, COROSYNC_CONF, PACEMAKERS_OWN, VERIFY_TIMER
from pcmk_ha.desired.values import Desired
from pcmk_ha.plan.compare import Difference, Kind, Sides, foreign, three_way
from pcmk_ha.plan.facts import Facts, NodeFacts
from pcmk_ha.plan.owned import applied, gone_from_cib, newest, ours
from pcmk_ha.plan.parameters import overridden
from pcmk_ha.plan.record import imprint


@dataclass(frozen=True)
class CibSides:
    """The live configuration and what it becomes; both hold secrets."""

    live: str
    target: str


def target_cib(desired: Desired, facts: Facts) -> CibSides:
    """Return what the live CIB is and what applying makes of it."""
    live = facts.service.cib
    return CibSides(live, merge(live, desired.cib, gone_from_cib(desired, facts)) if live else "")


def find_differences(desired: Desired, facts: Facts) -> tuple[Difference, ...]:
    """Return every difference, nodes first; nothing of what only waits for a start is one."""
    found = [d for node in facts.nodes.values() for d in _on_node(desired, facts, node)]
    return (*found, *_on_volume(desired, facts), *_in_cib(desired, facts))


def find_foreign(desired: Desired, facts: Facts) -> tuple[str, ...]:
    """Return what is in the CIB and was put there by others: it stays."""
    if not facts.service.cib:
        return ()
    live = items(facts.service.cib, masked=True)
    wanted = items(desired.cib, masked=True)
    sides = Sides(applied(newest(facts), "cib"), wanted, live, ours(facts, "cib"))
    return tuple(describe(key, live[key]) for key in foreign(sides))


def _on_node(desired: Desired, facts: Facts, node: NodeFacts) -> Iterator[Difference]:
    record = (facts.records or {}).get(node.name)
    name = node.name
    for package in node.missing_packages:
        yield Difference(name, f"package {package}", Kind.ADD)
    sides = Sides(
        applied(record, "file"),
        {file.path: imprint(file) for file in desired.files[name]},
        {**{path: str(fact) for path, fact in node.files.items()}, **node.stale_files},
        tuple(node.stale_files),
    )
    changed = set()
    for path, kind, by_hand in three_way(sides):
        changed.add(path)
        yield Difference(name, path, kind, by_hand)
    known = record is not None and record.complete
    if hosts_block(desired.cluster) not in node.hosts:
        yield Difference(name, "our block in /etc/hosts", Kind.CHANGE if "pcmk-ha" in node.hosts else Kind.ADD)
    if node.firewall and not node.firewall_open:
        yield Difference(name, f"the cluster's ports in {node.firewall}", Kind.ADD)
    yield from _units(desired, node, known=known)
    if node.drbd and node.drbd.config_differs and not any(path.startswith("/etc/drbd.d/") for path in changed):
        yield Difference(name, "DRBD", Kind.CHANGE, known, "runs otherwise than its file says")
    if node.corosync_differs and COROSYNC_CONF not in changed:
        yield Difference(name, "Corosync", Kind.CHANGE, known, "runs otherwise than its file says")


def _units(desired: Desired, node: NodeFacts, *, known: bool) -> Iterator[Difference]:
    boot = {**dict.fromkeys(CLUSTER_UNITS, desired.cluster.start_on_boot), **dict.fromkeys(PACEMAKERS_OWN, False)}
    for unit, enabled in boot.items():
        found = node.units.get(unit)
        if found and found.enabled != enabled:
            yield Difference(node.name, unit, Kind.CHANGE, known, "start at boot" if enabled else "not started at boot")
    timer, wanted = node.units.get(VERIFY_TIMER), desired.cluster.drbd.verify != "never"
    if node.drbd and timer and (timer.enabled, timer.active) != (wanted, wanted):
        yield Difference(node.name, VERIFY_TIMER, Kind.CHANGE, known, "started" if wanted else "not started")


def _on_volume(desired: Desired, facts: Facts) -> Iterator[Difference]:
    if not facts.service.serving:
        return
    sides = Sides(
        applied(newest(facts), "volume"),
        {file.path: imprint(file) for file in desired.volume_files},
        {path: str(fact) for path, fact in facts.service.volume_files.items()},
    )
    for path, kind, by_hand in three_way(sides):
        yield Difference("volume", path, kind, by_hand)
    for name in overridden(desired, facts.service.settings):
        yield Difference(
            "volume", f"parameter {name}", Kind.CHANGE, by_hand=True, detail="ALTER SYSTEM has the last word"
        )


def _in_cib(desired: Desired, facts: Facts) -> Iterator[Difference]:
    """Compare with secrets, and tell by hand or not without them, as records have none."""
    if not facts.service.cib:
        return
    cib = target_cib(desired, facts)
    live, target = items(cib.live), items(cib.target)
    shown = items(cib.live, masked=True)
    before = applied(newest(facts), "cib")
    for key in dict.fromkeys([*target, *live]):
        if live.get(key) == target.get(key):
            continue
        kind = Kind.ADD if key not in live else Kind.REMOVE if key not in target else Kind.CHANGE
        by_hand = key in before and shown.get(key) != before[key]
        yield Difference("cib", describe(key, target.get(key) or live[key]), kind, by_hand)
