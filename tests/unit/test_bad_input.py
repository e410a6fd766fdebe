"""Every wrong cluster file is answered with file, line, what was found and what to do; nothing else happens."""

from __future__ import annotations

import copy
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from strategies import clusters
from support.files import HERE, MINIMAL

from pcmk_ha.errors import BadInput, Problem
from pcmk_ha.model.load import load_cluster, load_cluster_text

TABLE = YAML(typ="safe").load((HERE / "bad_input/table.yaml").read_text())


def write(value: Any) -> str:
    text = StringIO()
    YAML(typ="safe", pure=True).dump(value, text)
    return text.getvalue()


def changed(changes: dict[str, Any]) -> str:
    file = copy.deepcopy(YAML(typ="safe").load(MINIMAL))
    for path, value in changes.items():
        *parents, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        place = file
        for step in parents:
            place = place[step]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return write(file)


def problems_of(text: str) -> tuple[Problem, ...]:
    with pytest.raises(BadInput) as caught:
        load_cluster_text(text, "c.yaml")
    return caught.value.problems


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["name"])
def test_each_mistake_is_named_with_its_line_and_a_way_out(row: dict[str, Any]) -> None:
    text = changed(row["change"])
    found = problems_of(text)
    assert any(row["says"] in str(p) and row.get("hint", "") in p.hint for p in found), [str(p) for p in found]
    lines = text.count("\n")
    assert all(p.path == "c.yaml" and 1 <= p.line <= lines for p in found)


def test_the_line_is_that_of_the_mistake_itself() -> None:
    found = {problem.line: problem.message for problem in problems_of(MINIMAL.replace("disk: ", "dsk: ", 1))}
    assert found == {3: "node1 has no disk", 5: "nodes[0].dsk is not known"}


def test_all_problems_are_shown_at_once() -> None:
    text = MINIMAL.replace("192.0.2.11\n", "nowhere\n").replace("vip:", "vpi:") + "drbd: {port: x}\n"
    assert len(problems_of(text)) >= 4


def test_a_wrong_key_does_not_hide_what_else_is_wrong() -> None:
    text = MINIMAL.replace("name: node2", "name: node1").replace("disk: /dev/sdb", "dsk: /dev/sdb", 1)
    said = [str(problem) for problem in problems_of(text)]
    assert [s for s in said if "dsk is not known" in s]
    assert [s for s in said if "two nodes are named node1" in s]


def test_a_key_written_twice_is_an_error_and_not_the_last_one_wins() -> None:
    (problem,) = problems_of(MINIMAL + "name: other\n")
    assert "written twice" in problem.message
    assert problem.line == MINIMAL.count("\n") + 1


def test_a_mac_address_stays_text() -> None:
    text = MINIMAL.replace("ip: 192.0.2.111,", "ip: 192.0.2.111, mac: 52:54:00:12:34:56,")
    assert load_cluster_text(text).nodes[0].fence_devices[0].parameters["mac"] == "52:54:00:12:34:56"


@given(clusters())
def test_every_file_of_the_model_space_loads(file: dict[str, Any]) -> None:
    load_cluster_text(write(file))


@given(st.text(max_size=200))
def test_no_text_ends_in_anything_but_bad_input(text: str) -> None:
    with pytest.raises(BadInput):
        load_cluster_text(text)


YAML_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["name", "nodes", "vip", "arbiter", "drbd", "postgresql", "stonith"]), YAML_LIKE)
)
def test_no_structure_ends_in_anything_but_bad_input(value: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        load_cluster_text(write(value))


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"\xff\xfe\x00", "UTF-8"), (b"a: [1", "not YAML"), (b"a:\n\t- b", "not YAML"), (b"", "expected a mapping"),
     (b"- " * 3000 + b"x", ""), (b"&a [*a]", ""), (b"name: !!python/object:os.system x", "")],
)  # fmt: skip
def test_broken_files_are_bad_input(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        load_cluster(path)
    assert says in str(caught.value)


def test_a_missing_file_and_a_folder_are_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        load_cluster(tmp_path / "none.yaml")
    with pytest.raises(BadInput, match="cannot be read"):
        load_cluster(tmp_path)
