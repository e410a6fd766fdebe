"""A physical base backup of the node that serves, into a directory there.

The node makes it by itself: copy, verification and record are one unit, whose end is one rename. So a backup that has
its name is whole and verified, and one that was cut short is only a hidden directory that the next run removes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pcmk_ha.errors import PcmkHaError, Refused
from pcmk_ha.facts.records import BackedUp
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.backup.job import Job
from pcmk_ha.operate.backup.place import Place
from pcmk_ha.operate.look.service import Service
from pcmk_ha.operate.records import read_records
from pcmk_ha.operate.tell import Say
from pcmk_ha.remote.runner import Runner

UNIT = "pcmk-ha-backup.service"
MIB = 1 << 20
MARGIN = 1.1  # what is written while it is copied comes along as WAL
# Blocks, of which there are holes in some files; `stat -f` is of the file system.
LOOK = """cd /; [ -d "$1" ] || exit 0; echo "directory=yes"
[ "$(stat -c %d "$1")" != "$(stat -c %d "$2")" ] || echo "in_volume=yes"
echo "available=$(($(stat -f -c '%a * %S' "$1")))"
echo "needed=$(du -sB1 "$3" 2>/dev/null | cut -f1)"
[ -z "$(ls "$3/pg_tblspc" 2>/dev/null)" ] || echo "tablespaces=yes"
runuser -u postgres -- psql -X -h /run/postgresql -p "$4" -d 'dbname=postgres replication=1' -c IDENTIFY_SYSTEM \
  > /dev/null 2>&1 && echo "replicates=yes"
true"""
MAKE = """set -eu; umask 077; cd /
to=$1 name=$2 bin=$3 port=$4 cluster=$5 node=$6 rate=$7; part="$to/.$cluster.partial"
rm -rf -- "$part"
install -d -o postgres -g postgres -m 0700 -- "$part"
begin=$(date +%s)
runuser -u postgres -- "$bin/pg_basebackup" -h /run/postgresql -p "$port" -w -D "$part/data" -X stream -c fast \
  -l "pcmk-ha $name" ${rate:+--max-rate="$rate"}
runuser -u postgres -- "$bin/pg_verifybackup" -q "$part/data"
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
printf '{"cluster": "%s", "node": "%s", "at": "%s", "postgresql": "%s", "bytes": %s, "wal": "%s", "seconds": %s}\\n' \
  "$cluster" "$node" "$now" "$(cat "$part/data/PG_VERSION")" "$(du -sB1 "$part/data" | cut -f1)" \
  "$(sed -n 's/^START WAL LOCATION: //p' "$part/data/backup_label")" "$(($(date +%s) - begin))" > "$part/backup.json"
sync -f "$part"
mv -T -- "$part" "$to/$name"
sync -f "$to"
crm_attribute --node "$node" --name pcmk-ha-backed-up --update "$now $to/$name"
"""


@dataclass(frozen=True)
class Room:
    """What was found of a destination on the node that serves."""

    directory: bool = False
    in_volume: bool = False
    available: int = 0
    needed: int = 0
    tablespaces: bool = False
    replicates: bool = False


def parse_fields(text: str) -> dict[str, str]:
    """Read lines of name=value."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def parse_room(text: str) -> Room:
    """Read what LOOK prints."""
    found = parse_fields(text)
    return Room(
        directory="directory" in found,
        in_volume="in_volume" in found,
        available=int(found.get("available") or 0),
        needed=int(found.get("needed") or 0),
        tablespaces="tablespaces" in found,
        replicates="replicates" in found,
    )


def reasons_against_backup(node: str, to: str, room: Room) -> tuple[str, ...]:
    """Why no backup can be made there now."""
    if not room.directory:
        return (f"{to} is no directory on {node}, which serves: make it, or mount what belongs there",)
    reasons = []
    if room.in_volume:
        reasons.append(f"{to} is in the replicated volume: a backup there is lost with what it is for, and fills it")
    if room.available < room.needed * MARGIN and not room.in_volume:
        short = f"{room.available // MIB} MiB are free, the data has {room.needed // MIB} MiB"
        reasons.append(f"{to} on {node} has not enough space: {short}")
    if room.tablespaces:
        reasons.append("there are tablespaces outside the data directory: their paths would be taken at the restore")
    if not room.replicates:
        reasons.append(
            "PostgreSQL takes no replication connection over its socket (pg_hba.conf, max_wal_senders): "
            "on a cluster built by an older version `pcmk-ha apply` adds the rule"
        )
    return tuple(reasons)


@dataclass(frozen=True)
class Backup:
    """One run."""

    cluster: Cluster
    nodes: Mapping[str, Runner]
    place: Place

    def serving(self, service: Service) -> Runner:
        """Return the node that serves; raises Refused where none does, or none that answers."""
        if service.database_on not in self.nodes:
            where = f"{service.database_on} does not answer" if service.database_on else "the service is not up"
            raise Refused(f"{where}: there is nothing to back up", hint="`pcmk-ha status`; nothing was touched")
        return self.nodes[service.database_on]

    def job(self, runner: Runner) -> Job:
        """Return its unit."""
        return Job(runner, UNIT)

    def check(self, runner: Runner, to: str) -> Room:
        """Return what was found of the destination; raises Refused with every reason."""
        argv = ("sh", "-c", LOOK, "look", to, self.place.mount_point, self.place.data, str(self.place.port))
        room = parse_room(runner.run(argv, timeout=600).stdout)
        if reasons := reasons_against_backup(runner.node, to, room):
            raise Refused("; ".join(reasons), hint="nothing was touched")
        return room

    def begin(self, runner: Runner, to: str, now: datetime, *, max_rate_mib: int) -> None:
        """Have the node make one by itself."""
        name = f"{self.cluster.name}-{now.strftime('%Y%m%dT%H%M%SZ')}"
        rate = f"{max_rate_mib}M" if max_rate_mib else ""
        place = self.place
        argv = (
            "sh", "-c", MAKE, "backup", to, name, place.programs, str(place.port), self.cluster.name, runner.node, rate,
        )  # fmt: skip
        self.job(runner).start(argv, "Nice=10", "IOSchedulingClass=best-effort", "IOSchedulingPriority=7")

    def follow(self, runner: Runner, to: str, needed: int, say: Say) -> BackedUp:
        """Wait until it is whole and verified, and return what was recorded."""
        argv = ("du", "-sB1", f"{to}/.{self.cluster.name}.partial")
        before = read_records(runner).backed_up

        def watch() -> None:
            size = runner.run(argv, ok=None).stdout.split()[:1]
            done = int(size[0]) if size and size[0].isdigit() else 0
            of = f" of about {needed // MIB}" if needed else ""
            say(f"{runner.node} makes a base backup: {done // MIB}{of} MiB")

        self.job(runner).follow("the backup", watch)
        found = read_records(runner).backed_up
        if found is None or found == before:
            raise PcmkHaError(f"{runner.node}: no backup was recorded", hint=f"journalctl -u {UNIT}")
        return found
