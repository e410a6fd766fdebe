"""What a running cluster cannot be given by changing its file, and what would break it."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from pcmk_ha.cib.names import SERVICE_CLASS
from pcmk_ha.desired.values import Desired
from pcmk_ha.errors import Problem
from pcmk_ha.facts import labels
from pcmk_ha.facts.pacemaker import HELD_BY_RESTORE, HELD_BY_START, LEFTOVERS
from pcmk_ha.plan.corosync import ADDRESS, APART
from pcmk_ha.plan.facts import Facts
from pcmk_ha.plan.owned import newest
from pcmk_ha.plan.parameters import unknown_parameters
from pcmk_ha.plan.record import identity

REST = {
    "maintenance-mode": ("the cluster is in maintenance mode: Pacemaker changes nothing", "`pcmk-ha maintenance off`"),
    "stop-all-resources": ("the cluster was stopped on purpose: Pacemaker starts nothing", "`pcmk-ha start`"),
}
ANEW = "stop the whole cluster for it: `pcmk-ha destroy` keeps the data, `pcmk-ha bootstrap` takes it up again"
EXCLUSIVE = ("drbd_resource", "device", "directory", "pgdata")


def find_fixed(desired: Desired, facts: Facts, *, replacing: bool = False, renewed: str = "") -> tuple[Problem, ...]:
    """Every reason why the file asks for more than a change of what runs.

    `replacing` is a change of members; `renewed` a member whose machine is new, and with it the disk.
    """
    return (
        *(() if replacing else _identity(desired, facts, renewed)),
        *_corosync(facts, renewed),
        *_addresses(desired, facts),
        *_managed_twice(desired, facts),
        *unknown_parameters(desired, facts.service.settings),
    )


def find_rest(facts: Facts) -> Iterator[Problem]:
    """Why nothing would come of a change now: Pacemaker was told to leave everything alone, or to run nothing."""
    root = etree.fromstring((facts.service.cib or "<cib/>").encode())
    pairs = root.iterfind("configuration/crm_config//nvpair")
    told = {pair.get("name") for pair in pairs if pair.get("value") == "true"}
    for name, (what, todo) in REST.items():
        if name in told:
            yield Problem(what, todo)
    yield from _held(root, facts)


def _held(root: etree._Element, facts: Facts) -> Iterator[Problem]:
    """A backup that is being put in place, or that nobody has recovered."""
    held = {str(found.get("id")) for found in root.iterfind("configuration/constraints/rsc_location")}
    for ident in (HELD_BY_START, HELD_BY_RESTORE):
        if ident in held:
            yield Problem(f"constraint {ident} is in force", LEFTOVERS[ident])
    for node, paths in facts.service.labels.items():
        for path in paths:
            yield Problem(labels.describe(node, path), labels.ADVICE)


def _identity(desired: Desired, facts: Facts, renewed: str) -> Iterator[Problem]:
    record = newest(facts)
    wanted = identity(desired)
    for name, was in (record.identity if record else {}).items():
        if (now := wanted.get(name, "nothing")) != was and name != f"{renewed}: disk":
            yield Problem(
                f"{name} was {was}, and the file says {now}: this cannot be changed on a cluster that runs",
                "put it back; `add-arbiter` and `remove-arbiter` change the votes, data moves by dump and restore",
            )


def _corosync(facts: Facts, renewed: str) -> Iterator[Problem]:
    ours = [node for node in facts.nodes.values() if not node.runs_packaged_cluster]  # that one is ended anyway
    fixed = {key for node in ours for key in node.corosync_fixed}
    if not renewed and any(ADDRESS.fullmatch(key) for key in fixed):
        yield Problem(
            "a node's address is another one in the file, and Corosync keeps the old one while it runs",
            f"for a new machine: `pcmk-ha replace`; else {ANEW}",
        )
    keys = {key for key in fixed if key in APART}
    for key in sorted(keys):
        yield Problem(
            f"Corosync cannot change {key} while it runs, and members that differ in it do not hear each other",
            ANEW,
        )


def _addresses(desired: Desired, facts: Facts) -> Iterator[Problem]:
    """An address that its node does not have would cut a link, or both, at the reload."""
    for node in desired.cluster.members:
        has = facts.nodes[node.name].addresses
        used = {*node.link_addresses, *((node.drbd_address,) if node in desired.cluster.nodes else ())}
        for address in sorted(used - has if has else ()):
            yield Problem(f"{node.name} does not have the address {address}", "configure it there first")


def _managed_twice(desired: Desired, facts: Facts) -> Iterator[Problem]:
    """A device, directory or address with two resources is started twice, or stopped under the other's feet."""
    wanted = _managed(desired.cib)
    for thing, idents in _managed(facts.service.cib or "<cib/>").items():
        for ident in sorted(idents - wanted.get(thing, idents)):
            (ours, *_) = wanted[thing]
            yield Problem(
                f"the resource {ident} manages {thing[1]} already, and {ours} would manage it, too",
                f"stop {ident} and remove it, a short outage; then `pcmk-ha bootstrap` takes the data up again",
            )


def _managed(cib: str) -> dict[tuple[str, str], set[str]]:
    """Return the resources that manage each thing of which there can be only one manager."""
    found: dict[tuple[str, str], set[str]] = {}
    for pair in etree.fromstring(cib.encode()).iterfind(
        "configuration/resources//primitive/instance_attributes/nvpair"
    ):
        name, primitive = str(pair.get("name")), pair.getparent().getparent()  # type: ignore[union-attr]
        if name in EXCLUSIVE and primitive is not None and primitive.get("class") == SERVICE_CLASS:
            found.setdefault((name, str(pair.get("value"))), set()).add(str(primitive.get("id")))
    return found
