"""Whether a running Corosync runs what its file says."""

from __future__ import annotations

import re

COMPARED = ("totem.", "nodelist.", "quorum.")
# Corosync 3 keeps these until it is restarted, whatever a reload says (read-only keys in its exec/main.c).
# Nodes that differ in the first do not hear each other: no node can be restarted with a new value while others run.
APART = ("totem.version", "totem.transport", "totem.ip_version", "totem.secauth")
ONE_BY_ONE = ("totem.netmtu", "totem.threads", "system.", "qb.")
# "To reconfigure an interface it must be deleted and recreated", exec/totemconfig.c: a reload leaves it as it is.
ADDRESS = re.compile(r"nodelist\.node\.\d+\.ring\d+_addr")
LINE = re.compile(r"^(?P<key>\S+) \((?P<type>\w+)\) = (?P<value>.*)$")


def runs_otherwise(conf: str, cmap: str) -> bool:
    """Whether a key of corosync.conf has another value, or none, in `corosync-cmapctl`'s dump."""
    running = parse_cmap(cmap)
    return any(running.get(key) != value for key, value in flatten(conf).items() if key.startswith(COMPARED))


def fixed_changes(conf: str, cmap: str) -> tuple[str, ...]:
    """Return the keys that a running Corosync has otherwise and that no reload changes."""
    running = parse_cmap(cmap)
    wanted = {key: value for key, value in flatten(conf).items() if key.startswith((*APART, *ONE_BY_ONE))}
    return (*(key for key, value in wanted.items() if running.get(key) != value), *moved(conf, cmap))


def parse_cmap(text: str) -> dict[str, str]:
    """Keys and values of a dump, `totem.token (u32) = 1000`."""
    found = (LINE.match(line) for line in text.splitlines())
    return {match["key"]: match["value"] for match in found if match}


def flatten(conf: str) -> dict[str, str]:
    """Keys of corosync.conf as cmap names them: nodes are numbered as they come, cmap_keys(8)."""
    path: list[str] = []
    counts: dict[str, int] = {}
    flat: dict[str, str] = {}
    for raw in conf.splitlines():
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.endswith("{"):
            path.append(_section(line[:-1].strip(), counts))
        elif line == "}":
            path.pop()
        else:
            key, _, value = line.partition(":")
            if key.strip() == "linknumber":
                continue  # becomes the number in the key, not a key of its own
            flat[".".join((*path, key.strip()))] = value.strip()
    return flat


def _section(name: str, counts: dict[str, int]) -> str:
    if name not in ("node", "interface"):
        return name
    counts[name] = counts.get(name, -1) + 1
    return f"{name}.{counts[name]}"


def without_node(conf: str, name: str) -> str:
    """Return a corosync.conf without one member."""
    kept: list[str] = []
    block: list[str] = []
    for line in conf.splitlines():
        if block or re.match(r"\s*node\s*\{", line):
            block.append(line)
            if line.strip() == "}":
                kept += [] if any(re.fullmatch(rf"\s*name:\s*{re.escape(name)}\s*", each) for each in block) else block
                block = []
        else:
            kept.append(line)
    return "\n".join(kept) + "\n"


def moved(conf: str, cmap: str) -> tuple[str, ...]:
    """Return the addresses, as keys, of members that a running Corosync knows by others."""
    running = parse_cmap(cmap)
    wanted = {key: value for key, value in flatten(conf).items() if ADDRESS.fullmatch(key)}
    return tuple(key for key, value in wanted.items() if key in running and running[key] != value)
