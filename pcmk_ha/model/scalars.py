"""Single values of a cluster file, taken as they stand: no number becomes an address, no `true` a port."""

from __future__ import annotations

import re
from math import isfinite
from typing import Annotated, Any

from pydantic import BeforeValidator, IPvAnyAddress, WithJsonSchema
from pydantic_core import PydanticCustomError

from pcmk_ha.model.secret import EnvSecret, FileSecret, SecretRef

REFERENCE = "{env: NAME} or {file: PATH}"
MAX_SECONDS = 86400 * 366
UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}
DURATION = re.compile(rf"(\d+(?:\.\d+)?) ?({'|'.join(UNITS)})", re.ASCII)


def _not_a_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("whole_number", "expected a whole number")
    return value


def _not_a_number(value: Any) -> Any:
    if isinstance(value, int | float):
        raise PydanticCustomError("address", "expected an IP address")
    return value


def _scalar(value: Any) -> Any:
    if isinstance(value, float) and not isfinite(value):
        raise PydanticCustomError("scalar", "expected a finite number")
    if not isinstance(value, str | int | float):
        raise PydanticCustomError("scalar", "expected text, a number, true or false")
    return value


def _seconds(value: Any) -> float:
    match = DURATION.fullmatch(value) if isinstance(value, str) else None
    if match:
        value = float(match[1]) * UNITS[match[2]]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_SECONDS:
        raise PydanticCustomError("duration", "expected a duration such as 10s, 500ms or 2min")
    return float(value)


def _parameter(value: Any) -> Any:
    if isinstance(value, EnvSecret | FileSecret):
        return value
    if isinstance(value, dict):
        if set(value) not in ({"env"}, {"file"}) or not all(isinstance(v, str) and v for v in value.values()):
            raise PydanticCustomError("reference", f"expected a value, {REFERENCE}")
        return value
    return _scalar(value)


Address = Annotated[IPvAnyAddress, BeforeValidator(_not_a_number)]
Whole = Annotated[int, BeforeValidator(_not_a_boolean)]
Scalar = Annotated[str | int | float | bool, BeforeValidator(_scalar)]
Parameter = Annotated[SecretRef | Scalar, BeforeValidator(_parameter)]
DURATION_SCHEMA = {"anyOf": [{"type": "string", "pattern": f"^{DURATION.pattern}$"}, {"type": "number", "minimum": 0}]}
Duration = Annotated[float, BeforeValidator(_seconds), WithJsonSchema(DURATION_SCHEMA)]  # in seconds, once read
