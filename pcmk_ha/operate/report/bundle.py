"""The bundle as a file: written beside its final place, read back, and only then given its name."""

from __future__ import annotations

import io
import os
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path

from pcmk_ha.errors import PcmkHaError
from pcmk_ha.scrub.packed import NotReadable, holds_secret
from pcmk_ha.scrub.scrubber import Scrubber


def write_bundle(path: Path, files: Mapping[str, bytes], scrubber: Scrubber) -> int:
    """Write a .tar.gz, 0600, with everything in a folder of its own name; returns its size in bytes.

    Raises PcmkHaError, and leaves nothing behind, when a known secret is found in what was written.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        _write(draft, path.name.removesuffix(".tar.gz"), files)
        found = secrets_in_bundle(draft, scrubber)
        if found:
            raise PcmkHaError(
                f"a secret was left in {', '.join(found)}: the bundle was deleted",
                hint="please report this, without the file; leave the item out by hand if you must send one",
            )
        draft.rename(path)
    except OSError as error:
        raise PcmkHaError(f"{path}: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)
    return path.stat().st_size


def secrets_in_bundle(path: Path, scrubber: Scrubber) -> tuple[str, ...]:
    """Return the names of the files in a bundle that hold a known secret, or that cannot be read; masked."""
    with tarfile.open(path, "r:gz") as tar:
        return tuple(scrubber.text(m.name) for m in tar if _is_bad(tar, m, scrubber))


def _is_bad(tar: tarfile.TarFile, member: tarfile.TarInfo, scrubber: Scrubber) -> bool:
    file = tar.extractfile(member)
    try:
        return holds_secret(scrubber, member.name, file.read() if file else b"")
    except NotReadable:
        return True


def _write(draft: Path, folder: str, files: Mapping[str, bytes]) -> None:
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as raw, tarfile.open(fileobj=raw, mode="w:gz") as tar:
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mtime, entry.mode = len(data), int(time.time()), 0o600
            tar.addfile(entry, io.BytesIO(data))
