"""Two CIBs side by side in crm shell syntax, secrets masked."""

from __future__ import annotations

from difflib import unified_diff

from pcmk_ha.cib.crmsh import to_crmsh
from pcmk_ha.cib.mask import mask_secrets
from pcmk_ha.cib.tree import parse_cib

SECRETS_ONLY = "secrets differ"


def diff_lines(live: str, wanted: str) -> tuple[str, ...]:
    """Return a unified diff; where masked texts are the same, only secrets differ and that is said."""
    texts = []
    for text in (live, wanted):
        root = parse_cib(text, "CIB")
        mask_secrets(root)
        texts.append(to_crmsh(root).splitlines())
    return tuple(unified_diff(texts[0], texts[1], "live", "desired", lineterm="")) or (SECRETS_ONLY,)
