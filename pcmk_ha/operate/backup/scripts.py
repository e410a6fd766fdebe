"""What runs on the node that has the volume mounted.

Each looks whether it is mounted: below an empty mount point lies the node's own disk.
"""

from __future__ import annotations

MOUNTED = 'set -eu; umask 077; cd /; mountpoint -q "$1" || { echo "$1 is not mounted here" >&2; exit 9; }\n'

# part, draft, data, tag
LOOK = (
    'cd /; mountpoint -q "$1" || exit 0; echo "mounted=yes"\n'
    '[ ! -d "$2" ] || echo "drafted=yes"; [ ! -d "$3" ] || echo "data=yes"\n'
    '[ "$(cat "$3/.pcmk-ha-restored" 2>/dev/null)" != "$4" ] || echo "swapped=yes"\n'
    '[ "$(cat "$2/.pcmk-ha-restored" 2>/dev/null)" != "$4" ] || echo "tagged=yes"\n'
    "for f in backup_label recovery.signal standby.signal tablespace_map postmaster.pid; do "
    '[ ! -e "$2/$f" ] || echo "labelled=yes"; done\n'
    '[ ! -d "$2" ] || echo "state=$(LC_ALL=C "$5/pg_controldata" -D "$2" | sed -n "s/^Database cluster state: *//p")"\n'
)

# mount point, source, part, draft, kind, programs. The copy is verified, not what it was made from.
COPY = (
    MOUNTED
    + """from=$2 part=$3 draft=$4 kind=$5 bin=$6
rm -rf -- "$part"
install -d -o postgres -g postgres -m 0700 -- "$part"
if [ "$kind" = tar ]; then
  tar -xf "$(ls "$from"/base.tar*)" -C "$part"
  mkdir -p "$part/pg_wal"
  tar -xf "$(ls "$from"/pg_wal.tar*)" -C "$part/pg_wal"
  cp -- "$from/backup_manifest" "$part/"
else
  cp -a -- "$from/." "$part/"
fi
chown -R postgres:postgres "$part"
chmod 0700 "$part"
if [ "$kind" != prepared ]; then
  runuser -u postgres -- "$bin/pg_verifybackup" -q "$part"
  [ -e "$part/backup_label" ] || { echo "there is no backup_label in it" >&2; exit 8; }
  install -o postgres -g postgres -m 0600 /dev/null "$part/recovery.signal"
fi
if [ -s "$part/tablespace_map" ] || [ -n "$(ls "$part/pg_tblspc")" ] || [ -L "$part/pg_wal" ]; then
  echo "it has tablespaces, or its WAL is elsewhere" >&2; exit 8
fi
rm -f -- "$part/postmaster.pid" "$part/postmaster.opts" "$part/.pcmk-ha-restored"
sync -f "$part"
mv -T -- "$part" "$draft"
sync -f "$draft"
"""
)

# mount point, source, draft
MOVE = MOUNTED + 'mv -T -- "$2" "$3"; sync -f "$3"\n'

# mount point, draft, data: a directory that comes without configuration of its own takes the present one.
PREPARE = (
    MOUNTED
    + """draft=$2 data=$3
chown -R postgres:postgres "$draft"
chmod 0700 "$draft"
rm -f -- "$draft/postmaster.pid" "$draft/postmaster.opts"
for f in postgresql.conf pg_ident.conf; do
  if [ ! -e "$draft/$f" ] && [ -e "$data/$f" ]; then cp -a -- "$data/$f" "$draft/$f"; fi
done
"""
)

# mount point, draft, programs, id: nothing is handed over that the cluster's start could spoil.
SEAL = (
    MOUNTED
    + """draft=$2
for f in backup_label recovery.signal standby.signal tablespace_map postmaster.pid; do
  [ ! -e "$draft/$f" ] || { echo "$draft/$f is still there" >&2; exit 7; }
done
state=$(LC_ALL=C "$3/pg_controldata" -D "$draft" | sed -n 's/^Database cluster state: *//p')
[ "$state" = "shut down" ] || { echo "the recovered data is \\"$state\\", not shut down" >&2; exit 7; }
printf '%s' "$4" > "$draft/.pcmk-ha-restored"
chown postgres:postgres "$draft/.pcmk-ha-restored"
sync -f "$draft"
"""
)

# mount point, from, to, programs: of the two renames each leaves a state that is known. In between there is no data
# directory, and nothing could start without one.
RENAME = (
    MOUNTED
    + """[ ! -e "$3" ] || { echo "$3 is there already" >&2; exit 6; }
if [ -e "$2/postmaster.pid" ] && runuser -u postgres -- "$4/pg_ctl" -D "$2" status > /dev/null; then
  echo "a PostgreSQL runs in $2" >&2; exit 6
fi
mv -T -- "$2" "$3"
sync -f "$(dirname -- "$3")"
"""
)

# mount point, data, marker
FINISH = MOUNTED + 'rm -f -- "$2/.pcmk-ha-restored"; sync -f "$1"; rm -f -- "$3"; sync -f "$1"\n'

# mount point, part, draft, marker, source: empty unless it was moved. Nothing goes but what was copied here.
ABANDON = (
    MOUNTED
    + """rm -rf -- "$2"
if [ -d "$3" ]; then
  if [ "$5" = "$3" ]; then : # it was restored there, and stays
  elif [ -n "$5" ]; then rm -f -- "$3/.pcmk-ha-restored"; mv -T -- "$3" "$5"; else rm -rf -- "$3"; fi
fi
rm -f -- "$4"; sync -f "$1"
"""
)
