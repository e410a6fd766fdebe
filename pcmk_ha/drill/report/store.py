"""A run as JSON, and back."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from pcmk_ha.drill.evidence import Run
from pcmk_ha.errors import BadInput, Problem

RUN: TypeAdapter[Run] = TypeAdapter(Run)
RUNS: TypeAdapter[tuple[Run, ...]] = TypeAdapter(tuple[Run, ...])


def dump_run(run: Run) -> str:
    """Return a run as JSON that `load_run` reads back to an equal value."""
    return RUN.dump_json(run, indent=1).decode() + "\n"


def load_run(text: str, name: str = "the file") -> Run:
    """Return a run from its JSON; raises BadInput with the first thing that is wrong, under the file's name."""
    try:
        return RUN.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        said = f"{where}: {first['msg']}" if where else first["msg"]
        raise BadInput([Problem(f"this is no drill's record: {said}", path=name)]) from None


def load_runs(text: str) -> tuple[Run, ...]:
    """Return the runs of what `dump_runs` wrote."""
    return RUNS.validate_json(text)


def dump_runs(runs: Sequence[Run]) -> str:
    """Return several runs as one JSON list."""
    return RUNS.dump_json(tuple(runs), indent=1).decode()
