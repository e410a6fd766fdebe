"""When an update boots a node: apart from all else, for `--help` must load nothing more."""

from __future__ import annotations

from enum import Enum


class Boots(Enum):
    """When a node is booted anew."""

    NEEDED = "needed"
    ALWAYS = "always"  # where anything was changed since it was booted
    NEVER = "never"
