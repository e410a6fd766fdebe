"""The README.txt of a bundle: what is what, what is missing, and what was done about secrets."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from pcmk_ha.operate.report.gather import Missing
from pcmk_ha.operate.report.items import Item


def readme(
    title: str, members: Sequence[str], down: Mapping[str, str], wanted: Sequence[Item], missing: Collection[Missing],
    *, local: Mapping[str, str], unknown: Sequence[str],
) -> str:  # fmt: skip
    """Return the text; `unknown` names secrets whose values were not at hand."""
    parts = (
        (title, "=" * len(title), ""),
        _members(members, down),
        ("In the folder of each node:", "", *(f"  {item.path:24} {item.what}" for item in wanted), ""),
        ("Beside them:", "", *(f"  {name:24} {what}" for name, what in local.items()), ""),
        _secrets(unknown),
        _missing(missing),
    )
    return "\n".join(line for part in parts for line in part) + "\n"


def _members(members: Sequence[str], down: Mapping[str, str]) -> Iterator[str]:
    yield f"Members that answered: {', '.join(members) or 'none'}"
    for name, why in down.items():
        yield f"Did not answer: {name}: {why}"
    yield ""


def _secrets(unknown: Sequence[str]) -> Iterator[str]:
    yield "Secrets were taken out on the machine that made this file, before anything was written: every known one,"
    yield "in all the forms it may be written in, and whatever looks like one. ******** stands for each. Then the"
    yield "file was read back and searched for the known ones. Corosync's key was never read."
    for name in unknown:
        yield f"Not known where this was made, so taken out by patterns alone: {name}"
    yield "What is left still says much about your machines: addresses, names, who connected."
    yield ""


def _missing(missing: Collection[Missing]) -> Iterator[str]:
    if missing:
        yield "Not in here:"
        yield ""
        yield from (f"  {m.node}: {m.what}: {m.why}" for m in missing)
