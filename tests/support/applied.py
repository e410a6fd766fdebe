"""A cluster that serves by a former cluster file, with things in it that others made."""

from __future__ import annotations

from typing import Any

from support.planned import World, run

from pcmk_ha.cib.items import items
from pcmk_ha.cib.merge import merge
from pcmk_ha.desired.values import Desired
from pcmk_ha.plan.build import make_plan
from pcmk_ha.plan.compare import Kind
from pcmk_ha.plan.differences import find_differences
from pcmk_ha.plan.record import make_record

FOREIGN = """<cib><configuration><crm_config><cluster_property_set id="cib-bootstrap-options">
<nvpair id="theirs-limit" name="migration-limit" value="7"/></cluster_property_set></crm_config><resources>
<primitive id="backup" class="ocf" provider="pacemaker" type="Dummy"/></resources><constraints>
<rsc_location id="backup-here" rsc="backup" node="node2" score="100"/></constraints></configuration></cib>"""
THEIRS = ("cib-bootstrap-options/migration-limit", "backup", "backup-here")


def plan_of(world: World, desired: Desired) -> Any:
    world.desired = desired
    return make_plan(desired, world.facts(), restart=True)


def built(desired: Desired) -> World:
    """A cluster that serves, with things in it that others made."""
    world = World(desired, records=True)
    run(world, make_plan(desired, world.facts()), None, 99)
    world.cib = merge(world.cib, FOREIGN)
    return world


def assert_is_as_wanted(world: World, desired: Desired) -> None:
    live = items(world.cib)
    assert {key for key in live if key not in THEIRS} == set(items(desired.cib))
    assert all(key in live for key in THEIRS)
    for name, node in world.nodes.items():
        assert set(node.files) == {file.path for file in desired.files[name]}
        assert world.records is not None
        record = world.records[name]
        assert record is not None
        assert record.follows(make_record(desired, name))
    assert not [d for d in find_differences(desired, world.facts()) if d.kind is not Kind.ADD or d.place != "cib"]
    assert world.server.items() >= {"port": str(desired.cluster.postgresql.port)}.items()
