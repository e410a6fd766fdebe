"""Asking both sides what they hold. Nothing is changed, and nothing of a copy that DRBD may use is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pcmk_ha.desired.render import raw
from pcmk_ha.errors import CommandFailed, PcmkHaError
from pcmk_ha.facts.database import Database, parse_database
from pcmk_ha.facts.generations import parse_generations
from pcmk_ha.facts.pacemaker import Fencing, parse_fencings
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.data.copies import look_at_side
from pcmk_ha.operate.look.service import Service, look_at_service
from pcmk_ha.operate.members import Members
from pcmk_ha.operate.parts.ready import ask_ready
from pcmk_ha.operate.split_brain.evidence import ALONE, Evidence, Saved, Side
from pcmk_ha.remote.parallel import on_all
from pcmk_ha.remote.runner import Runner

SAVED_IN = "/var/lib/pcmk-ha/split-brain"
PROGRAM = "on-node/saved_blocks.py"
LOOK = "on-node/look-at-database"
READ_S = 420  # WAL since the last checkpoint may be long
HISTORY = ("stonith_admin", "--history", "*", "--verbose", "--output-as=xml", "--timeout=20")
# -k means this boot alone, and the node may have been fenced since.
KERNEL = ("journalctl", "_TRANSPORT=kernel", "--quiet", "--utc", "--no-hostname", "-o", "short-iso", "-n", "12", "-g")
CONTROLLER = (
    "journalctl", "-t", "pacemaker-controld", "--quiet", "--utc", "--no-hostname", "-o", "short-iso", "-n", "12", "-g",
)  # fmt: skip


def gather(members: Members, *, directory: str = SAVED_IN, databases: bool = True) -> Evidence:
    """Ask every data node that answers; with `databases` also what its database says, which takes some seconds."""
    cluster = members.cluster
    names = [node.name for node in cluster.nodes]
    runners = {name: members.nodes[name] for name in names if name in members.nodes}
    found = on_all(runners, lambda runner: _look(runner, cluster, directory, databases=databases))
    sides = {name: result[0] for name, result in found.items() if not isinstance(result, PcmkHaError)}
    saved = [each for result in found.values() if not isinstance(result, PcmkHaError) for each in result[1]]
    silent = {name: str(result) for name, result in found.items() if isinstance(result, PcmkHaError)}
    return Evidence(
        sides=sides,
        unreachable={name: why for name, why in members.down.items() if name in names} | silent,
        service=_service(members.nodes, cluster),
        fencings=_fencings(members.nodes) if databases else (),
        saved=tuple(saved),
    )


def _look(runner: Runner, cluster: Cluster, directory: str, *, databases: bool) -> tuple[Side, list[Saved]]:
    side = _look_at_side(runner, cluster)
    if databases:
        database, unread = _database(runner, cluster, side)
        kernel, history = what_drbd_said(runner, cluster), _history(runner, cluster)
        side = replace(side, database=database, unread=unread, kernel=kernel, history=history)
    return side, list_saved(runner, directory)


def _look_at_side(runner: Runner, cluster: Cluster) -> Side:
    device = f"/dev/drbd{cluster.drbd.minor}"
    mounted = runner.run(("findmnt", "-n", "-o", "TARGET", "--source", device), ok=None)
    ready = runner.run(ask_ready(cluster), ok=None)
    return Side(
        node=runner.node,
        drbd=look_at_side(runner, cluster),
        generations=parse_generations(runner.run(("drbdadm", "get-gi", cluster.drbd.resource), ok=None).stdout),
        mounted=mounted.stdout.partition("\n")[0].strip() if mounted.status == 0 else "",
        answers=ready.status == 0,
    )


def _database(runner: Runner, cluster: Cluster, side: Side) -> tuple[Database | None, str]:
    """Read what the data directory says: through DRBD where it is mounted, else from the disk below a copy at rest."""
    place = side.mounted or "/mnt"  # in a namespace of its own: whatever is mounted there stays
    argv: tuple[str, ...] = ("sh", "-s", "--", place, _below(cluster))
    if not side.mounted:
        # Only a copy that no peer and no program can reach: what is mounted here must not change meanwhile.
        if side.drbd.role == "Primary" or side.drbd.connection not in ("", ALONE):
            return (
                None,
                f"DRBD there is {side.drbd.role}, {side.drbd.connection}: it is read only where that stands alone",
            )
        disk = next(node.disk for node in cluster.nodes if node.name == runner.node) or ""
        argv = ("unshare", "--mount", "--propagation", "private", *argv, disk, cluster.filesystem.type)
    outcome = runner.run(argv, stdin=raw(LOOK), ok=None, timeout=READ_S)
    database = parse_database(outcome.stdout)
    return database, "" if database else outcome.stderr.strip()[-200:] or "it could not be read"


def _below(cluster: Cluster) -> str:
    """The data directory below the mount point; a pattern where it has its default, which names a version."""
    chosen, place = cluster.postgresql.data_directory, cluster.filesystem.mount_point
    return chosen.removeprefix(place).lstrip("/") if chosen else "*/main"


def what_drbd_said(runner: Runner, cluster: Cluster) -> tuple[str, ...]:
    """Return what the kernel's log has of roles and split brains, the newest last."""
    pattern = rf"drbd{cluster.drbd.minor}[: ].*(Split-Brain detected|role\()"
    return _lines(runner, (*KERNEL, pattern))


def _history(runner: Runner, cluster: Cluster) -> tuple[str, ...]:
    pattern = f"Result of (promote|demote|start|stop) operation for ({cluster.drbd_id}|pg_server|pg_vip)"
    return _lines(runner, (*CONTROLLER, pattern))


def _lines(runner: Runner, argv: tuple[str, ...]) -> tuple[str, ...]:
    text = runner.run(argv, ok=None, timeout=60).stdout
    return tuple(sorted(line.strip() for line in text.splitlines() if line[:1].isdigit()))  # -g turns them round


def _service(nodes: Mapping[str, Runner], cluster: Cluster) -> Service:
    """Ask whichever member knows; an empty one where no Pacemaker answers."""
    found = [look_at_service(runner, cluster) for runner in nodes.values()]
    return max(found, key=lambda service: (service.quorate, bool(service.dc)), default=Service())


def _fencings(nodes: Mapping[str, Runner]) -> tuple[Fencing, ...]:
    for runner in nodes.values():
        outcome = runner.run(HISTORY, ok=None, timeout=40)
        if outcome.status == 0:
            return parse_fencings(outcome.stdout)
    return ()


def list_saved(runner: Runner, directory: str) -> list[Saved]:
    """Return what was saved on a node, and whether it is all there."""
    outcome = runner.run(("python3", "-", "list", directory), stdin=raw(PROGRAM), timeout=60)
    try:
        return [_saved(runner.node, json.loads(line)) for line in outcome.stdout.splitlines()]
    except (ValueError, KeyError):
        raise CommandFailed(f"{runner.node}: what lies in {directory} was not understood") from None


def _saved(node: str, found: dict[str, Any]) -> Saved:
    names = ("generation", "kind", "kib", "changed_kib", "complete", "settled")
    return Saved(node=node, place=found["folder"], **{name: found[name] for name in names})
