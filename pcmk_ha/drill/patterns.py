"""Lines of logs that are worth knowing, as Corosync 3, Pacemaker 2.1 and 3.0, DRBD 8.4 and 9 and PostgreSQL write them.

Resource names are those of our own configuration. The first pattern that fits a line counts, so one with a phase
stands before a wider one without.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Steps of a failover, in the order in which they usually come.
DETECTED, ASKED, FENCED = "detected", "fencing asked", "fenced"
PROMOTED, MOUNTED, STARTED, VIP_UP, FIRST_WRITE = "promoted", "mounted", "PostgreSQL started", "VIP up", "first write"
STEPS = (DETECTED, ASKED, FENCED, PROMOTED, MOUNTED, STARTED, VIP_UP, FIRST_WRITE)


@dataclass(frozen=True)
class Pattern:
    """What a program must have written for a line to mean a phase, or to be only good to know."""

    program: re.Pattern[str]
    text: re.Pattern[str]
    phase: str = ""

    def fits(self, program: str, text: str) -> bool:
        """Return whether a line is meant."""
        return bool(self.program.fullmatch(program) and self.text.search(text))


def _pattern(program: str, text: str, phase: str = "") -> Pattern:
    return Pattern(re.compile(program), re.compile(text), phase)


_DONE = r"(?i:(?:0 \()?ok\b)"

JOURNAL = (
    _pattern("corosync", r"Members(?: joined: [\d ]+)? left: \d|Sync left\[[1-9]", DETECTED),
    _pattern("pacemaker-controld", r"Node \S+ state is now lost", DETECTED),
    _pattern("pacemaker-controld", r"Requesting fencing \((?:reboot|off)\)", ASKED),
    _pattern("pacemaker-fenced", r"Requesting peer fencing \((?:reboot|off)\)", ASKED),
    _pattern("pacemaker-fenced", r"Operation '(?:reboot|off)'.* targeting \S+ by \S+ for \S+: OK\b", FENCED),
    _pattern("pacemaker-controld", r"Peer \S+ was terminated \((?:reboot|off)\) by .*: OK\b", FENCED),
    _pattern("kernel", r"^(?:block )?drbd\S* .*\brole\( \w+ -> Primary \)", PROMOTED),
    _pattern("pacemaker-controld", rf"Result of promote operation for drbd_\S+ on \S+: {_DONE}", PROMOTED),
    _pattern("kernel", r"^EXT4-fs \(drbd\d+\): mounted filesystem", MOUNTED),
    _pattern("kernel", r"^XFS \(drbd\d+\): Ending (?:clean mount|recovery)", MOUNTED),
    _pattern("pacemaker-controld", rf"Result of start operation for pg_fs on \S+: {_DONE}", MOUNTED),
    _pattern(r"pgsql\(pg_server\)", r"PostgreSQL is started", STARTED),
    _pattern("pacemaker-controld", rf"Result of start operation for pg_server on \S+: {_DONE}", STARTED),
    _pattern(r"IPaddr2\(pg_vip\)", r"Adding inet6? address", VIP_UP),
    _pattern("pacemaker-controld", rf"Result of start operation for pg_vip on \S+: {_DONE}", VIP_UP),
    # Only good to know.
    _pattern("corosync", r"processor failed|link: \d+ is (?:down|up)|Members joined|the (?:non-)?primary component"),
    _pattern("kernel", r"^(?:block )?drbd.*(?:\b(?:role|peer|conn|disk|pdsk)\( |helper returned|Resync done|PingAck)"),
    _pattern("kernel", r"^(?:EXT4-fs|XFS) \(drbd\d+\): "),
    _pattern("kernel", r"^(?:Linux version|sysrq|Kernel panic|reboot: )"),
    _pattern("pacemaker-controld", r"Result of (?:start|stop|promote|demote) operation for (?:drbd_|pg_)"),
    _pattern(
        "pacemaker-controld", r"Result of monitor operation for (?:drbd_|pg_)\S+ on \S+: (?!OK|ok|Promoted|promoted)"
    ),
    _pattern("pacemaker-controld", r"Node \S+ state is now |Peer \S+ was (?:not )?terminated|[Qq]uorum (?:lost|acq)"),
    _pattern("pacemaker-fenced", r"Delaying '|Operation '(?:reboot|off)'.* targeting \S+ (?:by|using)"),
    _pattern("pacemaker-schedulerd", r"will be fenced|Actions: Fence|[Nn]o quorum"),
    _pattern("drbd-(?:un)?fence-peer", r""),
    _pattern(r"IPaddr2\(pg_vip\)", r"Adding|Deleting|Removing"),
    _pattern(r"pgsql\(pg_server\)", r"PostgreSQL (?:start command sent|is (?:started|stopped))|server start"),
)

_SERVER_LIFE = (
    r"starting PostgreSQL|was interrupted|not properly shut down|redo (?:starts|done|is not)|received .* shutdown|"
    r"database system is shut down|terminated by signal|all server processes terminated"
)
POSTGRESQL = (
    _pattern("postgres", r"^LOG:  database system is ready to accept connections", STARTED),
    _pattern("postgres", rf"^LOG:  .*(?:{_SERVER_LIFE})|^PANIC:  "),
)
