"""PostgreSQL's parameters and login rules, from the files on the volume."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pcmk_ha.model.parts import HbaRule
from pcmk_ha.model.scalars import Scalar
from pcmk_ha.plan.adopt.found import Adopted
from pcmk_ha.plan.parameters import parse_conf

DEFAULTS = ("local all postgres peer", "local replication postgres peer", "host all all samenet scram-sha-256")
METHODS = get_args(HbaRule.model_fields["method"].annotation)
TYPES = get_args(HbaRule.model_fields["type"].annotation)


def parameters_of(text: str) -> dict[str, Scalar]:
    """Return the parameters of a file that we wrote, as a cluster file would say them."""
    return {name: _value(written) for name, written in parse_conf(text).items()}


def _value(written: str) -> Scalar:
    if written.startswith("'"):
        return written[1:-1].replace("''", "'").replace("\\\\", "\\")
    if written in ("on", "off"):
        return written == "on"
    try:
        return int(written)
    except ValueError:
        return float(written)


def rules_of(text: str, out: Adopted) -> Iterator[dict[str, Any]]:
    """Yield the rules of a pg_hba.conf that are not written in any case; what cannot be expressed is noted."""
    for raw in text.splitlines():
        line = " ".join(raw.partition("#")[0].split())
        if not line or line in DEFAULTS:
            continue
        words = line.split()
        local = words[0] == "local"
        if words[0] not in TYPES or len(words) != (4 if local else 5) or words[-1] not in METHODS:
            out.notes.append(f"pg_hba.conf: cannot be expressed and would go: {line}")
            continue
        rule = {"type": words[0], "database": words[1], "user": words[2], "method": words[-1]}
        yield rule if local else rule | {"address": words[3]}
