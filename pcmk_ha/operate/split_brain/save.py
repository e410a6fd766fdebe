"""Keeping what a side is about to give up: its differing blocks in a file, or a snapshot of its logical volume."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pcmk_ha.desired.render import raw
from pcmk_ha.errors import PcmkHaError, Refused
from pcmk_ha.facts.bitmap import BLOCK, Extent, Marked, blocks_in, parse_dump, union
from pcmk_ha.facts.generations import word
from pcmk_ha.facts.records import format_time
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.split_brain.evidence import Evidence
from pcmk_ha.operate.split_brain.gather import PROGRAM
from pcmk_ha.operate.tell import Say
from pcmk_ha.remote.runner import Runner

BLOCKS, SNAPSHOT = "blocks", "snapshot"
SPARE = 128 << 20
LONGEST_S = 14 * 86400
DUMP_S = 900
EVERY_S = 2.0
LVS = ("lvs", "--reportformat", "json", "--units", "b", "--nosuffix", "-o", "vg_name,lv_name,vg_free,lv_size,pool_lv")


@dataclass(frozen=True)
class Volume:
    """A logical volume, in bytes."""

    group: str
    name: str
    free: int
    size: int
    thin: bool


@dataclass(frozen=True)
class Keep:
    """How, and where, what one side holds is kept."""

    cluster: Cluster
    runner: Runner  # of the side that is given up
    kind: str
    directory: str

    @property
    def disk(self) -> str:
        """The disk below DRBD."""
        return next(node.disk for node in self.cluster.nodes if node.name == self.runner.node) or ""

    def reasons_against(self, evidence: Evidence) -> tuple[str, ...]:
        """Why it cannot be kept this way; at most what both sides have marked must find room."""
        most = sum(side.drbd.out_of_sync_kib for side in evidence.sides.values()) * 1024
        if self.kind == SNAPSHOT:
            return tuple(_lacking(self.runner.node, self.disk, self.volume(), most))
        free = self.free()
        if free >= most + SPARE:
            return ()
        where = f"{self.runner.node}:{self.directory}"
        return (f"{where} has {free >> 20} MiB free, and {(most + SPARE) >> 20} MiB may be needed: --directory",)

    def free(self) -> int:
        """Bytes that the directory, or the nearest one above it that exists, has left."""
        script = 'd=$1; while [ ! -d "$d" ]; do d=$(dirname -- "$d"); done; df --output=avail -B1 -- "$d" | tail -n 1'
        return int(self.runner.run(("sh", "-c", script, "free", self.directory)).stdout)

    def volume(self) -> Volume | None:
        """Return the logical volume below DRBD, None where its disk is none."""
        outcome = self.runner.run((*LVS, self.disk), ok=None)
        return parse_lvs(outcome.stdout) if outcome.status == 0 else None

    def save(self, generation: int, other: Runner, say: Say, *, changed_kib: int) -> None:
        """Keep it, in a folder of this generation's name; returns once the manifest is written.

        Raises PcmkHaError where the disk has fewer blocks marked than `changed_kib`, which is what the kernel knows of.
        """
        folder = f"{self.directory}/{self.cluster.drbd.resource}-{self.runner.node}-{word(generation)}"
        self.runner.run(("install", "-d", "-m", "0700", folder))
        manifest = self._manifest(generation, other.node) | {"changed_kib": changed_kib}
        if self.kind == SNAPSHOT:
            manifest |= self._snapshot()
        else:
            mine, theirs = self._marked(self.runner), self._marked(other)
            if mine.kib < changed_kib:
                raise PcmkHaError(
                    f"{self.runner.node}: of {changed_kib} KiB that it changed its disk has marked {mine.kib} KiB",
                    hint="`drbdadm down` and `drbdadm up` there write the bitmap out; then again",
                )
            manifest |= _of_blocks(mine, theirs)
            say(f"saving {manifest['kib']} KiB of {self.runner.node} to {folder}")
        self.runner.put(f"{folder}/saved_blocks.py", raw(PROGRAM), mode=0o700)
        self._write(folder, json.dumps(manifest), say)

    def _manifest(self, generation: int, other: str) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "node": self.runner.node,
            "given_up_for": other,
            "resource": self.cluster.drbd.resource,
            "disk": self.disk,
            "generation": word(generation),
            "at": format_time(datetime.now(UTC)),
        }

    def _marked(self, runner: Runner) -> Marked:
        """Read a side's bitmap from its disk; DRBD, which may hold it, is only read past."""
        disk = next(node.disk for node in self.cluster.nodes if node.name == runner.node) or ""
        minor = str(self.cluster.drbd.minor)
        argv = ("drbdmeta", "--force", minor, "v08", disk, "internal", "dump-md")
        return parse_dump(runner.run(argv, timeout=DUMP_S).stdout)

    def _snapshot(self) -> dict[str, Any]:
        """Make a snapshot of a new name: one that a run left which was killed may be older than what is there now."""
        volume = self.volume()
        if volume is None:
            raise Refused(f"{self.runner.node}: {self.disk} is no logical volume any more")
        name = f"{volume.name}-split-brain-{datetime.now(UTC):%Y%m%d%H%M%S}"
        size = () if volume.thin else ("--size", f"{min(volume.free, volume.size)}b")
        argv = ("lvcreate", "--snapshot", "--name", name, *size, f"{volume.group}/{volume.name}")
        self.runner.run(argv, timeout=300)
        return {"device": f"/dev/{volume.group}/{name}", "kib": volume.size // 1024}

    def _write(self, folder: str, manifest: str, say: Say) -> None:
        argv = ("python3", f"{folder}/saved_blocks.py", "save", folder, self.disk)
        told = f"{folder}/blocks"
        follow(
            lambda: self.runner.run(argv, stdin=manifest, timeout=LONGEST_S),
            lambda: say(f"saving: {_size(self.runner, told) >> 10} KiB are written"),
        )


def _of_blocks(mine: Marked, theirs: Marked) -> dict[str, Any]:
    """What both sides have marked, at most to the end of the device that is saved: that much will be overwritten."""
    both = union((mine.extents, theirs.extents))
    extents = [Extent(e.first, min(e.count, mine.device - e.first)) for e in both if e.first < mine.device]
    return {
        "kib": blocks_in(extents) * BLOCK // 1024,
        "own_kib": mine.kib,
        "extents": [[extent.first * BLOCK, extent.count * BLOCK] for extent in extents],
    }


def follow(work: Callable[[], object], look: Callable[[], None]) -> None:
    """Do something long, and look now and then how far it is."""
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(work)
        while wait((done,), timeout=EVERY_S).not_done:
            look()
        done.result()


def _size(runner: Runner, path: str) -> int:
    text = runner.run(("stat", "-c", "%s", path), ok=None).stdout.strip()
    return int(text) if text.isdecimal() else 0


def _lacking(node: str, disk: str, volume: Volume | None, most: int) -> tuple[str, ...]:
    if volume is None:
        return (f"{node}: {disk} is no logical volume: --save blocks",)
    if not volume.thin and volume.free < most + SPARE:
        return (f"{node}: {volume.group} has {volume.free >> 20} MiB free, too little for a snapshot: --save blocks",)
    return ()


def parse_lvs(text: str) -> Volume | None:
    """Read one logical volume from `lvs`; None where there is none."""
    try:
        (row,) = json.loads(text)["report"][0]["lv"]
        free, size = (int(re.sub(r"\D.*", "", row[name])) for name in ("vg_free", "lv_size"))
    except (ValueError, KeyError, IndexError):
        return None
    return Volume(row["vg_name"], row["lv_name"], free, size, thin=bool(row["pool_lv"]))
