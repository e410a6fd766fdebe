#!/usr/bin/env python3
"""Prints generated parts into the documents: help blocks where they are marked, keys into docs/cluster-file.md.

With --check nothing is written, and the exit status says whether something would be.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pcmk_ha.model.cluster import Cluster

ROOT = Path(__file__).parent.parent
PROGRAM = str(Path(sys.executable).with_name("pcmk-ha"))
WITH_HELP = ("README.md", "docs/drills.md", "docs/lab.md", "docs/operations.md")
BLOCK = re.compile(r"(<!-- help: (?P<command>[^>]*?) ?-->\n)(?P<body>.*?)(<!-- end -->)", re.DOTALL)


def help_of(command: str) -> str:
    """Return what `--help` prints, at a fixed width."""
    # The commands of this tree, wherever the program is.
    environment = {"COLUMNS": "100", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": "dumb", "HOME": "/root"}
    environment["PYTHONPATH"] = str(ROOT)
    argv = (PROGRAM, *command.split(), "--help")
    done = subprocess.run(argv, capture_output=True, text=True, env=environment, timeout=60, check=True)
    lines = [line.rstrip() for line in done.stdout.strip().splitlines()]
    return "```\n$ pcmk-ha " + f"{command} --help\n".lstrip() + "\n".join(lines) + "\n```\n"


def with_help(document: str) -> str:
    """Return a document with every help block as the program prints it now."""
    text = (ROOT / document).read_text()
    return BLOCK.sub(lambda m: f"{m[1]}{help_of(m['command'])}{m[4]}", text)


def reference() -> str:
    """Return docs/cluster-file.md."""
    head = (ROOT / "docs/cluster-file.head.md").read_text()
    return head + "\n".join(tables(Cluster, "Top level")) + "\n"


def tables(model: type[BaseModel], title: str) -> Iterator[str]:
    """Yield a table for a model and for each model below it."""
    below: list[tuple[str, type[BaseModel]]] = []
    yield f"## {title}\n\n| key | default | meaning |\n|---|---|---|"
    for name, field in model.model_fields.items():
        inner = next(iter(models_in(field.annotation)), None)
        if inner and name not in ("arbiter",):
            below.append((f"`{name}`", inner))
        yield f"| `{name}` | {default_of(field)} | {field.description or (inner.__doc__ or '').splitlines()[0]} |"
    yield ""
    for title_below, inner in below:
        yield from tables(inner, title_below)


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield our own models inside a type, secrets left out."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not annotation.__name__.endswith("Secret"):
            yield annotation
        return
    for part in get_args(annotation):
        yield from models_in(part)


def default_of(field: FieldInfo) -> str:
    """Return a default as a reader wants it."""
    if field.is_required():
        return "**required**"
    if field.default is None or isinstance(field.default, BaseModel) or field.default in ((), {}):
        return ""
    value = str(field.default).lower() if isinstance(field.default, bool) else field.default
    return f"`{value}`"


def main() -> int:
    """Write, or with --check compare."""
    stale = 0
    written = {ROOT / name: with_help(name) for name in WITH_HELP} | {ROOT / "docs/cluster-file.md": reference()}
    for path, text in written.items():
        old = path.read_text() if path.exists() else ""
        if old != text:
            stale += 1
            print(f"{path.name}: stale" if "--check" in sys.argv else f"{path.name}: written")
            if "--check" not in sys.argv:
                path.write_text(text)
    return stale if "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
