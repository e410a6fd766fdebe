"""Finds the data folders: inside a wheel, or beside the package in a checkout."""

from __future__ import annotations

from pathlib import Path

from pcmk_ha.errors import PcmkHaError

PACKAGE = Path(__file__).parent


def find_folder(name: str) -> Path:
    """Return the folder `templates` or `cib`; raises PcmkHaError when the installation lacks it."""
    for place in (PACKAGE / "_data" / name, PACKAGE.parent / name):
        if place.is_dir():
            return place
    raise PcmkHaError(f"the installation lacks its folder {name}/", hint="install pcmk-ha again")
