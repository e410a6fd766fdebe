"""Takes known secrets and what looks like one out of texts, and finds known ones that are left."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from pcmk_ha.scrub.forms import needles
from pcmk_ha.scrub.patterns import SHOWN, mask_patterns

LINE_BREAK = re.compile(r"\r?\n[ \t]*")
ESCAPED_BREAK = re.compile(r"\\?\r?\n[ \t]*")
BLANKS = re.compile(r"\s+")


@dataclass(frozen=True)
class Scrubber:
    """Knows secrets in all their forms; without any it goes by patterns alone."""

    _needles: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def knowing(cls, values: Iterable[str], keys: Iterable[bytes] = ()) -> Scrubber:
        """Return one that knows secret texts, and secret keys that are bytes."""
        return cls(needles(values, keys))

    def text(self, text: str) -> str:
        """Return a text without secrets."""
        for needle in self._needles:
            text = text.replace(needle, SHOWN)
        return mask_patterns(_cut_out(text, self._spans(text)))

    def finds_in(self, text: str) -> bool:
        """Whether a known secret stands in a text, in any form, broken across lines or not."""
        return any(needle in text for needle in self._needles) or any(self._spans(text))

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where a secret stands with line breaks in it; those with blanks of their own, with any blanks."""
        yield from _broken(text, LINE_BREAK, self._needles)
        if "\\\n" in text or "\\\r" in text:
            yield from _broken(text, ESCAPED_BREAK, self._needles)
        spaced = tuple(BLANKS.sub("", needle) for needle in self._needles if BLANKS.search(needle))
        yield from _broken(text, BLANKS, tuple(needle for needle in spaced if needle))


def _broken(text: str, breaks: re.Pattern[str], wanted: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    if not wanted:
        return
    # Pieces between breaks, and where each begins: in the text, and in all pieces put together.
    starts, pieces, at = [], [], 0
    for found in breaks.finditer(text):
        starts.append(at)
        pieces.append(text[at : found.start()])
        at = found.end()
    starts.append(at)
    pieces.append(text[at:])
    joined = "".join(pieces)
    offsets = [0, *accumulate(len(piece) for piece in pieces[:-1])]

    def original(position: int) -> int:
        piece = bisect_right(offsets, position) - 1
        return starts[piece] + position - offsets[piece]

    for needle in wanted:
        at = joined.find(needle)
        while at >= 0:
            yield original(at), original(at + len(needle) - 1) + 1
            at = joined.find(needle, at + 1)


def _cut_out(text: str, spans: Iterable[tuple[int, int]]) -> str:
    done, parts = 0, []
    for begin, end in sorted(spans):
        if begin >= done:
            parts += [text[done:begin], SHOWN]
        done = max(done, end)
    return "".join((*parts, text[done:]))
