"""Desired state as a folder: a subfolder for each node, one for the volume, and the CIB."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

from pcmk_ha.desired.hosts import hosts_block
from pcmk_ha.desired.values import Desired, File
from pcmk_ha.errors import PcmkHaError


def tree(desired: Desired) -> Iterator[tuple[str, File]]:
    """Yield a relative path and what belongs there, in a fixed order."""
    for node, files in desired.files.items():
        for file in files:
            yield f"{node}{file.path}", file
        yield f"{node}/etc/hosts.pcmk-ha", File("/etc/hosts", hosts_block(desired.cluster))
        yield f"{node}/packages", File("", "\n".join(desired.packages[node]) + "\n")
    for file in desired.volume_files:
        yield f"volume{file.path}", file
    yield "cib.xml", File("", desired.cib, 0o600, secret=True)


def write_tree(desired: Desired, out: Path) -> int:
    """Write the folder and return the number of files; raises PcmkHaError when it cannot be written."""
    count = 0
    try:
        for name, file in tree(desired):
            path = out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.touch(mode=0o600)
            path.write_bytes(b64decode(file.content) if file.encoding == "base64" else file.content.encode())
            path.chmod(file.mode | 0o200)
            count += 1
    except OSError as error:
        raise PcmkHaError(f"{error.filename}: {error.strerror}") from None
    return count
