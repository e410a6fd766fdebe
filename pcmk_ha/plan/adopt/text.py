"""An adopted cluster as the text of its file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

WORD = re.compile(r"[A-Za-z][A-Za-z_-]*[0-9]*")
RESERVED = ("on", "off", "yes", "no", "true", "false", "null", "y", "n")
HEAD = "# Adopted from a cluster that runs. Look it over, then: pcmk-ha plan\n"


def to_yaml(file: dict[str, Any], notes: Sequence[str] = ()) -> str:
    """Return YAML in the order of a written file; notes stand above it."""
    order = ("name", "nodes", "arbiter", "vip")
    sorted_file = {name: file[name] for name in (*order, *(n for n in file if n not in order)) if name in file}
    text = StringIO()
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 110
    yaml.dump(_plain(sorted_file), text)
    remarks = "".join(f"# * {note}\n" for note in notes)
    return HEAD + (f"# What it cannot say, or what needs a look:\n{remarks}" if notes else "") + text.getvalue()


def _plain(value: Any) -> Any:
    """Quote every text that YAML, of this version or an older one, would take for something else."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, str) and not (WORD.fullmatch(value) and value.lower() not in RESERVED):
        return DoubleQuotedScalarString(value)
    return value
