"""Cluster property names by Pacemaker version."""

from __future__ import annotations

from pcmk_ha.model.platform import Platform

# Pacemaker 3.0.2 renamed these; the old names are still read (its ChangeLog.md).
RENAMED = {
    "stonith-enabled": "fencing-enabled",
    "stonith-timeout": "fencing-timeout",
    "fence-reaction": "fencing-reaction",
}


def property_name(name: str, platform: Platform) -> str:
    """Return the name a Pacemaker of this version documents."""
    return RENAMED.get(name, name) if platform.pacemaker >= (3, 0, 2) else name
