"""YAML as plain values, with the line of every key and item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

from pcmk_ha.errors import BadInput, Problem

Path = tuple[str | int, ...]
MAX_BYTES = 1_000_000
MAX_DEPTH = 40
MAX_VALUES = 20_000  # aliases counted each time they stand for something: a few lines can mean billions


@dataclass(frozen=True)
class Document:
    """A parsed file; `problems` are of its text, whatever the values mean."""

    value: Any
    name: str
    lines: Mapping[Path, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

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
        _check_shape(YAML().compose(text), name)
        tree = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BadInput([Problem(_words(error), "", name, mark.line + 1 if mark else 0)]) from None
    except RecursionError:
        raise BadInput([Problem("nested too deeply", "", name)]) from None
    except YAMLError as error:
        raise BadInput([Problem(f"not YAML: {str(error).splitlines()[0]}", "", name)]) from None
    except (ValueError, TypeError, NotImplementedError, AttributeError, KeyError, ArithmeticError):
        # What ruamel.yaml lets through of tags, directives and numbers that make no sense.
        raise BadInput([Problem("not YAML: a value does not fit its type or tag", "", name)]) from None
    return _Reader(name).read(tree)


def printable(text: str) -> str:
    """Return text that does nothing to a terminal."""
    return text if text.isprintable() else ascii(text)[1:-1]


def _words(error: MarkedYAMLError) -> str:
    """Say what is wrong; values stay out, for they may be secrets."""
    problem = (error.problem or "").strip().partition("\n")[0]
    if "duplicate key" in problem:
        return f'written twice: "{printable(problem.partition(chr(34))[2].partition(chr(34))[0])}"'
    return f"not YAML: {printable(problem)}"


def _check_shape(root: Node | None, name: str) -> None:
    """Raise BadInput for a tree that could not be walked in reasonable time; each node is seen once."""
    sizes: dict[int, int] = {}

    def size_of(node: Node, depth: int) -> int:
        if id(node) not in sizes:
            if depth > MAX_DEPTH:
                raise BadInput([Problem("nested too deeply", "", name, node.start_mark.line + 1)])
            sizes[id(node)] = MAX_VALUES + 1  # met again from inside: it holds itself
            sizes[id(node)] = 1 + sum(size_of(child, depth + 1) for child in _children(node, name))
        return sizes[id(node)]

    if root is not None and size_of(root, 0) > MAX_VALUES:
        raise BadInput([Problem("aliases make this too large to be a cluster file", "", name)])


def _children(node: Node, name: str) -> list[Node]:
    if not isinstance(node, MappingNode):
        return list(node.value) if isinstance(node, CollectionNode) else []
    for key, _value in node.value:
        if not isinstance(key, ScalarNode):
            raise BadInput([Problem("a key must be text", "", name, key.start_mark.line + 1)])
    return [value for _key, value in node.value]


class _Reader:
    """One walk over what ruamel.yaml made, which collects lines and problems on its way."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []

    def read(self, tree: Any) -> Document:
        value = self._plain(tree, ())
        return Document(value, self.name, self.lines, tuple(self.problems))

    def _plain(self, value: Any, path: Path) -> Any:
        if isinstance(value, CommentedMap):
            return {str(key): self._item(value, key, (*path, str(key))) for key in value}
        if isinstance(value, CommentedSeq):
            return [self._item(value, index, (*path, index)) for index in range(len(value))]
        return self._scalar(value, path)

    def _item(self, parent: Any, key: Any, here: Path) -> Any:
        position = parent.lc.data.get(key) if parent.lc.data else None
        if position:
            self.lines[here] = position[0] + 1
        return self._plain(parent[key], here)

    def _scalar(self, value: Any, path: Path) -> Any:
        if isinstance(value, bool) or value is None:
            return value
        for kind in (int, float):
            if isinstance(value, kind):
                return kind(value)
        self._check_text(str(value), path)
        return str(value)

    def _check_text(self, text: str, path: Path) -> None:
        """Nothing we write may hold more than one line, or what XML has no way to say."""
        key = printable(str(path[-1])) if path else "the file"
        line = self.lines.get(path, 1)
        if "\n" in text:
            hint = "a folded block ends with a line break: write it on one line, or use `>-`"
            self.problems.append(Problem(f"{key}: expected one line of text", hint, self.name, line))
        elif not text.replace("\t", "").isprintable():
            self.problems.append(Problem(f"{key}: holds a control character", "", self.name, line))
