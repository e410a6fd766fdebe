"""Every scenario; a module's docstring is its runbook: what breaks, what must happen, within how long."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from pcmk_ha.drill.scenario import Scenario
from pcmk_ha.errors import BadInput, Problem


@cache
def all_scenarios() -> Mapping[str, Scenario]:
    """Return every scenario by name, in the order of names; a module lists its own as SCENARIOS."""
    found: dict[str, Scenario] = {}
    for info in iter_modules(__path__):
        module = import_module(f"{__name__}.{info.name}")
        found |= {scenario.name: scenario.with_runbook(module.__doc__ or "") for scenario in module.SCENARIOS}
    return MappingProxyType(dict(sorted(found.items())))


def find_scenario(name: str) -> Scenario:
    """Return a scenario; raises BadInput with the names closest to it."""
    from difflib import get_close_matches

    scenarios = all_scenarios()
    if name in scenarios:
        return scenarios[name]
    close = get_close_matches(name, scenarios, 3, 0.4)
    hint = f"did you mean {', '.join(close)}?" if close else "`pcmk-ha drill list` shows them"
    raise BadInput([Problem(f"{name}: no such drill", hint)])
