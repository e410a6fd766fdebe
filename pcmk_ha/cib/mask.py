"""Secrets in a CIB: fence devices keep their logins there, and a screen is no place for them."""

from __future__ import annotations

from pcmk_ha.cib.elements import Element
from pcmk_ha.model.secret import is_secret_name
from pcmk_ha.scrub.patterns import SHOWN


def secrets_in(root: Element) -> set[str]:
    """Return the values that mask_secrets would replace."""
    pairs = (pair for pair in root.iter("nvpair") if is_secret_name(str(pair.get("name", ""))))
    return {value for pair in pairs if (value := str(pair.get("value", ""))) not in ("", SHOWN)}


def mask_secrets(root: Element) -> None:
    """Replace the value of every parameter whose name says that it is secret, in place."""
    for pair in root.iter("nvpair"):
        if is_secret_name(str(pair.get("name", ""))):
            pair.set("value", SHOWN)
