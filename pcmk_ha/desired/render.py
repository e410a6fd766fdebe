"""Jinja2 templates to text; a template that names something missing is an error, never an empty string."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from ipaddress import ip_address
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pcmk_ha.assets import find_folder
from pcmk_ha.desired.postgresql import quote

HEADER = "Written by pcmk-ha from the cluster file; what is changed here is overwritten."


def render(name: str, values: Mapping[str, Any]) -> str:
    """Return a template's text, ending with a newline."""
    text = _environment().get_template(name).render(header=HEADER, **values)
    return text.rstrip("\n") + "\n"


def raw(name: str) -> str:
    """Return a file of templates/ as it stands."""
    return (find_folder("templates") / name).read_text()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(find_folder("templates")),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  configuration files, not HTML; values are checked by the model
    )
    environment.filters["guc"] = quote
    environment.filters["socket"] = _socket
    return environment


def _socket(address: str) -> str:
    """DRBD writes `ipv6 [address]` where it writes a bare IPv4 address."""
    return address if ip_address(address).version == 4 else f"ipv6 [{address}]"
