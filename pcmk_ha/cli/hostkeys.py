"""Whether to trust a host key that is not known yet."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

import typer


def ask_host_key(*, accept: bool) -> Callable[[str, str], bool]:
    """Return the question: answered by a flag, by a person at a terminal, or with no."""
    one_at_a_time = threading.Lock()

    def ask(host: str, fingerprint: str) -> bool:
        if accept:
            typer.echo(f"{host}: new host key {fingerprint} is trusted from now on", err=True)
            return True
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            return False
        with one_at_a_time:
            return typer.confirm(f"{host} is not known. Its key is {fingerprint}. Trust it?", err=True)

    return ask
