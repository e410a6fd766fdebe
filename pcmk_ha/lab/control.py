"""Requests to a lab's supervisor: one line of JSON each way over a Unix socket."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from pcmk_ha.errors import PcmkHaError


def ask(path: Path, request: dict[str, Any], *, timeout_s: float = 30) -> dict[str, Any]:
    """Send a request and return the answer; raises PcmkHaError when it is refused or nobody answers."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout_s)
            connection.connect(str(path))
            connection.sendall(json.dumps(request).encode() + b"\n")
            line = connection.makefile("rb").readline()
        answer: dict[str, Any] = json.loads(line)
    except (OSError, ValueError) as error:
        raise PcmkHaError(f"the lab does not answer ({error})", hint="`pcmk-ha lab down` cleans up") from None
    if "error" in answer:
        raise PcmkHaError(str(answer["error"]))
    return answer
