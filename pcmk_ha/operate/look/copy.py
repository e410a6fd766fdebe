"""One data node's disk and what DRBD says of it, as facts a plan is made from. Read-only."""

from __future__ import annotations

from pcmk_ha.facts.versions import parse_wipefs
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.plan.facts import DrbdFact, Metadata
from pcmk_ha.remote.questions import ask_all
from pcmk_ha.remote.runner import Outcome, Runner

JUST_CREATED = "0000000000000004"  # UUID_JUST_CREATED in DRBD's drbd.h, all versions


def look_at_copy(runner: Runner, cluster: Cluster, *, installed: bool) -> DrbdFact:
    """Look at a data node's disk, and at DRBD on it; `installed` says whether its tools are there."""
    disk = next(node.disk for node in cluster.nodes if node.name == runner.node) or ""
    resource = cluster.drbd.resource
    seen = runner.run(("wipefs", "--no-act", "--json", disk), ok=None)
    if seen.status:
        return DrbdFact(Metadata.UNKNOWN)  # a disk that cannot be read is not an empty one
    signatures, has_metadata = _signatures(seen.stdout)
    if not has_metadata:
        return DrbdFact(Metadata.ABSENT, signatures)
    has_file = installed and runner.run(("drbdadm", "sh-resources"), ok=None).stdout.split().count(resource)
    if not has_file:
        # Not readable before packages and file are there. "Used" is the safe word: nothing is created over it,
        # no sync is skipped, and DRBD itself knows the side with the newer data.
        return DrbdFact(Metadata.USED, signatures)
    questions = {word: ("drbdadm", word, resource) for word in ("role", "get-gi", "cstate", "dstate")}
    asked = ask_all(runner, {**questions, "adjust": ("drbdadm", "--dry-run", "adjust", resource)}, timeout=60)
    state = DrbdFact(_metadata(asked["get-gi"]), signatures)
    role = asked["role"]
    up = role.status == 0 and "Unconfigured" not in role.stdout
    return _running(state, {name: answer.stdout.strip() for name, answer in asked.items()}) if up else state


def _running(state: DrbdFact, said: dict[str, str]) -> DrbdFact:
    disk, _, peer_disk = said["dstate"].partition("/")
    return DrbdFact(
        metadata=state.metadata,
        signatures=state.signatures,
        up=True,
        role=said["role"].partition("/")[0],
        disk=disk,
        connection=said["cstate"],
        peer_disk=peer_disk,
        config_differs=bool(said["adjust"]),
    )


def _signatures(text: str) -> tuple[tuple[str, ...], bool]:
    """What the disk holds besides DRBD's metadata, and whether it holds that."""
    types = parse_wipefs(text)
    return tuple(kind for kind in types if kind != "drbd"), "drbd" in types


def _metadata(gi: Outcome) -> Metadata:
    """Read the generation identifiers; the first is the current one."""
    current = gi.stdout.strip().partition(":")[0].upper()
    if gi.status != 0 or not current:
        return Metadata.UNKNOWN
    return Metadata.JUST_CREATED if current == JUST_CREATED else Metadata.USED
