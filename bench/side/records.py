"""Raw data: a line of JSON for each run; what is there is counted, so that a bench goes on where it ended. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

CONTENDERS = ("pcmk-ha", "pcmk-ha-arbiter", "textbook", "textbook-stock", "patroni", "patroni-fast")
FAULTS = ("power-loss", "switchover", "standby-loss", "postmaster-kill", "freeze", "link-cut")
Record = Mapping[str, Any]
WANTED = ("contender", "fault", "date")
MEASURED = ("outage_s", "lost_rows", "double_primary", "phases")


def parse_records(text: str) -> tuple[Record, ...]:
    """Return every complete record; the last line of a run that was killed while it wrote may be torn."""
    return tuple(_records(text.splitlines()))


def _records(lines: Iterable[str]) -> Iterator[Record]:
    for line in lines:
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and is_record(found):
            yield found


def is_record(found: Record) -> bool:
    """Whether a line has what a run must have: figures, or the reason why there are none."""
    return all(key in found for key in WANTED) and ("failed" in found or all(key in found for key in MEASURED))


def is_measured(record: Record) -> bool:
    """Whether a run came to figures."""
    return "failed" not in record


def missing(
    records: Iterable[Record], contenders: Sequence[str], faults: Sequence[str], runs: int
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return blocks of runs that are still to be made: a contender, and its faults one after the other.

    Every block has each fault at most once and the contenders take turns, so that a machine that is noisy for an
    hour is noisy for all of them. A run that failed counts: it is a result.
    """
    done = Counter((record["contender"], record["fault"]) for record in records)
    blocks = []
    for turn in range(runs):
        for contender in contenders:
            left = tuple(fault for fault in faults if done[contender, fault] <= turn)
            if left:
                blocks.append((contender, left))
    return tuple(blocks)
