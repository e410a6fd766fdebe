"""DRBD's state as the kernel tells it: /proc/drbd for 8.4, `drbdsetup status --json` for 9."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

PROC_DRBD = ("cat", "/proc/drbd")
STATUS_9 = ("drbdsetup", "status", "--json")
LINE = re.compile(r"^\s*(?P<minor>\d+): cs:(?P<cs>\S+) ro:(?P<ro>[^/\s]+)/(?P<pro>\S+) ds:(?P<ds>[^/\s]+)/(?P<pds>\S+)")
DONE = re.compile(r"sync'ed:\s*([\d.]+)%")
OOS = re.compile(r"\boos:(\d+)")


@dataclass(frozen=True)
class DrbdState:
    """One side of the replicated device; empty strings where it is not configured."""

    role: str = ""
    disk: str = ""
    connection: str = ""
    peer_disk: str = ""
    out_of_sync_kib: int = 0
    done_percent: float | None = None  # while it resyncs

    @property
    def is_redundant(self) -> bool:
        """Both sides hold the same good data."""
        return self.connection in ("Connected", "Established") and self.disk == self.peer_disk == "UpToDate"


def parse_proc_drbd(text: str, minor: int) -> DrbdState:
    """Read the state of one minor; an empty one when it is not there."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        match = LINE.match(line)
        if match and int(match["minor"]) == minor and match["cs"] != "Unconfigured":
            rest = "\n".join(_until_next(lines[number + 1 :]))
            oos, done = OOS.search(rest), DONE.search(rest)
            return DrbdState(
                role=match["ro"],
                disk=match["ds"],
                connection=match["cs"],
                peer_disk=match["pds"],
                out_of_sync_kib=int(oos[1]) if oos else 0,
                done_percent=float(done[1]) if done else None,
            )
    return DrbdState()


def _until_next(lines: list[str]) -> list[str]:
    end = next((i for i, line in enumerate(lines) if LINE.match(line)), len(lines))
    return lines[:end]


def parse_status_9(text: str, resource: str) -> DrbdState:
    """Read a resource with one volume and at most one peer from DRBD 9's JSON."""
    found = next((r for r in json.loads(text or "[]") if r["name"] == resource), None)
    if found is None:
        return DrbdState()
    peer: dict[str, Any] = next(iter(found.get("connections", [])), {})
    volume: dict[str, Any] = next(iter(peer.get("peer_devices", [])), {})
    done = volume.get("percent-in-sync")
    return DrbdState(
        role=found["role"],
        disk=found["devices"][0]["disk-state"],
        connection=peer.get("connection-state", "StandAlone"),
        peer_disk=volume.get("peer-disk-state", "DUnknown"),
        out_of_sync_kib=int(volume.get("out-of-sync", 0)),
        done_percent=float(done) if done is not None and float(done) < 100 else None,
    )
