"""What was applied last: kept on every member, so that any machine can plan, and free of secrets.

Two things are told apart. `values` is what the last complete run left behind: what differs from it now was changed by
hand. `ours` is everything that any run since then may have written: what of it the file no longer wants is removed.
It is written down before the first change, so a run that was cut short leaves nothing behind that nobody owns.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pcmk_ha.cib.items import items
from pcmk_ha.desired.postgresql import parameters, quote
from pcmk_ha.desired.values import Desired, File
from pcmk_ha.model.secret import is_secret_name
from pcmk_ha.scrub.patterns import SHOWN

FORMAT = 1


@dataclass(frozen=True)
class Record:
    """One member's record; everything in it may be shown."""

    generation: int = 0
    complete: bool = False
    ours: frozenset[str] = frozenset()  # "file /path", "volume /path", "cib KEY"
    values: Mapping[str, str] = field(default_factory=dict)  # of the same names, and "parameter NAME"
    identity: Mapping[str, str] = field(default_factory=dict)  # what cannot be changed on a cluster that runs
    whole: str = ""  # digest of what all members were given

    def follows(self, wanted: Record) -> bool:
        """Whether this is the complete record of what is wanted."""
        return self.complete and replace(self, generation=0) == wanted


def make_record(desired: Desired, node: str) -> Record:
    """Return what a complete run leaves on a node, its generation open."""
    return replace(_record_of(desired, node), whole=_digest(desired))


def _record_of(desired: Desired, node: str) -> Record:
    values = {
        **{f"file {f.path}": imprint(f) for f in desired.files[node]},
        **{f"volume {f.path}": imprint(f) for f in desired.volume_files},
        **{f"cib {key}": meaning for key, meaning in items(desired.cib, masked=True).items()},
    }
    names = frozenset(name for name in values if not name.startswith("volume "))  # the data is never cleaned up
    return Record(complete=True, ours=names, values=values | _parameters(desired), identity=identity(desired))


def _digest(desired: Desired) -> str:
    plain = [to_json(_record_of(desired, node)) for node in desired.files]
    return hashlib.sha256("\n".join(plain).encode()).hexdigest()


def remember(found: Record | None, wanted: Record) -> Record:
    """Return the record of a run that begins: what it may write is ours from now on."""
    before = found or Record()
    return replace(before, complete=False, ours=before.ours | wanted.ours)


def is_remembered(found: Record | None, wanted: Record) -> bool:
    """Whether a run for what is wanted has begun already, and was written down."""
    return found is not None and not found.complete and found.ours >= wanted.ours


def renewed(found: Record, old: Record, new: Record) -> Record:
    """Return a record in which what was as in `old` is as in `new`: no more and no less was changed."""
    values = {key: new.values[key] if old.values.get(key) == was else was for key, was in found.values.items()}
    return replace(found, values=values, whole=new.whole if found.whole == old.whole else found.whole)


def next_generation(records: Iterable[Record | None], wanted: str) -> int:
    """Return the number of the run that leaves `wanted`: a run that was cut short goes on under its number."""
    known = [record for record in records if record]
    newest = max((record.generation for record in known), default=0)
    begun = any(r.complete and r.whole == wanted and r.generation == newest for r in known)
    return newest if begun else newest + 1


def imprint(file: File) -> str:
    """Return what a file is compared by: digest, mode and owner in one text."""
    return f"{file.digest} {file.mode:o} {file.owner}"


def identity(desired: Desired) -> dict[str, str]:
    """Return what a running cluster cannot be given anew without its data or its members being touched."""
    cluster = desired.cluster
    return {
        "name": cluster.name,
        "the members": ", ".join(node.name for node in cluster.members),
        **{f"{node.name}: disk": str(node.disk) for node in cluster.nodes},
        "drbd.resource": cluster.drbd.resource,
        "drbd.minor": str(cluster.drbd.minor),
        "filesystem.type": cluster.filesystem.type,
        "filesystem.mount_point": cluster.filesystem.mount_point,
        "postgresql.version": str(desired.postgresql_version),
        "postgresql.data_directory": desired.data_directory,
        "postgresql.database": cluster.postgresql.database,
        "postgresql.user": cluster.postgresql.user,
    }


def to_json(record: Record) -> str:
    """Write a record as the text of its file."""
    plain = {**vars(record), "ours": sorted(record.ours), "format": FORMAT}
    return json.dumps(plain, indent=1, sort_keys=True) + "\n"


def parse_record(text: str | None) -> Record | None:
    """Read a record's file; None where there is none, or none that can be read."""
    try:
        plain: dict[str, Any] = json.loads(text or "")
        if plain.get("format") != FORMAT:
            return None
        known = {name: plain[name] for name in Record.__dataclass_fields__}
        return Record(**{**known, "ours": frozenset(known["ours"])})
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _parameters(desired: Desired) -> dict[str, str]:
    wanted = parameters(desired.cluster, desired.postgresql_version)
    return {f"parameter {name}": SHOWN if is_secret_parameter(name) else quote(value) for name, value in wanted.items()}


def is_secret_parameter(name: str) -> bool:
    """Tell whether a PostgreSQL parameter may hold a secret: connection strings do."""
    return is_secret_name(name) or "conninfo" in name.lower()
