"""Secrets in a CIB: fence devices keep their logins there, and a screen is no place for them."""

from __future__ import annotations

from pcmk_ha.cib.elements import Element

WORDS = ("passw", "secret", "token", "private")
SHOWN = "********"


def mask_secrets(root: Element) -> None:
    """Replace the value of every parameter whose name says that it is secret, in place."""
    for pair in root.iter("nvpair"):
        name = str(pair.get("name", "")).lower()
        if any(word in name for word in WORDS) and "script" not in name:
            pair.set("value", SHOWN)
