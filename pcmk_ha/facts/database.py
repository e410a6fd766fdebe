"""What a data directory says of the database in it, running or not: templates/on-node/look-at-database prints it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from pcmk_ha.facts.records import format_time

COMMIT = "desc: COMMIT "


@dataclass(frozen=True)
class Database:
    """One side's database; times are None, and words empty, where they are not known."""

    state: str = ""  # "in production", "shut down", ...
    checkpoint: str = ""  # the last one's LSN
    checkpoint_at: datetime | None = None
    timeline: int = 0
    last_commit: datetime | None = None
    wal_written_at: datetime | None = None  # the newest WAL segment's own time

    def as_dict(self) -> dict[str, object]:
        """Return plain values for JSON."""
        times = {name: getattr(self, name) for name in ("checkpoint_at", "last_commit", "wal_written_at")}
        words = {"state": self.state, "checkpoint": self.checkpoint, "timeline": self.timeline}
        return words | {name: format_time(at) if at else None for name, at in times.items()}


def parse_database(text: str) -> Database | None:
    """Read pg_controldata's output and the two lines after it; None where there is no such output."""
    fields = dict(_field(line) for line in text.splitlines() if ":" in line)
    if "Database cluster state" not in fields:
        return None
    timeline = fields.get("Latest checkpoint's TimeLineID", "")
    return Database(
        state=fields["Database cluster state"],
        checkpoint=fields.get("Latest checkpoint location", ""),
        checkpoint_at=_time(fields.get("Time of latest checkpoint", ""), "%a %b %d %H:%M:%S %Y"),
        timeline=int(timeline) if timeline.isdecimal() else 0,
        last_commit=_commit(text),
        wal_written_at=_epoch(fields.get("newest WAL segment", "")),
    )


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()


def _commit(text: str) -> datetime | None:
    """Read the time out of pg_waldump's line for a commit: `desc: COMMIT 2026-11-28 06:05:21.123456 UTC`."""
    lines = [line.partition(COMMIT)[2] for line in text.splitlines() if COMMIT in line]
    return _time(lines[-1][:26], "%Y-%m-%d %H:%M:%S.%f") if lines else None


def _time(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        return None


def _epoch(text: str) -> datetime | None:
    return datetime.fromtimestamp(int(text), UTC) if text.isdecimal() else None
