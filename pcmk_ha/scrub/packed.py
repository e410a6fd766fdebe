"""Files as they lie on nodes: plain, compressed or packed, one inside the other."""

from __future__ import annotations

import bz2
import io
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath

from pcmk_ha.scrub.scrubber import Scrubber

LARGEST = 256 * 2**20  # bytes of one file, unpacked
DEEPEST = 4
SUFFIXES = (".bz2", ".gz", ".xz", ".tgz")
BINARY = ("Zstandard", b"\x28\xb5\x2f\xfd"), ("lz4", b"\x04\x22\x4d\x18"), ("zip", b"PK\x03\x04")
Member = tuple[str, bytes]


class NotReadable(Exception):
    """What a file holds cannot be read, so nobody can say that there is no secret in it."""


def scrubbed(scrubber: Scrubber, name: str, data: bytes) -> Iterator[Member]:
    """Yield a file's texts without secrets, unpacked; names of compressed ones lose their suffix.

    Raises NotReadable for what is damaged, too large, or no text.
    """
    for inner, content in unpacked(name, data):
        text = scrubber.text(content.decode("utf-8", "surrogateescape"))
        yield scrubber.text(inner), text.encode("utf-8", "surrogateescape")


def holds_secret(scrubber: Scrubber, name: str, data: bytes) -> bool:
    """Whether a known secret stands in a file, or in what is packed in it, or in a name."""
    found = ((name, data), *unpacked(name, data))
    return any(
        scrubber.finds_in(text)
        for inner, content in found
        for text in (inner, content.decode("utf-8", "surrogateescape"))
    )


def unpacked(name: str, data: bytes, depth: int = 0) -> Iterator[Member]:
    """Yield what a file holds in the end, texts only; raises NotReadable."""
    if depth > DEEPEST or len(data) > LARGEST:
        raise NotReadable(f"{name}: too large, or packed too deep")
    for kind, magic in BINARY:
        if data.startswith(magic):
            raise NotReadable(f"{name}: {kind}")
    if (plain := _decompress(name, data)) is not None:
        yield from unpacked(
            name.removesuffix(PurePosixPath(name).suffix) if name.endswith(SUFFIXES) else name, plain, depth + 1
        )
    elif data[257:262] == b"ustar":
        for inner, content in _members(name, data):
            yield from unpacked(f"{name.removesuffix('.tar')}/{inner}", content, depth + 1)
    elif b"\0" in data:
        raise NotReadable(f"{name}: not text")
    else:
        yield name, data


def _decompress(name: str, data: bytes) -> bytes | None:
    try:
        if data.startswith(b"BZh"):
            return _all_of(bz2.BZ2Decompressor, data)
        if data.startswith(b"\xfd7zXZ\0"):
            return _all_of(lzma.LZMADecompressor, data)
        if data.startswith(b"\x1f\x8b"):
            return _gunzip(data)
    except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error) as error:
        raise NotReadable(f"{name}: damaged ({error})") from None
    return None


def _all_of(make: type[bz2.BZ2Decompressor | lzma.LZMADecompressor], data: bytes) -> bytes:
    """Decompress every stream that follows another, as bzip2(1) and xz(1) do."""
    parts, size = [], 0
    while data:
        one = make()
        parts.append(one.decompress(data, LARGEST - size + 1))
        size += len(parts[-1])
        if size > LARGEST or not one.eof:
            raise ValueError("too large" if size > LARGEST else "cut off")
        data = one.unused_data.lstrip(b"\0")
    return b"".join(parts)


def _gunzip(data: bytes) -> bytes:
    parts, size = [], 0
    while data:
        one = zlib.decompressobj(wbits=31)
        parts.append(one.decompress(data, LARGEST - size + 1))
        size += len(parts[-1])
        if size > LARGEST or not one.eof:
            raise ValueError("too large" if size > LARGEST else "cut off")
        data = one.unused_data.lstrip(b"\0")
    return b"".join(parts)


def _members(name: str, data: bytes) -> Iterator[Member]:
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for member in tar:
                if (file := tar.extractfile(member)) is not None:
                    yield member.name.lstrip("./"), file.read()
    except tarfile.TarError as error:
        raise NotReadable(f"{name}: damaged ({error})") from None
