"""The service as the CIB has it: file system, server, address, and the times and limits around them."""

from __future__ import annotations

import re
from typing import Any

from pcmk_ha.cib.elements import Element
from pcmk_ha.cib.names import FILESYSTEM, HEAD_START_AGENT, SERVER, VIP
from pcmk_ha.errors import PcmkHaError
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.profile import PROFILES
from pcmk_ha.plan.adopt.found import Adopted, Found, op_seconds, pairs, primitives, seconds

VERSION = re.compile(r"/postgresql/(\d+)/")
BOOT_DELAY = re.compile(r'"\$\$up" -ge (\d+)')


def one_of(root: Element, agent: str, what: str, preferred: str) -> Element:
    """Return the resource of an agent, the one we would have written where there are several."""
    every = primitives(root, agent)
    if not every:
        raise PcmkHaError(f"there is no resource of {agent}: {what}", hint="adopt takes PostgreSQL on DRBD")
    return next((p for p in every if p.get("id") == preferred), every[0])


def adopt_service(found: Found, root: Element, out: Adopted) -> None:
    """Put the file system, the server and the address."""
    volume = pairs(_filesystem(root, out))
    for name, key, default in (("fstype", "type", "ext4"), ("directory", "mount_point", "/srv/pgdata"),
                               ("options", "options", "noatime")):  # fmt: skip
        value = volume.get(name, "defaults" if name == "options" else "")
        if value != default:
            out.put(f"filesystem.{key}", value)
    server = one_of(root, "ocf:heartbeat:pgsql", "no PostgreSQL", SERVER)
    if server.get("provider") != "pcmk-ha":
        out.file["agents"] = "packaged"
    database = pairs(server)
    programs = database.get("pgctl") or database.get("bindir") or ""
    match = VERSION.search(f"{programs}/") or VERSION.search(database.get("pgdata", ""))
    version = int(match[1]) if match else found.platform.postgresql
    if version != found.platform.postgresql:
        out.put("postgresql.version", version)
    if (port := int(database.get("pgport") or database.get("port") or 5432)) != 5432:
        out.put("postgresql.port", port)
    mount = volume.get("directory", "/srv/pgdata")
    if (data := database.get("pgdata", "")) != f"{mount}/{version}/main":
        out.put("postgresql.data_directory", data)
    address = pairs(one_of(root, "ocf:heartbeat:IPaddr2", "no address that moves", VIP))
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
    return on_it[0] if on_it else one_of(root, "ocf:heartbeat:Filesystem", "nothing is mounted", FILESYSTEM)


def adopt_times(found: Found, root: Element, out: Adopted) -> None:
    """Put times, delays and resource defaults."""
    flat = found.totem
    token = int(flat.get("totem.token", 3000))
    times: dict[str, int | None] = {"token_ms": token if token != PROFILES["default"].token_ms else None}
    times["consensus_ms"] = _consensus(int(flat.get("totem.consensus", token * 12 // 10)), token, out)
    database = one_of(root, "ocf:heartbeat:pgsql", "", SERVER)
    times |= {"start_s": op_seconds(database, "start"), "stop_s": op_seconds(database, "stop")}
    times["promote_s"] = op_seconds(one_of(root, "ocf:linbit:drbd", "", ""), "promote")
    if match := BOOT_DELAY.search(found.join_late):
        times["boot_delay_s"] = int(match[1])
    _put_numbers("timeouts", times, out)
    properties = properties_of(root)
    fence = properties.get("stonith-timeout") or properties.get("fencing-timeout") or ""
    delay = seconds(properties.get("priority-fencing-delay", "0")) or _head_start(root)
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


def _head_start(root: Element) -> int:
    """What our own fence agent gives the node that serves."""
    ours = root.find(f"configuration/resources/primitive[@type='{HEAD_START_AGENT}']")
    return (seconds(pairs(ours).get("head_start", "")) if ours is not None else None) or 0


def _consensus(found: int, token: int, out: Adopted) -> int | None:
    usual = token * 12 // 10 if "arbiter" in out.file else max(300, token * 4 // 10)
    return found if found != usual else None


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


def properties_of(root: Element) -> dict[str, str]:
    """Return every cluster property by its name."""
    sets = root.iterfind("configuration/crm_config/cluster_property_set")
    return {str(p.get("name")): str(p.get("value", "")) for s in sets for p in s.iterfind("nvpair")}
