"""The files are the reviewed ones; what is printed has no secrets."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from support.files import ARBITER, HERE, MINIMAL
from typer.testing import CliRunner

from pcmk_ha.cli.app import app
from pcmk_ha.desired.build import build_desired
from pcmk_ha.desired.postgresql import quote
from pcmk_ha.desired.render import render
from pcmk_ha.desired.tree import tree, write_tree
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.load import load_cluster, load_cluster_text
from pcmk_ha.model.platform import DEBIAN_12, DEBIAN_13, PLATFORMS
from pcmk_ha.operate.secrets import placeholder_secrets

CASES = sorted(path.name for path in (HERE / "golden").iterdir() if path.is_dir())


@pytest.mark.parametrize("case", CASES)
def test_every_rendered_file_is_the_reviewed_one(case: str) -> None:
    """`tools/golden` writes them anew; read the difference before you commit it."""
    home = HERE / "golden" / case
    cluster = load_cluster(home / "cluster.yaml")
    platform = PLATFORMS[(home / "suite").read_text().strip()]
    expected = {str(p.relative_to(home / "tree")): p.read_bytes() for p in (home / "tree").rglob("*") if p.is_file()}
    desired = build_desired(cluster, placeholder_secrets(cluster), platform)
    found = {name: file.content.encode() for name, file in tree(desired) if file.encoding == "utf-8"}
    assert found == expected


def test_there_are_three_reviewed_clusters() -> None:
    assert len(CASES) == 3


def test_the_arbiter_gets_neither_drbd_nor_postgresql() -> None:
    cluster = load_cluster_text(MINIMAL + ARBITER)
    desired = build_desired(cluster, placeholder_secrets(cluster), DEBIAN_13)
    assert not [f.path for f in desired.files["arbiter"] if "corosync" not in f.path and "systemd" not in f.path]
    assert not [p for p in desired.packages["arbiter"] if "drbd" in p or "postgres" in p]


def test_two_node_mode_is_for_exactly_two_votes() -> None:
    for text, wanted in ((MINIMAL, True), (MINIMAL + ARBITER, False)):
        cluster = load_cluster_text(text)
        conf = build_desired(cluster, placeholder_secrets(cluster), DEBIAN_13).files["node1"][0].content
        assert ("two_node: 1" in conf) == wanted


def test_files_with_secrets_are_for_their_owner_only() -> None:
    cluster = load_cluster_text(MINIMAL)
    desired = build_desired(cluster, placeholder_secrets(cluster), DEBIAN_13)
    for file in desired.files["node1"]:
        assert file.mode & 0o077 == 0 or not file.secret
        assert file.secret or "SECRET" not in file.content


def test_packages_follow_the_suite() -> None:
    cluster = load_cluster_text(MINIMAL)
    twelve, thirteen = (
        build_desired(cluster, placeholder_secrets(cluster), p).packages["node1"] for p in (DEBIAN_12, DEBIAN_13)
    )
    assert {"fence-agents", "postgresql-15"} <= set(twelve)
    assert {"fence-agents-ipmilan", "postgresql-17"} <= set(thirteen)


def test_a_template_that_misses_a_value_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render("etc/corosync/corosync.conf.j2", {})


@pytest.mark.parametrize(
    ("value", "text"), [("it's", "'it''s'"), (True, "on"), (0.9, "0.9"), ("C:\\x", "'C:\\\\x'"), ("4GB", "'4GB'")]
)
def test_parameters_are_quoted_as_postgresql_reads_them(value: str | bool | float, text: str) -> None:
    assert quote(value) == text


def test_the_users_parameters_win_over_our_defaults() -> None:
    cluster = load_cluster_text(MINIMAL + "postgresql: {parameters: {max_wal_size: 4GB}}\n")
    conf = build_desired(cluster, placeholder_secrets(cluster), DEBIAN_13).volume_files[0].content
    assert "max_wal_size = '4GB'" in conf
    assert conf.count("max_wal_size") == 1


# --- the command line

runner = CliRunner()


@pytest.fixture
def cluster_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FENCE_PASSWORD", "canary-1")
    path = tmp_path / "cluster.yaml"
    path.write_text(MINIMAL)
    return path


def test_render_is_the_same_every_time_and_holds_no_secret(cluster_file: Path, tmp_path: Path) -> None:
    outs = [tmp_path / "one", tmp_path / "two"]
    for out in outs:
        assert runner.invoke(app, ["render", "-f", str(cluster_file), "--out", str(out)]).exit_code == 0
    one, two = ({p.relative_to(o): p.read_bytes() for p in o.rglob("*") if p.is_file()} for o in outs)
    assert one == two
    assert one
    assert not [name for name, content in one.items() if b"canary" in content]


def test_rendering_over_an_older_tree_works(tmp_path: Path) -> None:
    cluster = load_cluster_text(MINIMAL)
    desired = build_desired(cluster, placeholder_secrets(cluster), DEBIAN_13)
    assert write_tree(desired, tmp_path) == write_tree(desired, tmp_path)


def test_crm_show_prints_a_file_as_it_stands_and_the_desired_state_masked(cluster_file: Path) -> None:
    source = str(HERE.parent / "cib/two-node.xml")
    shown = runner.invoke(app, ["crm-show", "--cib", source]).output
    assert "password=SECRET" in shown
    masked = runner.invoke(app, ["crm-show", "--desired", "-f", str(cluster_file)]).output
    assert "canary" not in masked
    assert "SECRET" not in masked
    assert "primitive fence_node1 stonith:fence_ipmilan" in masked
    assert json.loads(runner.invoke(app, ["crm-show", "--cib", source, "--json"]).output)["tag"] == "cib"


@pytest.mark.parametrize("arguments", [["--yes"], ["--vagrant"], ["--vagrant", "--provider", "libvirt"]])
def test_every_starter_file_loads(tmp_path: Path, arguments: list[str]) -> None:
    path = tmp_path / "cluster.yaml"
    assert runner.invoke(app, ["init", str(path), *arguments]).exit_code == 0
    assert len(load_cluster(path).nodes) == 2
    assert runner.invoke(app, ["init", str(path), *arguments]).exit_code == 1


def test_the_smallest_useful_file_has_under_25_lines() -> None:
    assert MINIMAL.count("\n") < 25


def test_the_schema_knows_every_key_of_the_top_level() -> None:
    schema = json.loads(runner.invoke(app, ["schema"]).output)
    assert {"name", "nodes", "vip", "arbiter", "stonith", "postgresql"} <= set(schema["properties"])
    assert all(d.get("additionalProperties") is not True for d in schema["$defs"].values())


@pytest.mark.parametrize(
    ("uptime", "bootstrapping", "sleeps"),
    [("3.07", False, "17"), ("20.00", False, ""), ("9000.1", False, ""), ("3.07", True, "")],
)
def test_a_node_that_has_just_booted_joins_late_unless_it_is_being_built(
    minimal: Cluster, tmp_path: Path, uptime: str, bootstrapping: bool, sleeps: str
) -> None:
    """The real shell runs what systemd would, its own escapes taken out."""
    desired = build_desired(minimal, placeholder_secrets(minimal), DEBIAN_13)
    unit = next(f.content for f in desired.files["node1"] if f.path.endswith("corosync.service.d/pcmk-ha.conf"))
    command = next(line for line in unit.splitlines() if line.startswith("ExecStartPre=")).partition("=")[2]
    shell, option, script = shlex.split(command.replace("$$", "$").replace("%%", "%"))
    (tmp_path / "uptime").write_text(f"{uptime} 5.0\n")
    if bootstrapping:
        (tmp_path / "go").touch()
    script = script.replace("/proc/uptime", f"{tmp_path}/uptime").replace("/run/pcmk-ha/bootstrap", f"{tmp_path}/go")
    done = subprocess.run(
        [shell, option, f"sleep() {{ echo $1; }}; {script}"], capture_output=True, text=True, timeout=10, check=True
    )
    assert done.stdout.strip() == sleeps
