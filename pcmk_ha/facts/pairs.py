"""Versions that two nodes of one cluster must not run at the same time. Small, and every entry with its source."""

from __future__ import annotations

from collections.abc import Iterator

from pcmk_ha.facts.versions import upstream


def bad_pairs(what: str, new: str, other: str) -> Iterator[str]:
    """Yield why a node that has `new` and one that still has `other` cannot be members of one cluster."""
    ours, theirs = upstream(new), upstream(other)
    if not ours or not theirs:
        return
    checks = {"pacemaker": _pacemaker, "corosync": _corosync, "drbd": _drbd}
    yield from checks[what](ours, theirs)


def _pacemaker(new: tuple[int, ...], other: tuple[int, ...]) -> Iterator[str]:
    # "Version Compatibility Table" in Pacemaker Administration, Upgrading a Pacemaker Cluster, Rolling: 2.y.z from
    # 1.1.11 on, and 3.y.z from 2.0.0 on. Within them the feature set may differ while nodes are updated.
    if new < other:
        return
    if (new >= (3,) and other < (2,)) or (new >= (2,) and other < (1, 1, 11)):
        yield f"Pacemaker {_dots(new)} does not join a cluster of Pacemaker {_dots(other)}"


def _corosync(new: tuple[int, ...], other: tuple[int, ...]) -> Iterator[str]:
    # corosync.conf(5) of 3.x: `transport` is knet, which 2.x does not know; udp and udpu have no encryption any more.
    if new[0] != other[0]:
        yield f"Corosync {_dots(new)} and {_dots(other)} do not understand each other"


def _drbd(new: tuple[int, ...], other: tuple[int, ...]) -> Iterator[str]:
    # drbd/drbd_config.h of 9.2: protocols 86-101 (8.4) and from 118 (9.0.26) on are accepted, 110-117 "_rejected_
    # because of bugs in the backward compat path [...] That is 9.0.0 to 9.0.25 inclusive". 8.4 and 9 would connect, but
    # want other configuration files.
    older, newer = sorted((new, other))
    if older[0] != newer[0]:
        yield f"DRBD {_dots(older)} and {_dots(newer)} want different configuration files"
    elif (9,) <= older < (9, 0, 26) and newer >= (9, 1):
        yield f"DRBD {_dots(newer)} does not connect to {_dots(older)}: 9.0.26 or later comes in between"


def _dots(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
