"""Whether two servers accepted writes at the same time, as their own clients saw it. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from pcmk_ha.client.ledger import Ledger

Instance = tuple[str, str]  # node, when its postmaster started
Turn = tuple[Instance, float]  # who answered, from when on


def double_writers(clients: Mapping[str, Ledger]) -> tuple[str, ...]:
    """Say where a server answered a write after a server on another node had taken over from it.

    All answers are timed by one clock, so no clock error is to be allowed for. An instance that answers again after
    another node's did means that both took writes at the same time, whatever the ledgers have lost. Each pair of
    instances is named once, when it was first seen.
    """
    turns = _turns(clients)
    found: dict[frozenset[Instance], str] = {}
    for index, (instance, at) in enumerate(turns):
        for other, since in _between(turns, index):
            found.setdefault(frozenset((instance, other)), _words(instance, other, at - since))
    return tuple(found.values())


def _turns(clients: Mapping[str, Ledger]) -> Sequence[Turn]:
    """Return who answered one after the other, runs of one instance joined."""
    answers = sorted((answer for ledger in clients.values() for answer in _answers(ledger)), key=lambda a: a[1])
    return [next(run) for _instance, run in groupby(answers, key=lambda answer: answer[0])]


def _answers(ledger: Ledger) -> Iterator[Turn]:
    """Yield who answered each write: the server the client had connected to last."""
    servers = sorted(ledger.servers, key=lambda server: server.at)
    times = [server.at for server in servers]
    for _seq, at in ledger.acknowledged:
        index = bisect_right(times, at)
        if index:
            yield (servers[index - 1].node, servers[index - 1].instance), at


def _between(turns: Sequence[Turn], index: int) -> Iterator[Turn]:
    """Yield the turns of other nodes between this turn of an instance and its turn before."""
    instance = turns[index][0]
    earlier = next((i for i in range(index - 1, -1, -1) if turns[i][0] == instance), index)
    yield from (turn for turn in turns[earlier + 1 : index] if turn[0][0] != instance[0])


def _words(instance: Instance, other: Instance, late_s: float) -> str:
    return (
        f"two servers took writes at the same time: {instance[0]} answered one {late_s:.2f} s after {other[0]} had "
        "taken over from it"
    )
