"""The arbiter's block in the cluster file: how it would look, and taking it out with nothing else touched."""

from __future__ import annotations

import os
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node

from pcmk_ha.errors import BadInput, PcmkHaError
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.load import load_cluster_text

KEY = "arbiter"


def example_block(cluster: Cluster) -> str:
    """Return a block for the file of a cluster that has none, with as many links as its nodes have."""
    links = len(cluster.nodes[0].link_addresses)
    addresses = ", ".join(f"ADDRESS{number}" for number in range(1, links + 1))
    device = cluster.nodes[0].fence_devices[0]
    own = ("plug", "port", "systems_uri") if "ip" not in device.parameters else ("ip", "plug", "port", "systems_uri")
    fence = (
        ", ".join(f"{name}: {name.upper()}" for name in own if name in device.parameters) or "ip: ADDRESS-OF-ITS-BMC"
    )
    lines = ["arbiter:", "  name: NAME               # as `uname -n` prints it there", "  address: ADDRESS1"]
    lines += [f"  links: [{addresses}]"] if links > 1 else []
    return "\n".join((*lines, f"  fence: {{{fence}}}     # what can switch it off; the rest as with the nodes"))


def remove_block(path: Path) -> bool:
    """Take the arbiter out of a cluster file, in one step and without another change; False when it has none.

    Raises PcmkHaError where the file is written in a way that leaves this to a person.
    """
    text = path.read_text(encoding="utf-8")
    before = load_cluster_text(text, str(path))
    if before.arbiter is None:
        return False
    shorter = without_block(text)
    if not _says(shorter, before.model_copy(update={"arbiter": None})):
        raise PcmkHaError(
            f"the arbiter is out, and {path} still names it", hint=f"remove `{KEY}` from the file yourself"
        )
    _replace(path.resolve(), shorter)
    return True


def without_block(text: str) -> str:
    """Return a file's text without the lines of the arbiter's block; comments of others stay."""
    root = YAML().compose(text)
    assert isinstance(root, MappingNode)
    if root.flow_style:
        return text
    key, value = next(pair for pair in root.value if pair[0].value == KEY)
    lines = text.splitlines(keepends=True)
    return "".join((*lines[: key.start_mark.line], *lines[_last_line(value) + 1 :]))


def _last_line(node: Node) -> int:
    """Return the last line that holds something of a value; a block's own end lies after the comments behind it."""
    if isinstance(node, CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last_line(last[1] if isinstance(last, tuple) else last)
    line: int = node.end_mark.line
    return line


def _says(text: str, wanted: Cluster) -> bool:
    try:
        return load_cluster_text(text) == wanted
    except BadInput:
        return False


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.draft")
    try:
        with draft.open("w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), path.stat().st_mode & 0o7777)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    except OSError as error:
        raise PcmkHaError(f"{path}: {error.strerror}") from None
