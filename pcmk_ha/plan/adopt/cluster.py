"""The whole file: first what every cluster has, then what differs from what we would write by ourselves."""

from __future__ import annotations

import re
from typing import Any

from pcmk_ha.cib.build import PROPERTIES, build_cib
from pcmk_ha.cib.elements import Element
from pcmk_ha.cib.items import describe, items
from pcmk_ha.cib.resources import FILESYSTEM, SERVER, VIP
from pcmk_ha.desired.drbd import disk_options, net_options
from pcmk_ha.desired.postgresql import parameters
from pcmk_ha.errors import BadInput, PcmkHaError
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.load import load_cluster_text
from pcmk_ha.model.secret import Secrets
from pcmk_ha.plan.adopt import drbd, server
from pcmk_ha.plan.adopt.fencing import adopt_fencing
from pcmk_ha.plan.adopt.found import Adopted, Found, op_seconds, pairs, parse_cib, primitives, seconds
from pcmk_ha.plan.adopt.text import to_yaml

VERSION = re.compile(r"/postgresql/(\d+)/")
BOOT_DELAY = re.compile(r'"\$\$up" -ge (\d+)')
NEVER = (
    "stonith-enabled",
    "fencing-enabled",
    "no-quorum-policy",
    "start-failure-is-fatal",
)  # never otherwise than ours
NO_SECRETS = Secrets("", "", "", "")


def adopt(found: Found) -> Adopted:
    """Return a cluster file that says what was found, and everything it cannot say.

    Raises PcmkHaError where this is no cluster of DRBD, a file system, PostgreSQL and an address.
    """
    out = Adopted()
    root = parse_cib(found.cib)
    _adopt_members(found, root, out)
    _adopt_service(found, root, out)
    _adopt_times(found, root, out)
    if (plain := _loaded(out)) is not None:
        _adopt_differences(found, root, plain, out)
    return out


def _one(root: Element, agent: str, what: str, preferred: str) -> Element:
    every = primitives(root, agent)
    if not every:
        raise PcmkHaError(f"there is no resource of {agent}: {what}", hint="adopt takes PostgreSQL on DRBD")
    return next((p for p in every if p.get("id") == preferred), every[0])


def _adopt_members(found: Found, root: Element, out: Adopted) -> None:
    out.file["name"] = found.totem.get("totem.cluster_name", "")
    managed = _one(root, "ocf:linbit:drbd", "nothing replicates", "")
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
    ours = {"resource": str(resource.get("name")), "minor": sides[data[0]].minor, "port": sides[data[0]].port}
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


def _adopt_service(found: Found, root: Element, out: Adopted) -> None:
    volume = pairs(_filesystem(root, out))
    for name, key, default in (("fstype", "type", "ext4"), ("directory", "mount_point", "/srv/pgdata"),
                               ("options", "options", "noatime")):  # fmt: skip
        value = volume.get(name, "defaults" if name == "options" else "")
        if value != default:
            out.put(f"filesystem.{key}", value)
    database = pairs(_one(root, "ocf:heartbeat:pgsql", "no PostgreSQL", SERVER))
    match = VERSION.search(database.get("pgctl", "")) or VERSION.search(database.get("pgdata", ""))
    version = int(match[1]) if match else found.platform.postgresql
    if version != found.platform.postgresql:
        out.put("postgresql.version", version)
    if (port := int(database.get("pgport", 5432))) != 5432:
        out.put("postgresql.port", port)
    mount = volume.get("directory", "/srv/pgdata")
    if (data := database.get("pgdata", "")) != f"{mount}/{version}/main":
        out.put("postgresql.data_directory", data)
    address = pairs(_one(root, "ocf:heartbeat:IPaddr2", "no address that moves", VIP))
    vip: dict[str, Any] = {"address": address.get("ip", "")}
    if (prefix := address.get("cidr_netmask", "")).isdigit():
        vip["prefix"] = int(prefix)
    if nic := address.get("nic"):
        vip["interface"] = nic
    out.file["vip"] = vip if len(vip) > 1 else vip["address"]


def _filesystem(root: Element, out: Adopted) -> Element:
    """Return the file system on the DRBD device, for others may be mounted, too."""
    minor = out.file.get("drbd", {}).get("minor", 0)
    resource = out.file.get("drbd", {}).get("resource", "pgdata")
    names = (f"/dev/drbd{minor}", f"/dev/drbd/by-res/{resource}", f"/dev/drbd/by-res/{resource}/0")
    every = primitives(root, "ocf:heartbeat:Filesystem")
    on_it = [p for p in every if pairs(p).get("device") in names]
    return on_it[0] if on_it else _one(root, "ocf:heartbeat:Filesystem", "nothing is mounted", FILESYSTEM)


def _adopt_times(found: Found, root: Element, out: Adopted) -> None:
    flat = found.totem
    token = int(flat.get("totem.token", 3000))
    times: dict[str, int | None] = {"token_ms": token}
    if (consensus := int(flat.get("totem.consensus", token * 12 // 10))) != token * 12 // 10:
        times["consensus_ms"] = consensus
    database = _one(root, "ocf:heartbeat:pgsql", "", SERVER)
    times |= {"start_s": op_seconds(database, "start"), "stop_s": op_seconds(database, "stop")}
    times["promote_s"] = op_seconds(_one(root, "ocf:linbit:drbd", "", ""), "promote")
    if match := BOOT_DELAY.search(found.join_late):
        times["boot_delay_s"] = int(match[1])
    _put_numbers("timeouts", times, out)
    properties = _properties(root)
    fence = properties.get("stonith-timeout") or properties.get("fencing-timeout") or ""
    delay = seconds(properties.get("priority-fencing-delay", "0")) or 0
    _put_numbers("stonith", {"timeout_s": seconds(fence)}, out)
    if delay != (0 if "arbiter" in out.file else 3):
        out.put("stonith.priority_delay_s", delay)
    defaults = {
        k: v for s in root.iterfind("configuration/rsc_defaults") for k, v in pairs(s, "meta_attributes").items()
    }
    wanted = {
        "resource_stickiness": _whole(defaults.get("resource-stickiness", "")),
        "migration_threshold": _whole(defaults.get("migration-threshold", "")),
        "failure_timeout_s": seconds(defaults.get("failure-timeout", "")),
    }
    _put_numbers("properties", wanted, out)
    if not found.start_on_boot:
        out.file["start_on_boot"] = False


def _whole(text: str) -> int | None:
    return int(text) if text.isdigit() else 1_000_000 if text == "INFINITY" else None


def _put_numbers(section: str, values: dict[str, int | None], out: Adopted) -> None:
    """Put what is said and is not the default; what our limits do not allow is noted and left at the default."""
    defaults = Cluster.model_fields[section].default
    for name, value in values.items():
        if value is None or value == getattr(defaults, name):
            continue
        field = type(defaults).model_fields[name]
        limits = {type(m).__name__: m for m in field.metadata}
        low, high = getattr(limits.get("Ge"), "ge", 0), getattr(limits.get("Le"), "le", 10**9)
        if low <= value <= high:
            out.put(f"{section}.{name}", value)
        else:
            default = getattr(defaults, name)
            out.notes.append(f"{section}.{name}: {value} is outside {low} to {high}; it becomes {default}")


def _properties(root: Element) -> dict[str, str]:
    sets = root.iterfind("configuration/crm_config/cluster_property_set")
    return {str(p.get("name")): str(p.get("value", "")) for s in sets for p in s.iterfind("nvpair")}


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
    standard = _properties(parse_cib(build_cib(plain, NO_SECRETS, found.platform)))
    extra = {}
    live = {key.partition("/")[2]: key for key in items(found.cib) if key.startswith(f"{PROPERTIES}/")}
    values = _properties(root)
    for name in live:
        if standard.get(name) == values[name]:
            continue
        if name in NEVER or name in ("cluster-name", "priority-fencing-delay", "stonith-timeout", "fencing-timeout"):
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
        ident = _one(root, agent, "", wanted).get("id")
        if ident != wanted:
            out.notes.append(f"the resource {ident} would be {wanted}: apply refuses while both would manage the same")
    for key, meaning in items(found.cib, masked=True).items():
        if key not in ours and "/" not in key and "stonith" not in meaning:
            out.notes.append(f"{describe(key, meaning)} is not in the file and stays as it is")
