"""Ask one node after the other thing, take the secrets out, and note what could not be had."""

from __future__ import annotations

import io
import tarfile
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from gzip import BadGzipFile
from gzip import decompress as gunzip

from pcmk_ha.errors import CommandFailed, PcmkHaError
from pcmk_ha.operate.members import Members
from pcmk_ha.operate.report.items import Item
from pcmk_ha.operate.tell import Say, ignore
from pcmk_ha.remote.parallel import on_all
from pcmk_ha.remote.runner import Runner
from pcmk_ha.scrub.packed import NotReadable, scrubbed
from pcmk_ha.scrub.scrubber import Scrubber

PATIENCE = 3  # a node that hangs would be asked for the better part of an hour


@dataclass(frozen=True)
class Missing:
    """Something that should be in the bundle and is not."""

    node: str
    what: str
    why: str


@dataclass(frozen=True)
class Found:
    """Files for the bundle, without secrets, by their paths; and what is missing."""

    files: Mapping[str, bytes]
    missing: tuple[Missing, ...] = ()

    def __or__(self, other: Found) -> Found:
        """Return both together."""
        return Found({**self.files, **other.files}, (*self.missing, *other.missing))


def gather(members: Members, wanted: Sequence[Item], scrubber: Scrubber, say: Say = ignore) -> Found:
    """Ask every node for everything, side by side; one that does not answer, or is lost, is said, not an error."""
    data_nodes = [node.name for node in members.cluster.nodes]

    def ask(runner: Runner) -> Found:
        asked = [item for item in wanted if not item.data_node or runner.node in data_nodes]
        return _ask(runner, asked, scrubber, say)

    found = Found({}, tuple(Missing(node, "everything", scrubber.text(why)) for node, why in members.down.items()))
    for node, answer in on_all(members.nodes, ask).items():
        found |= answer if isinstance(answer, Found) else Found({}, (Missing(node, "everything", str(answer)),))
    return found


def clean(scrubber: Scrubber, node: str, name: str, data: bytes) -> Found:
    """Take the secrets out of one file; what cannot be read is left out, for nobody knows what is in it."""
    try:
        return Found(dict(scrubbed(scrubber, name, data)))
    except NotReadable as error:
        return Found({}, (Missing(node, name, f"left out: {scrubber.text(str(error))}"),))


def _ask(runner: Runner, wanted: Sequence[Item], scrubber: Scrubber, say: Say) -> Found:
    found, silent = Found({}), 0
    for number, item in enumerate(wanted, 1):
        if silent == PATIENCE:
            rest = f"{silent} questions in a row had no answer in time: not asked any more"
            return found | Found({}, (Missing(runner.node, f"{item.path} and what follows", rest),))
        say(f"{runner.node}: {number} of {len(wanted)}, {item.what}")
        try:
            answer = runner.run(item.command(), ok=None, timeout=item.timeout_s).stdout
            silent = 0
            files = list(_files(item, gunzip(b64decode(answer))))
        except (PcmkHaError, NotBase64, BadGzipFile, EOFError, tarfile.TarError) as error:
            silent += isinstance(error, CommandFailed)  # whatever its status is, so this is a time-out
            found |= Found({}, (Missing(runner.node, item.path, scrubber.text(str(error)) or "no answer"),))
            continue
        if not files:
            found |= Found({}, (Missing(runner.node, item.path, "there is nothing"),))
        for name, data in files:
            found |= clean(scrubber, runner.node, f"{runner.node}/{name}", data)
    return found


def _files(item: Item, data: bytes) -> Iterator[tuple[str, bytes]]:
    if not item.packed:
        whole = _without_the_cut(data) if len(data) >= item.limit else data
        if whole.strip():
            yield item.path, whole
    elif data:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for member in tar:
                if (file := tar.extractfile(member)) is not None:
                    yield f"{item.path}/{member.name.replace('.bz2', '.xml.bz2')}", file.read()


def _without_the_cut(data: bytes) -> bytes:
    """Leave the first lines out: of a secret that was cut in two, nobody would recognise the rest."""
    return b"".join((b"... (cut here)\n", *data.splitlines(keepends=True)[2:]))
