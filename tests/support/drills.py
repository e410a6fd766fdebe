"""Synthetic drills: clients that write evenly, and what may be planted in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from pcmk_ha.client.ledger import Ledger, Server
from pcmk_ha.drill.evidence import Event, Run, Sample, Span
from pcmk_ha.drill.spans import find_spans

T0 = 1_764_016_000.0  # a drill's fault strikes here
EVERYTHING = frozenset(("Primary", "mounted", "VIP", "PostgreSQL"))
NODE1, NODE2 = Server(T0 - 60, "node1", "a", 1), Server(T0 + 9, "node2", "b", 1)


def ledger(*gaps: tuple[float, float], until: float = 60.0, every: float = 0.05, rows: int = 0) -> Ledger:
    """A client that writes from 10 s before the fault until `until` after it, but not in the gaps (after the fault)."""
    times = [T0 - 10 + n * every for n in range(rows or int((until + 10) / every))]
    acks = [at for at in times if not any(T0 + begin < at < T0 + end for begin, end in gaps)]
    numbered = tuple(enumerate(acks, 1))
    return Ledger(numbered, (), tuple(seq for seq, _at in numbered), T0 - 10, T0 + until, (NODE1, NODE2))


def answered(server: Server, *times: float, first: int = 1) -> Ledger:
    """A client of one server that was answered at these seconds after the fault."""
    acks = tuple((seq, T0 + at) for seq, at in enumerate(times, first))
    return Ledger(acks, found=tuple(seq for seq, _at in acks), began=acks[0][1], ended=acks[-1][1], servers=(server,))


def looks(
    node: str, begin: float, end: float, *, boot: str = "1", has: Iterable[str] = EVERYTHING, every: float = 0.2
) -> list[Sample]:
    """What a node saw of itself, in seconds after the fault."""
    count = round((end - begin) / every) + 1
    return [Sample(node, boot, T0 + begin + n * every, frozenset(has)) for n in range(count)]


def failover_spans() -> tuple[Span, ...]:
    """What both nodes saw in a failover after a power cut."""
    standby = looks("node2", -10, 6, has=())
    return find_spans(
        looks("node1", -10, 0) + standby + looks("node2", 7, 60) + looks("node1", 30, 60, boot="2", has=())
    )


def failover(**changes: object) -> Run:
    """A failover in which everything was as it should be."""
    run = Run(
        scenario="primary-power-loss", cluster="pgha", date="2026-11-24T20:26:40Z", struck_at=T0, ended_at=T0 + 60,
        primary="node1", clients={"steady": ledger((0, 9)), "fresh": ledger((0, 9.4)), "naive": ledger((0, 40))},
        spans=failover_spans(), redundant_after_s=41.5, serves="node2", fenced=("node1",), limit_s=30,
        roles={"primary": "node1", "standby": "node2"}, conditions={"suite": "trixie", "votes": "2"},
        events=FAILOVER_EVENTS, runbook=RUNBOOK,
    )  # fmt: skip
    return replace(run, **changes)  # type: ignore[arg-type]


RUNBOOK = """The primary loses its power.

What breaks: the machine that serves goes dark, as if its plug was pulled, under writing clients.
What must happen: the survivor fences it, is promoted, and serves through the same VIP with every
acknowledged row. The dead node is switched on by the fencing, rejoins, and copies what it missed.
Within: 30 s (detection 2 s, fencing delay with two votes 3 s, fencing, promotion, crash recovery).
"""
FAILOVER_EVENTS = tuple(
    Event(T0 + at, "node2", phase, text)
    for at, phase, text in (
        (1.05, "", "corosync: [TOTEM ] A processor failed, forming new configuration: token timed out (1000ms)"),
        (2.31, "detected", "corosync: [TOTEM ] A new membership (2.1f) was formed. Members left: 1"),
        (5.42, "fencing asked", "pacemaker-fenced: notice: Requesting peer fencing (reboot) targeting node1"),
        (6.55, "fenced", "pacemaker-fenced: notice: Operation 'reboot' targeting node1 by node2 for x@node2: OK"),
        (7.1, "promoted", "kernel: block drbd0: role( Secondary -> Primary )"),
        (7.3, "mounted", "kernel: EXT4-fs (drbd0): mounted filesystem with ordered data mode"),
        (7.52, "VIP up", "IPaddr2(pg_vip): INFO: Adding inet address 10.77.0.100/24 to device eth0"),
        (8.8, "PostgreSQL started", "postgres: LOG:  database system is ready to accept connections"),
        (38.0, "", "kernel: block drbd0: Resync done (total 1 sec; paused 0 sec; 2048 K/sec)"),
    )
)


class Recorder:
    """A field that only remembers what a scenario asked of it."""

    primary, standby, arbiter = "node1", "node2", "arbiter"

    def __init__(self) -> None:
        self.did: list[str] = []

    def __getattr__(self, verb: str) -> Callable[..., None]:
        return lambda *words: self.did.append(" ".join([verb, *map(str, words)]))
