"""Faults that only break and do not look: what two faults at once are made of. Pure, but for what the field does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pcmk_ha.drill.scenario import PRIMARY, STANDBY, Field
from pcmk_ha.drill.tricks import kill_process

Blow = Callable[[Field], None]
LINKS = ("cluster", "replication", "all")
DAEMONS = ("corosync", "pacemakerd", "pacemaker-based", "pacemaker-controld", "pacemaker-execd", "pacemaker-fenced")


def all_blows() -> Mapping[str, Blow]:
    """Return every blow by name, in a fixed order; the name says on whom it falls."""
    found: dict[str, Blow] = {"postgresql-killed-on-primary": lambda field: _kill(field, PRIMARY, "postgres")}
    for role in (PRIMARY, STANDBY):
        found[f"power-off-{role}"] = _power_off(role)
        found[f"freeze-{role}"] = _freeze(role)
        found |= {f"cut-{link}-of-{role}": _cut(role, link) for link in LINKS}
        found |= {f"kill-{daemon}-on-{role}": _killer(role, daemon) for daemon in DAEMONS}
    return MappingProxyType(found)


def _node(field: Field, role: str) -> str:
    return {PRIMARY: field.primary, STANDBY: field.standby}[role]


def _power_off(role: str) -> Blow:
    return lambda field: field.power(_node(field, role), "off")


def _freeze(role: str) -> Blow:
    return lambda field: field.freeze(_node(field, role))


def _cut(role: str, link: str) -> Blow:
    return lambda field: field.cut(_node(field, role), link)


def _killer(role: str, daemon: str) -> Blow:
    return lambda field: _kill(field, role, daemon)


def _kill(field: Field, role: str, program: str) -> None:
    kill_process(field, _node(field, role), program)
