"""The whole file: first what every cluster has, then what differs from what we would write by ourselves."""

from __future__ import annotations

from typing import Any

from pcmk_ha.cib.build import PROPERTIES, build_cib
from pcmk_ha.cib.elements import Element
from pcmk_ha.cib.items import describe, items
from pcmk_ha.cib.resources import SERVER
from pcmk_ha.desired.drbd import disk_options, net_options
from pcmk_ha.desired.postgresql import parameters
from pcmk_ha.errors import BadInput, PcmkHaError
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.load import load_cluster_text
from pcmk_ha.model.secret import Secrets
from pcmk_ha.plan.adopt import drbd, server
from pcmk_ha.plan.adopt.fencing import adopt_fencing
from pcmk_ha.plan.adopt.found import Adopted, Found, pairs, parse_cib
from pcmk_ha.plan.adopt.service import adopt_service, adopt_times, one_of, properties_of
from pcmk_ha.plan.adopt.text import to_yaml

NEVER = (
    "stonith-enabled",
    "fencing-enabled",
    "no-quorum-policy",
    "start-failure-is-fatal",
)  # never otherwise than ours
NOW = ("maintenance-mode", "stop-all-resources")
NO_SECRETS = Secrets("", "", "", "")


def adopt(found: Found) -> Adopted:
    """Return a cluster file that says what was found, and everything it cannot say.

    Raises PcmkHaError where this is no cluster of DRBD, a file system, PostgreSQL and an address.
    """
    out = Adopted()
    root = parse_cib(found.cib)
    _adopt_members(found, root, out)
    adopt_service(found, root, out)
    adopt_times(found, root, out)
    if (plain := _loaded(out)) is not None:
        _adopt_differences(found, root, plain, out)
    return out


def _adopt_members(found: Found, root: Element, out: Adopted) -> None:
    out.file["name"] = found.totem.get("totem.cluster_name", "")
    managed = one_of(root, "ocf:linbit:drbd", "nothing replicates", "")
    resource = drbd.find_resource(found.drbd, pairs(managed).get("drbd_resource", ""))
    sides = drbd.sides(resource, out)
    members = dict(found.members())
    data = [name for name in members if name in sides]
    others = [name for name in members if name not in sides]
    if len(data) != 2 or len(others) > 1:
        raise PcmkHaError(
            f"of {', '.join(members) or 'no members'} DRBD replicates on {', '.join(sides) or 'none'}",
            hint="adopt takes two nodes that hold data, named in corosync.conf as in DRBD, and at most one that votes",
        )
    fences = adopt_fencing(root, [*data, *others], out)
    out.file["nodes"] = [_node(name, members[name], fences[name], sides[name]) for name in data]
    if others:
        out.file["arbiter"] = _node(others[0], members[others[0]], fences[others[0]], None)
    ours = {
        "resource": str(resource.get("name")),
        "minor": sides[data[0]].minor,
        "port": sides[data[0]].port,
        "verify": drbd.verify_of(found.verify, enabled=found.verify_enabled),
    }
    for name, value in ours.items():
        if value != Cluster.model_fields["drbd"].default.model_dump()[name]:
            out.put(f"drbd.{name}", value)
    drbd.note_handlers(resource, out)


def _node(name: str, links: tuple[str, ...], fence: Any, side: drbd.Side | None) -> dict[str, Any]:
    node: dict[str, Any] = {"name": name, "address": links[0]}
    if len(links) > 1:
        node["links"] = list(links)
    if side:
        if side.address != links[-1]:
            node["replication_address"] = side.address
        node["disk"] = side.disk
    return node | {"fence": fence}


def _loaded(out: Adopted) -> Cluster | None:
    """Return the file as a cluster; None, with every reason noted, where it is none yet."""
    try:
        return load_cluster_text(to_yaml(out.file))
    except BadInput as error:
        out.notes += [f"the file needs your hand: {problem.message}" for problem in error.problems]
        return None


def _adopt_differences(found: Found, root: Element, plain: Cluster, out: Adopted) -> None:
    """Add what was set beyond, or otherwise than, our own defaults."""
    resource = drbd.find_resource(found.drbd, plain.drbd.resource)
    for section, ours in (("net", net_options), ("disk", disk_options)):
        defaults = ours(plain, found.platform)
        for name, value in drbd.options(resource, section).items():
            if defaults.get(name) != value:
                out.put(f"drbd.{section}.{name}", value)
    version = plain.postgresql.version or found.platform.postgresql
    standard = parameters(plain, version)
    for name, given in server.parameters_of(found.parameters).items():
        if standard.get(name) != given or type(standard.get(name)) is not type(given):
            out.put("postgresql.parameters", {**out.file.get("postgresql", {}).get("parameters", {}), name: given})
    if not found.parameters:
        out.notes.append("postgresql.conf stays as it is; ours come on top of it, in conf.d/pcmk-ha.conf")
    if rules := list(server.rules_of(found.hba, out)):
        out.put("postgresql.hba", rules)
    _adopt_properties(found, root, plain, out)
    _note_foreign(found, plain, out)


def _adopt_properties(found: Found, root: Element, plain: Cluster, out: Adopted) -> None:
    standard = properties_of(parse_cib(build_cib(plain, NO_SECRETS, found.platform)))
    extra = {}
    live = {key.partition("/")[2]: key for key in items(found.cib) if key.startswith(f"{PROPERTIES}/")}
    values = properties_of(root)
    for name in live:
        if standard.get(name) == values[name]:
            continue
        if name in NOW:
            out.notes.append(f"{name} is {values[name]} now, which no file says")
        elif name in NEVER or name in ("cluster-name", "priority-fencing-delay", "stonith-timeout", "fencing-timeout"):
            wanted = standard.get(name, "nothing")
            out.notes.append(f"the property {name} is {values[name]} and becomes {wanted}")
        else:
            extra[name] = values[name]
    if extra:
        out.put("properties.extra", extra)


def _note_foreign(found: Found, plain: Cluster, out: Adopted) -> None:
    """Name what stays as it is, and what is ours under another name."""
    ours = items(build_cib(plain, NO_SECRETS, found.platform))
    root = parse_cib(found.cib)
    names = {"ocf:linbit:drbd": plain.drbd_id, "ocf:heartbeat:pgsql": SERVER}
    for agent, wanted in names.items():
        ident = one_of(root, agent, "", wanted).get("id")
        if ident != wanted:
            out.notes.append(f"the resource {ident} would be {wanted}: apply refuses while both would manage the same")
    for key, meaning in items(found.cib, masked=True).items():
        if key not in ours and "/" not in key and "stonith" not in meaning:
            out.notes.append(f"{describe(key, meaning)} is not in the file and stays as it is")
