"""What a running cluster cannot be given by changing its file, and what would break it."""

from __future__ import annotations

from collections.abc import Iterator

from pcmk_ha.desired.values import Desired
from pcmk_ha.errors import Problem
from pcmk_ha.plan.corosync import APART
from pcmk_ha.plan.facts import Facts
from pcmk_ha.plan.owned import newest
from pcmk_ha.plan.parameters import unknown_parameters
from pcmk_ha.plan.record import identity


def find_fixed(desired: Desired, facts: Facts) -> tuple[Problem, ...]:
    """Every reason why the file asks for more than a change of what runs."""
    return (
        *_identity(desired, facts),
        *_corosync(facts),
        *_addresses(desired, facts),
        *unknown_parameters(desired, facts.service.settings),
    )


def _identity(desired: Desired, facts: Facts) -> Iterator[Problem]:
    record = newest(facts)
    wanted = identity(desired)
    for name, was in (record.identity if record else {}).items():
        if (now := wanted.get(name, "nothing")) != was:
            yield Problem(
                f"{name} was {was}, and the file says {now}: this cannot be changed on a cluster that runs",
                "put it back; members are added and replaced by commands of their own, data moves by dump and restore",
            )


def _corosync(facts: Facts) -> Iterator[Problem]:
    keys = {key for node in facts.nodes.values() for key in node.corosync_fixed if key in APART}
    for key in sorted(keys):
        yield Problem(
            f"Corosync cannot change {key} while it runs, and members that differ in it do not hear each other",
            "stop the whole cluster for it: `pcmk-ha destroy` keeps the data, `pcmk-ha bootstrap` takes it up again",
        )


def _addresses(desired: Desired, facts: Facts) -> Iterator[Problem]:
    """An address that its node does not have would cut a link, or both, at the reload."""
    for node in desired.cluster.members:
        has = facts.nodes[node.name].addresses
        used = {*node.link_addresses, *((node.drbd_address,) if node in desired.cluster.nodes else ())}
        for address in sorted(used - has if has else ()):
            yield Problem(f"{node.name} does not have the address {address}", "configure it there first")
