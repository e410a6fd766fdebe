"""Which devices switch off which node, with references instead of secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pcmk_ha.cib.elements import Element
from pcmk_ha.cib.names import HEAD_START, HEAD_START_AGENT
from pcmk_ha.model.secret import is_secret_name
from pcmk_ha.plan.adopt.found import Adopted, pairs, seconds

# What Pacemaker's fencer reads itself, and the file says in its own words or not at all.
FENCERS = ("pcmk_host_list", "pcmk_host_check", "pcmk_host_map", "pcmk_delay_base", "pcmk_reboot_action")
MODERN = {"ipaddr": "ip", "login": "username", "passwd": "password", "port": "plug"}  # names agents had before


def adopt_fencing(root: Element, names: list[str], out: Adopted) -> dict[str, Any]:
    """Return `fence` of every member; what is common to all devices goes to `stonith`."""
    every = [p for p in root.iterfind("configuration/resources/primitive") if p.get("class") == "stonith"]
    devices = [device for device in every if device.get("type") != HEAD_START_AGENT]
    secrets: dict[str, str] = {}
    found: dict[str, Any] = {}
    for name in names:
        mine = [device for device in devices if name in _targets(device)]
        described = [_describe(device, name, secrets) for device in mine]
        for level, device, text in zip(_levels(root, name, mine, out), mine, described, strict=True):
            if level != 1:
                text["level"] = level
            _note_ids(device, name, mine, out)
        if not described:
            out.notes.append(f"{name} has no fence device: name one before anything else")
            described = [{"agent": "fence_ipmilan", "ip": "CHANGE-ME"}]
        found[name] = described[0] if len(described) == 1 else described
    for reference in dict.fromkeys(secrets.values()):
        out.notes.append(f"put the secret of a fence device into the environment variable {reference}")
    _common(devices, out)
    return found


def _targets(device: Element) -> list[str]:
    given = pairs(device)
    listed = given.get("pcmk_host_list", "").replace(",", " ").split()
    return listed or [entry.partition(":")[0] for entry in _map(given)]


def _map(given: dict[str, str]) -> list[str]:
    return given.get("pcmk_host_map", "").replace(",", " ").replace(";", " ").split()


def _describe(device: Element, node: str, secrets: dict[str, str]) -> dict[str, Any]:
    given = pairs(device)
    text: dict[str, Any] = {"agent": device.get("type")}
    if delay := seconds(given.get("pcmk_delay_base", "")):
        text["delay_s"] = delay
    for name, value in given.items():
        if name in FENCERS:
            continue
        modern = MODERN.get(name, name)
        text[modern] = {"env": _reference(value, modern, node, secrets)} if is_secret_name(name) else value
    plugs = dict(entry.partition(":")[::2] for entry in _map(given))
    if node in plugs:
        text["plug"] = plugs[node]
    return text


def _reference(value: str, name: str, node: str, secrets: dict[str, str]) -> str:
    """Return a variable's name; equal secrets have one."""
    if value not in secrets:
        plain = f"FENCE_{name.upper()}" + (f"_{node.upper()}" if secrets else "")
        taken = set(secrets.values())
        secrets[value] = plain.replace("-", "_") if plain not in taken else f"{plain}_{len(taken)}".replace("-", "_")
    return secrets[value]


def _levels(root: Element, node: str, devices: list[Element], out: Adopted) -> Iterator[int]:
    levels = {}
    for level in root.iterfind(f"configuration/fencing-topology/fencing-level[@target='{node}']"):
        for ident in str(level.get("devices")).split(","):
            levels[ident.strip()] = int(level.get("index") or 1)
    if levels.pop(HEAD_START, 0) and 1 not in levels.values():  # it is alone there, and no device of the file
        levels = {ident: level - 1 for ident, level in levels.items()}
    if len(devices) > 1 and not levels:
        out.notes.append(f"{node} has {len(devices)} devices and no fencing levels: they get one after the other")
        yield from range(1, len(devices) + 1)
        return
    for device in devices:
        yield levels.get(str(device.get("id")), 1)


def _note_ids(device: Element, node: str, mine: list[Element], out: Adopted) -> None:
    index = mine.index(device)
    ours = f"fence_{node}" if index == 0 else f"fence_{node}_{index + 1}"
    if (ident := device.get("id")) != ours:
        out.notes.append(f"the fence device {ident} would be {ours}: remove {ident} once that runs")


def _common(devices: list[Element], out: Adopted) -> None:
    if any(pairs(device).get("pcmk_reboot_action") == "off" for device in devices):
        out.put("stonith.action", "off")
    every = [
        s
        for d in devices
        for op in d.iterfind("operations/op[@name='monitor']")
        if (s := seconds(op.get("interval", "")))
    ]
    if every and every[0] != 60:
        out.put("stonith.monitor_s", every[0])
