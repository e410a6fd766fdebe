"""The arbiter's block goes from the cluster file, and every other line stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.files import ARBITER, MINIMAL

from pcmk_ha.model.load import load_cluster_text
from pcmk_ha.operate.arbiter.file import example_block, remove_block, without_block

COMMENTED = f"""\
# mine
{MINIMAL}# above the arbiter
arbiter:                # inside
  name: arbiter         # inside, too
  address: 192.0.2.13
  fence:
    ip: 192.0.2.113
    username: admin
    password: {{env: FENCE_PASSWORD}}   # last of it
# below, about what follows
timeouts: {{token_ms: 1200}}
"""


def test_the_block_goes_and_every_other_line_stays(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text(COMMENTED)
    path.chmod(0o640)
    assert remove_block(path)
    lines = COMMENTED.splitlines(keepends=True)
    begin, end = lines.index("arbiter:                # inside\n"), lines.index("# below, about what follows\n")
    assert path.read_text() == "".join((*lines[:begin], *lines[end:]))
    assert path.stat().st_mode & 0o777 == 0o640
    assert not remove_block(path)


FLOW = """arbiter: {name: arbiter, address: 192.0.2.13,
  fence: {ip: 192.0.2.113, username: x,
  password: {env: P}}}
"""


@pytest.mark.parametrize("block", [ARBITER, FLOW])
def test_a_block_in_any_form_goes(block: str) -> None:
    assert without_block(MINIMAL + block) == MINIMAL
    assert without_block(block + MINIMAL) == MINIMAL


def test_a_block_that_others_refer_to_is_left_to_a_person(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    anchored = ARBITER.replace("fence: {", "fence: &bmc {").replace("ip: 192.0.2.113, ", "ip: 192.0.2.113, ")
    path.write_text(anchored + MINIMAL.replace("vip:", "stonith: {parameters: {<<: *bmc}}\nvip:"))
    before = path.read_text()
    with pytest.raises(Exception):  # noqa: B017, PT011  whatever is wrong with such a file, it stays as it is
        remove_block(path)
    assert path.read_text() == before


@pytest.mark.parametrize("links", [1, 2])
def test_the_block_that_is_shown_is_one(links: int) -> None:
    text = MINIMAL if links == 1 else MINIMAL.replace(
        "address: 192.0.2.11\n", "address: 192.0.2.11\n    links: [192.0.2.11, 198.51.100.11]\n"
    ).replace("address: 192.0.2.12\n", "address: 192.0.2.12\n    links: [192.0.2.12, 198.51.100.12]\n")  # fmt: skip
    shared = text.replace(", username: admin, password: {env: FENCE_PASSWORD}", "") + (
        "stonith: {parameters: {username: admin, password: {env: FENCE_PASSWORD}}}\n"
    )
    block = example_block(load_cluster_text(shared))
    filled = (
        block.replace("NAME ", "witness ").replace("ADDRESS-OF-ITS-BMC", "192.0.2.113").replace(" IP", " 192.0.2.113")
    )
    filled = filled.replace("ADDRESS1", "192.0.2.13").replace("ADDRESS2", "198.51.100.13")
    cluster = load_cluster_text(f"{shared}{filled}\n")
    assert cluster.arbiter is not None
    assert len(cluster.arbiter.link_addresses) == links
