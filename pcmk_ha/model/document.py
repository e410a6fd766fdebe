"""YAML as plain values, with the line of every key and item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from pcmk_ha.errors import BadInput, Problem

Path = tuple[str | int, ...]
MAX_BYTES = 1_000_000
MAX_DEPTH = 40


@dataclass(frozen=True)
class Document:
    """A parsed file."""

    value: Any
    lines: Mapping[Path, int]
    name: str

    def line(self, path: Path) -> int:
        """Return the line of the nearest thing that exists on the way to `path`."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def parse_document(text: str, name: str) -> Document:
    """Parse YAML 1.2; raises BadInput for anything that is none, duplicate keys included."""
    if len(text) > MAX_BYTES:
        raise BadInput([Problem("this is too large to be a cluster file", path=name)])
    try:
        tree = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BadInput([Problem(_words(error), "", name, mark.line + 1 if mark else 0)]) from None
    except (YAMLError, ValueError, TypeError, NotImplementedError, AttributeError, KeyError) as error:
        raise BadInput([Problem(f"not YAML: {str(error).splitlines()[0]}", "", name)]) from None
    except RecursionError:
        raise BadInput([Problem("nested too deeply", "", name)]) from None
    lines: dict[Path, int] = {}
    return Document(_plain(tree, (), lines, name), lines, name)


def _words(error: MarkedYAMLError) -> str:
    problem = (error.problem or "not YAML").strip()
    if "duplicate key" in problem:
        return problem.splitlines()[0].replace("found duplicate key", "written twice:")
    return f"not YAML: {problem}"


def _plain(value: Any, path: Path, lines: dict[Path, int], name: str) -> Any:
    if len(path) > MAX_DEPTH:
        raise BadInput([Problem("nested too deeply", "", name)])
    if isinstance(value, CommentedMap):
        return {_key(key): _item(value, key, path, lines, name) for key in value}
    if isinstance(value, CommentedSeq):
        return [_item(value, index, path, lines, name) for index in range(len(value))]
    return _scalar(value)


def _item(parent: Any, key: Any, path: Path, lines: dict[Path, int], name: str) -> Any:
    here = (*path, key if isinstance(key, int) and isinstance(parent, list) else _key(key))
    position = parent.lc.data.get(key) if parent.lc.data else None
    if position:
        lines[here] = position[0] + 1
    return _plain(parent[key], here, lines, name)


def _key(key: Any) -> str:
    return key if isinstance(key, str) else str(key)


def _scalar(value: Any) -> Any:
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value if value is None else str(value)
