"""The same question to every node at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pcmk_ha.errors import PcmkHaError
from pcmk_ha.remote.runner import Runner

T = TypeVar("T")


def on_all(nodes: Mapping[str, Runner], ask: Callable[[Runner], T]) -> dict[str, T | PcmkHaError]:
    """Ask every node in a thread of its own; an error we know is that node's answer."""

    def one(runner: Runner) -> T | PcmkHaError:
        try:
            return ask(runner)
        except PcmkHaError as error:
            return error

    if not nodes:
        return {}
    with ThreadPoolExecutor(len(nodes), thread_name_prefix="node") as pool:
        return dict(zip(nodes, pool.map(one, nodes.values()), strict=True))


def need_all(nodes: Mapping[str, Runner], ask: Callable[[Runner], T]) -> dict[str, T]:
    """Ask every node as on_all does; raises the first node's error, in their order."""
    found: dict[str, T] = {}
    for name, answer in on_all(nodes, ask).items():
        if isinstance(answer, PcmkHaError):
            raise answer
        found[name] = answer
    return found
