"""PostgreSQL's parameters: what changes, and what a change asks of the server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pcmk_ha.desired.postgresql import parameters, quote
from pcmk_ha.desired.values import Desired
from pcmk_ha.errors import Problem
from pcmk_ha.plan.facts import Facts, Setting
from pcmk_ha.plan.owned import applied, newest
from pcmk_ha.plan.record import is_secret_parameter
from pcmk_ha.scrub.patterns import SHOWN

NEEDS_RESTART = ("postmaster",)
LINE = re.compile(r"^\s*(?P<name>[A-Za-z_][\w.]*)\s*=\s*(?P<value>.*?)\s*$")


@dataclass(frozen=True)
class ParameterChange:
    """One parameter; `old` or `new` is empty where the file does not name it. Values are as in the file."""

    name: str
    old: str
    new: str
    restart: bool

    def __str__(self) -> str:
        values = f"{self.old or 'default'} → {self.new or 'default'}"
        return f"{self.name}: {values} ({'restart' if self.restart else 'reload'})"


def parse_conf(text: str) -> dict[str, str]:
    """Read name and written value of each parameter of a file that we wrote."""
    found = (LINE.match(line) for line in text.splitlines() if not line.lstrip().startswith("#"))
    return {match["name"]: match["value"] for match in found if match}


def parameter_changes(desired: Desired, found: str, settings: Mapping[str, Setting]) -> Iterator[ParameterChange]:
    """Yield what the new file changes against the one found; secrets are masked."""
    old, new = parse_conf(found), wanted_values(desired)
    for name in dict.fromkeys([*new, *old]):
        if old.get(name) != new.get(name):
            restart = name in settings and settings[name].context in NEEDS_RESTART
            yield ParameterChange(name, _shown(name, old.get(name)), _shown(name, new.get(name)), restart)


def wanted_values(desired: Desired) -> dict[str, str]:
    """Return every parameter as it is written."""
    wanted = parameters(desired.cluster, desired.postgresql_version)
    return {name: quote(value) for name, value in wanted.items()}


def needs_restart(desired: Desired, facts: Facts) -> bool:
    """Whether a parameter of ours, new or waiting already, asks for a restart of the server.

    Files that were written and never read may hold one: the server cannot tell yet. The restart itself is left out
    when nothing waits for it then.
    """
    service = facts.service
    if not service.serving:
        return False
    if not service.settings_loaded:
        return True
    known = {*wanted_values(desired), *applied(newest(facts), "parameter")}
    waiting = any(name in known for name in service.pending_restart)
    return waiting or any(c.restart for c in parameter_changes(desired, service.parameters_found, service.settings))


def unknown_parameters(desired: Desired, settings: Mapping[str, Setting]) -> Iterator[Problem]:
    """Yield every parameter that the running server does not know: it would not start again with it."""
    if not settings:
        return
    for name in wanted_values(desired):
        if name.lower() not in settings and "." not in name:
            version = desired.postgresql_version
            yield Problem(f"postgresql.parameters: {name} is no parameter of PostgreSQL {version}", "see pg_settings")


def overridden(desired: Desired, settings: Mapping[str, Setting]) -> Iterator[str]:
    """Yield parameters of ours that another file has the last word on: ALTER SYSTEM wins over every other."""
    for name in wanted_values(desired):
        source = settings[name].source if name in settings else ""
        if source.endswith("postgresql.auto.conf"):
            yield name


def _shown(name: str, value: str | None) -> str:
    if value is None:
        return ""
    return SHOWN if is_secret_parameter(name) else value
