"""DRBD's state as the kernel tells it: /proc/drbd for 8.4, `drbdsetup status --json` for 9."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

PROC_DRBD = ("cat", "/proc/drbd")
STATUS_9 = ("drbdsetup", "status", "--json")
LINE = re.compile(r"^\s*(?P<minor>\d+): cs:(?P<cs>\S+) ro:(?P<ro>[^/\s]+)/(?P<pro>\S+) ds:(?P<ds>[^/\s]+)/(?P<pds>\S+)")
DONE = re.compile(r"(?:sync'ed|verified):\s*([\d.]+)%")
FINISH = re.compile(r"\bfinish: (\d+):(\d\d):(\d\d)")
OOS = re.compile(r"\boos:(\d+)")
UNKNOWN_S = 987654321  # what drbdsetup prints while it cannot estimate


@dataclass(frozen=True)
class DrbdState:
    """One side of the replicated device; empty strings where it is not configured."""

    role: str = ""
    disk: str = ""
    connection: str = ""
    peer_disk: str = ""
    out_of_sync_kib: int = 0
    done_percent: float | None = None  # while it resyncs, or compares both copies
    left_s: int | None = None  # until that is over, by DRBD's own estimate

    @property
    def is_redundant(self) -> bool:
        """Both sides hold the same good data; they do while they are compared, too."""
        is_connected = self.connection in ("Connected", "Established") or self.is_verifying
        return is_connected and self.disk == self.peer_disk == "UpToDate"

    @property
    def is_verifying(self) -> bool:
        """Both copies are being compared."""
        return self.connection.startswith("Verify")

    @property
    def is_syncing(self) -> bool:
        """One side is being brought in line with the other, or about to be."""
        return self.connection.startswith(("Sync", "PausedSync", "WFBitMap", "StartingSync", "WFSyncUUID"))

    @property
    def progress(self) -> str:
        """`48 % done, 0:01:30 left`, as far as DRBD knows; empty while nothing is under way."""
        done = f"{self.done_percent:.0f} % done" if self.done_percent is not None else ""
        left = f"{self.left_s // 3600}:{self.left_s // 60 % 60:02}:{self.left_s % 60:02} left" if self.left_s else ""
        return ", ".join(filter(None, (done, left)))


def parse_proc_drbd(text: str, minor: int) -> DrbdState:
    """Read the state of one minor; an empty one when it is not there."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        match = LINE.match(line)
        if match and int(match["minor"]) == minor and match["cs"] != "Unconfigured":
            rest = "\n".join(_until_next(lines[number + 1 :]))
            oos, done, finish = OOS.search(rest), DONE.search(rest), FINISH.search(rest)
            return DrbdState(
                role=match["ro"],
                disk=match["ds"],
                connection=match["cs"],
                peer_disk=match["pds"],
                out_of_sync_kib=int(oos[1]) if oos else 0,
                done_percent=float(done[1]) if done else None,
                left_s=int(finish[1]) * 3600 + int(finish[2]) * 60 + int(finish[3]) if finish else None,
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
    done = volume.get("percent-resync-done", volume.get("percent-in-sync"))
    left = int(volume.get("estimated-seconds-to-finish", UNKNOWN_S))
    return DrbdState(
        role=found["role"],
        disk=found["devices"][0]["disk-state"],
        connection=_connection_9(peer, volume),
        peer_disk=volume.get("peer-disk-state", "DUnknown"),
        out_of_sync_kib=int(volume.get("out-of-sync", 0)),
        done_percent=float(done) if done is not None and float(done) < 100 else None,
        left_s=left if left < UNKNOWN_S else None,
    )


def _connection_9(peer: dict[str, Any], volume: dict[str, Any]) -> str:
    """Return what 8.4 has one word for: 9 says of a connection only that it is there, and of a volume what it does."""
    replication = str(volume.get("replication-state", "Off"))
    connection = str(peer.get("connection-state", "StandAlone"))
    return replication if connection == "Connected" and replication not in ("Off", "Established") else connection
