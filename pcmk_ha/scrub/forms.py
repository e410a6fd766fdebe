"""The ways a known secret may be written down: as it stands, escaped, encoded."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from itertools import product
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

SHORTEST = 4  # shorter values are everywhere: for these only patterns can tell
SHORTEST_DERIVED = 8  # so much of an encoded value does not come up by chance
# What XML writers do about each of these is their own choice.
GREATER = (">", "&gt;", "&#62;")
DOUBLE = ('"', "&quot;", "&#34;", "&#x22;")
SINGLE = ("'", "&apos;", "&#39;", "&#x27;")
SAFE = ("", "/", "/:", "!'()*~", "!'()*~/:@")  # what programs leave alone when they write a URL


def forms_of(value: str) -> Iterator[str]:
    """Yield every form of a secret text worth looking for."""
    if len(value) < SHORTEST:
        return
    yield value
    yield from _escaped(value)
    yield from _in_a_url(value)
    yield from forms_of_bytes(value.encode("utf-8", "surrogateescape"))


def forms_of_bytes(raw: bytes) -> Iterator[str]:
    """Yield every form of a secret that is no text: a key file's bytes."""
    found = (*_base64(raw), *_hex(raw))
    yield from (form for form in found if len(form) >= SHORTEST_DERIVED)
    if len(raw) >= SHORTEST_DERIVED:
        yield raw.decode("utf-8", "surrogateescape")


def _escaped(value: str) -> Iterator[str]:
    yield from _in_xml(value)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value)[1:-1].replace("/", "\\/")
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    backslashes = value.replace("\\", "\\\\")
    yield from (backslashes, backslashes.replace("'", "\\'"), backslashes.replace(":", "\\:"))
    yield from (value.replace("'", again) for again in ("''", "'\\''", "'\"'\"'"))
    yield repr(value)[1:-1]


def _in_xml(value: str) -> Iterator[str]:
    plain = value.replace("&", "&amp;").replace("<", "&lt;")
    for greater, double, single in product(GREATER, DOUBLE, SINGLE):
        once = plain.replace(">", greater).replace('"', double).replace("'", single)
        yield once
        yield escape(once)  # a document within a document
        yield escape(once, {'"': "&quot;"})
        yield once.encode("ascii", "xmlcharrefreplace").decode()


def _in_a_url(value: str) -> Iterator[str]:
    raw = value.encode("utf-8", "surrogateescape")
    everything = "".join(f"%{byte:02X}" for byte in raw)
    for form in (*(quote(raw, safe=safe) for safe in SAFE), quote_plus(raw), everything):
        yield form
        yield _lower_escapes(form)


def _lower_escapes(form: str) -> str:
    head, *parts = form.split("%")
    return "%".join((head, *(part[:2].lower() + part[2:] for part in parts)))


def _base64(raw: bytes) -> Iterator[str]:
    """Alone, and as a part of something longer: there are three places it can begin at."""
    for encode in (b64encode, urlsafe_b64encode):
        whole = encode(raw).decode()
        yield from (whole, whole.rstrip("="))
        for before in range(3):
            text = encode(b"\0" * before + raw).decode().rstrip("=")
            end = (before + len(raw)) * 8 // 6  # what follows has a part in the character after this
            yield text[(before * 8 + 5) // 6 : end]


def _hex(raw: bytes) -> Iterator[str]:
    for between in ("", " ", ":"):
        plain = raw.hex(between) if between else raw.hex()
        yield from (plain, plain.upper())
    yield "".join(f"\\x{byte:02x}" for byte in raw)


def needles(values: Iterable[str], keys: Iterable[bytes] = ()) -> tuple[str, ...]:
    """Return every form of every secret, the longest first: one may be a part of another."""
    found = {form for value in values for form in forms_of(value)}
    found |= {form for raw in keys for form in forms_of_bytes(raw)}
    return tuple(sorted(found, key=lambda form: (-len(form), form)))
