"""Who listens on which port."""

from __future__ import annotations

import re
from dataclasses import dataclass

LISTENING = ("ss", "-ltunpH")
PROGRAM = re.compile(r'users:\(\("([^"]+)"')


@dataclass(frozen=True)
class Listening:
    """A port somebody has; the kernel's own have no program."""

    protocol: str
    port: int
    program: str = "the kernel"


def parse_listening(text: str) -> tuple[Listening, ...]:
    """Read `ss`: protocol, state, two queues, local address and port, the peer's, and as root the program."""
    found = []
    for line in text.splitlines():
        fields = line.split()
        port = fields[4].rpartition(":")[2] if len(fields) > 4 else ""
        if port.isdigit():
            program = PROGRAM.search(line)
            found.append(Listening(fields[0], int(port), program[1] if program else "the kernel"))
    return tuple(found)
