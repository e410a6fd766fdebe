"""Files in a data directory that make PostgreSQL's next start a recovery, and that the cluster's start would spoil.

ocf:heartbeat:pgsql deletes `backup_label` before it starts the server ("The previous backup might have failed"). For a
base backup that has not been recovered yet that is silent corruption: the server then begins at the wrong checkpoint.
With a signal file it starts, and never becomes what the agent's monitor waits for.
"""

from __future__ import annotations

from pcmk_ha.model.cluster import Cluster

LABELS = ("backup_label", "recovery.signal", "standby.signal", "tablespace_map")
# The first argument is a pattern where the file does not say which version runs.
ASK = f'for d in $1; do for f in {" ".join(LABELS)}; do if [ -e "$d/$f" ]; then printf "%s\\n" "$d/$f"; fi; done; done'
ADVICE = (
    "a base backup must be recovered outside the cluster first: `pcmk-ha restore` does that; "
    "if no backup was copied there, remove the file"
)


def data_directories(cluster: Cluster) -> str:
    """Return where the data is, as a shell pattern: which version is installed is not asked for this."""
    wanted = cluster.postgresql
    return wanted.data_directory or f"{cluster.filesystem.mount_point}/{wanted.version or '[0-9]*'}/main"


def ask_labels(cluster: Cluster) -> tuple[str, ...]:
    """Return the command that names such files; it says nothing where the volume is not mounted."""
    return ("sh", "-c", ASK, "labels", data_directories(cluster))


def parse_labels(text: str) -> tuple[str, ...]:
    """Read their paths."""
    return tuple(line for line in text.splitlines() if line.startswith("/") and line.rpartition("/")[2] in LABELS)


def describe(node: str, path: str) -> str:
    """Say what is wrong with such a file."""
    what = "PostgreSQL's agent deletes it when it starts the server, and the data is corrupt from then on"
    if not path.endswith("/backup_label"):
        what = "the server would start as one that recovers or follows another, not as the one that serves"
    return f"{node}: {path} is there: {what}"
