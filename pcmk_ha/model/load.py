"""Text to Cluster, or to every problem in it with its line."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pcmk_ha.errors import BadInput, Problem
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.document import Document, parse_document, printable
from pcmk_ha.model.document import Path as Place
from pcmk_ha.model.lint import find_problems

WORDS = {
    "int_parsing": "expected a whole number",
    "int_parsing_size": "expected a whole number",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "finite_number": "expected a whole number",
    "bool_parsing": "expected true or false",
    "bool_type": "expected true or false",
    "string_type": "expected text",
    "ip_any_address": "expected an IP address",
    "model_type": "expected a mapping",
    "model_attributes_type": "expected a mapping",
    "dict_type": "expected a mapping",
    "tuple_type": "expected a list",
    "greater_than_equal": "expected {ge} or more",
    "less_than_equal": "expected {le} or less",
    "literal_error": "expected {expected}",
    "too_long": "expected {max_length} or fewer",
}


def load_cluster(path: Path) -> Cluster:
    """Read a cluster file; raises BadInput with every problem found, in the order of lines."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput([Problem("there is no such file", "`pcmk-ha init` writes a starter", str(path))]) from None
    except UnicodeDecodeError:
        raise BadInput([Problem("this is not UTF-8 text", "", str(path))]) from None
    except OSError as error:
        raise BadInput([Problem(f"cannot be read: {error.strerror}", "", str(path))]) from None
    cluster = load_cluster_text(text, str(path))
    if cluster.ssh_config:  # counts from the file's folder, as every path in it does
        absolute = path.parent.absolute() / Path(cluster.ssh_config).expanduser()
        cluster = cluster.model_copy(update={"ssh_config": str(absolute)})
    return cluster


def load_cluster_text(text: str, name: str = "cluster.yaml") -> Cluster:
    """Read a cluster file's text; raises BadInput as load_cluster does."""
    document = parse_document(text, name)
    if not isinstance(document.value, dict):
        raise BadInput([Problem("expected a mapping with name, nodes and vip", "see `pcmk-ha init`", name, 1)])
    problems = list(document.problems)
    cluster: Cluster | None
    try:
        cluster = Cluster.model_validate(document.value)
    except ValidationError as error:
        problems += _translate(error, document)
        cluster = _without_mistakes(error, document)
    found = ((document.line(place), finding) for place, finding in _lint(cluster, document))
    problems += [Problem(finding.message, finding.hint, name, line) for line, finding in found]
    if cluster is None or problems:
        raise BadInput(sorted(dict.fromkeys(problems), key=lambda problem: problem.line))
    return cluster


def _without_mistakes(error: ValidationError, document: Document) -> Cluster | None:
    """Return the cluster with the wrong keys left out, so that what else is wrong is found in the same run."""
    rest = deepcopy(document.value)
    for detail in error.errors(include_url=False):
        *parents, last = _place(detail["loc"], document.value) or ("",)
        place: Any = rest
        for step in parents:
            _inside, place = _descend(place, step)
        if isinstance(place, dict):
            place.pop(last, None)
    try:
        return Cluster.model_validate(rest)
    except ValidationError:
        return None


def _lint(cluster: Cluster | None, document: Document) -> Iterator[tuple[Place, Problem]]:
    return find_problems(cluster) if cluster else iter(())


def _translate(error: ValidationError, document: Document) -> Iterator[Problem]:
    for detail in error.errors(include_url=False):
        place = _place(detail["loc"], document.value)
        words, hint = _say(detail, place)
        yield Problem(words, hint, document.name, document.line(place))


def _place(location: tuple[int | str, ...], value: Any) -> Place:
    """Return the path in the file: pydantic also names the union member it tried, which is not a key."""
    place: list[int | str] = []
    for step in location[:-1]:
        inside, value = _descend(value, step)
        if inside:
            place.append(step)
    last = location[-1] if location else ""
    is_key = isinstance(value, dict) and last in value
    named = isinstance(last, str) and (last[:1].isupper() or "[" in last or last in ("str", "int", "float", "bool"))
    member = named and not is_key
    return tuple(place) if member else (*place, last)


def _descend(value: Any, step: int | str) -> tuple[bool, Any]:
    if isinstance(value, dict) and step in value:
        return True, value[step]
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return True, value[step]
    return False, value


def _say(detail: ErrorDetails, place: Place) -> tuple[str, str]:
    where = _dotted(place)
    kind, given = detail["type"], detail["input"]
    if kind == "extra_forbidden":
        return _unknown(place)
    if kind == "missing" and place[:1] == ("nodes",) and isinstance(place[-1], int):
        return f"nodes: expected two nodes, found {place[-1]}", "a third voting node is `arbiter:`"
    if kind == "missing":
        return f"{where} is missing", _description(place)
    if kind in ("too_short", "too_long") and place[-1:] == ("nodes",):
        return f"nodes: expected two nodes, found {len(given)}", "a third voting node is `arbiter:`"
    if kind == "string_pattern_mismatch":
        return f"{where}: {_short(given)} is not possible here", _description(place)
    words = detail["msg"][:1].lower() + detail["msg"][1:]
    if kind in WORDS:
        words = WORDS[kind].format(**detail.get("ctx", {}))
    return f"{where}: {words}, found {_short(given)}", _description(place)


def _unknown(place: Place) -> tuple[str, str]:
    known = _keys_at(place[:-1])
    close = get_close_matches(str(place[-1]), known, 1, 0.5)
    hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"
    return f"{_dotted(place)} is not known", hint


def _keys_at(place: Place) -> list[str]:
    model = _model_at(place)
    return list(model.model_fields) if model else []


def _description(place: Place) -> str:
    model = _model_at(place[:-1])
    field = model.model_fields.get(str(place[-1])) if model and place else None
    return (field.description or "") if field else ""


def _model_at(place: Place) -> type[BaseModel] | None:
    """Return the model of a place in the file, None below free-form mappings."""
    model: type[BaseModel] | None = Cluster
    for step in place:
        if isinstance(step, int) or model is None:
            continue
        field = model.model_fields.get(step)
        model = _find_model(field.annotation) if field else None
    return model


def _find_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _find_model(part))), None)


def _dotted(place: Place) -> str:
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{printable(step)}" if text else printable(step)
    return text or "the file"


def _short(value: Any) -> str:
    for kind, words in ((dict, "a mapping"), (list, "a list"), (bool, str(value).lower()), (type(None), "nothing")):
        if isinstance(value, kind):
            return words
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
