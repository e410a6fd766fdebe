"""What lies where a backup is said to be, and why it cannot be restored."""

from __future__ import annotations

from dataclasses import dataclass

from pcmk_ha.operate.backup.backup import MARGIN, MIB, parse_fields
from pcmk_ha.operate.backup.place import Place
from pcmk_ha.remote.runner import Runner

SPARE = 256 * MIB  # the old data still serves, and must not be stopped by a full disk; and WAL while recovering
# A backup of ours is a folder with the data beside its record. The manifest knows what a packed one will need.
LOOK = """cd /; from=$(realpath -e -- "$1" 2>/dev/null) || exit 0; [ -d "$from" ] || exit 0
data=$2 volume=$3
[ ! -e "$from/data/PG_VERSION" ] || from=$from/data
echo "path=$from"
[ "$from" != "$(realpath -m -- "$data")" ] || echo "is_data=yes"
[ "$(stat -c %d "$from")" != "$(stat -c %d "$volume")" ] || echo "in_volume=yes"
if [ -e "$from/PG_VERSION" ]; then
  echo "kind=directory"; echo "version=$(cat "$from/PG_VERSION")"
  [ -z "$(ls "$from/pg_tblspc")" ] && [ ! -s "$from/tablespace_map" ] || echo "tablespaces=yes"
  [ ! -L "$from/pg_wal" ] || echo "wal_elsewhere=yes"
  [ ! -e "$from/standby.signal" ] || echo "standby=yes"
  [ ! -e "$from/backup_label" ] || echo "label=yes"
  if [ -e "$from/postmaster.pid" ] && kill -0 "$(head -n1 "$from/postmaster.pid")" 2>/dev/null; then echo "runs=yes"; fi
elif set -- "$from"/base.tar*; [ -e "$1" ]; then
  echo "kind=tar"; echo "version=$(tar -xOf "$1" PG_VERSION 2>/dev/null || tar -xOf "$1" ./PG_VERSION 2>/dev/null)"
  echo "label=yes"
  set -- "$from"/[0-9]*.tar*; [ ! -e "$1" ] || echo "tablespaces=yes"
  set -- "$from"/pg_wal.tar*; [ -e "$1" ] || echo "no_wal=yes"
fi
if [ -e "$from/backup_manifest" ]; then
  echo "manifest=yes"
  size=$(grep -o '"Size": [0-9]*' "$from/backup_manifest" | awk '{ sum += $2 } END { printf "%.0f", sum }')
fi
echo "bytes=$({ echo "${size:-0}"; du -sB1 "$from" | cut -f1; } | sort -n | tail -n1)"
echo "available=$(($(stat -f -c '%a * %S' "$volume")))"
"""


@dataclass(frozen=True)
class Source:
    """What was found."""

    path: str = ""  # of the data itself; empty: no such directory
    kind: str = ""  # directory or tar; empty: neither
    version: str = ""
    bytes: int = 0
    available: int = 0  # in the volume
    flags: frozenset[str] = frozenset()

    def has(self, flag: str) -> bool:
        """Whether something was found of it."""
        return flag in self.flags


def look_at_source(runner: Runner, place: Place, path: str) -> Source:
    """Ask the node that has the volume mounted."""
    argv = ("sh", "-c", LOOK, "source", path, place.data, place.mount_point)
    return parse_source(runner.run(argv, timeout=600).stdout)


def parse_source(text: str) -> Source:
    """Read what LOOK prints."""
    found = parse_fields(text)
    return Source(
        path=found.get("path", ""),
        kind=found.get("kind", ""),
        version=found.get("version", "").strip(),
        bytes=int(found.get("bytes") or 0),
        available=int(found.get("available") or 0),
        flags=frozenset(name for name, value in found.items() if value == "yes"),
    )


def reasons_against_source(
    node: str, place: Place, source: Source, *, prepared: bool, drafted: bool = False
) -> tuple[str, ...]:
    """Why it must not, or cannot, be restored; `drafted` when the place where backups are recovered is taken."""
    if not source.kind:
        what = f"{source.path or 'what was named'} on {node} is no base backup"
        return (f"{what}: there is neither PG_VERSION nor base.tar in it",)
    reasons = []
    if source.version != str(place.version):
        reasons.append(f"it is of PostgreSQL {source.version or 'unknown'}, and the cluster runs {place.version}")
    if source.has("is_data"):
        reasons.append("it is the data directory itself: rename it first, with PostgreSQL stopped")
    if drafted and source.path != place.draft:
        reasons.append(f"{place.draft} is there, and no restore was begun: remove it, or name it with --prepared")
    if source.has("runs"):
        reasons.append("a PostgreSQL runs in it")
    if source.has("tablespaces"):
        reasons.append("it has tablespaces: recovery would write where those of the present data are")
    if source.has("wal_elsewhere"):
        reasons.append("its pg_wal is a link to somewhere else")
    if source.has("no_wal"):
        reasons.append("there is no pg_wal.tar in it: pg_basebackup -X stream makes one")
    reasons += _kind(source, prepared=prepared)
    needed = 0 if _is_moved(source, prepared=prepared) else int(source.bytes * MARGIN)
    if source.available < needed + SPARE:
        short = f"{source.available // MIB} MiB are free, {(needed + SPARE) // MIB} MiB are needed"
        reasons.append(f"the volume has not enough space beside the present data: {short} (`pcmk-ha grow`)")
    return tuple(reasons)


def _kind(source: Source, *, prepared: bool) -> list[str]:
    if prepared:
        wrong = ["--prepared is for a data directory, and this is packed"] if source.kind == "tar" else []
        if source.has("standby"):
            wrong.append("it is to be a standby (standby.signal): restore it as a primary (pgbackrest --type)")
        return wrong
    if not source.has("manifest"):
        return ["it has no backup_manifest to verify it by; a directory that another program restored: --prepared"]
    return [] if source.has("label") else ["it has no backup_label: it is no base backup, or somebody started it"]


def _is_moved(source: Source, *, prepared: bool) -> bool:
    return prepared and source.has("in_volume")


def order_kind(source: Source, *, prepared: bool) -> tuple[str, bool]:
    """Return what kind of order it makes, and whether it is moved instead of copied."""
    return ("prepared" if prepared else source.kind), _is_moved(source, prepared=prepared)
