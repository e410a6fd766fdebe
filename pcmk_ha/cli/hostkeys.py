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


def ask_changed_key(node: str, *, accept: bool) -> Callable[[str, str], bool]:
    """Return the question about another key than before, of a node whose machine is said to be a new one."""

    def ask(host: str, fingerprint: str) -> bool:
        if accept:
            typer.echo(f"{host}: the new machine's host key {fingerprint} is trusted from now on", err=True)
            return True
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            return False
        what = f"{host} has another host key than before: {fingerprint}. Is that the new machine of {node}?"
        return typer.confirm(f"{what} Trust it, and forget the old key?", err=True)

    return ask
