"""Pacemaker's, Corosync's, DRBD's and the crm shell's own programs judge what is generated."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree
from strategies import clusters
from support.files import ARBITER, HERE, MINIMAL
from support.meaning import sections
from test_bad_input import write

from pcmk_ha.cib.build import build_cib
from pcmk_ha.cib.crmsh import to_crmsh
from pcmk_ha.desired.build import build_desired
from pcmk_ha.desired.values import Desired
from pcmk_ha.model.load import load_cluster_text
from pcmk_ha.model.platform import DEBIAN_12, DEBIAN_13, Platform
from pcmk_ha.operate.secrets import placeholder_secrets

SCHEMAS = Path("/usr/share/pacemaker")
SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
DRBD_9 = Platform(suite="trixie", pacemaker=(3, 0, 0), drbd_module=9, postgresql=17)


def run(*argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    assert shutil.which(argv[0]) or Path(argv[0]).exists(), f"{argv[0]} is missing: make test installs it"
    variables = {**os.environ, **environment}
    return subprocess.run(argv, env=variables, capture_output=True, text=True, timeout=60, check=False)


def desired_of(file: dict[str, Any] | str, platform: Platform = DEBIAN_13) -> Desired:
    cluster = load_cluster_text(file if isinstance(file, str) else write(file))
    return build_desired(cluster, placeholder_secrets(cluster), platform)


@pytest.mark.parametrize("platform", [DEBIAN_12, DEBIAN_13], ids=lambda p: p.suite)
@SLOW
@given(file=clusters())
def test_every_cib_is_valid_by_schema_and_clean_by_crm_verify(
    tmp_path: Path, platform: Platform, file: dict[str, Any]
) -> None:
    path = tmp_path / "cib.xml"
    cluster = load_cluster_text(write(file))
    text = build_cib(cluster, placeholder_secrets(cluster), platform)
    schema = etree.RelaxNG(etree.parse(SCHEMAS / "pacemaker-3.9.rng"))
    schema.assertValid(etree.fromstring(text.encode()))
    path.write_text(text)
    found = run("crm_verify", "-V", "--xml-file", str(path))
    assert (found.returncode, found.stderr) == (0, ""), found.stderr


@SLOW
@given(file=clusters())
def test_corosync_accepts_every_configuration(tmp_path: Path, file: dict[str, Any]) -> None:
    """As on the node: Corosync looks for its own host name, and for its key."""
    desired = desired_of(file)
    key, path = tmp_path / "authkey", tmp_path / "corosync.conf"
    key.write_bytes(b"x" * 128)
    for node in desired.cluster.members:
        text = next(f.content for f in desired.files[node.name] if f.path == "/etc/corosync/corosync.conf")
        path.write_text(
            text.replace("version: 2", f"version: 2\n  keyfile: {key}").replace("stderr: no", "stderr: yes")
        )
        check = f"hostname {node.name} && exec corosync -t -c {path}"
        found = run("unshare", "--uts", "sh", "-c", check)
        assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize(("platform", "program"), [(DEBIAN_13, "/lib/drbd/drbdadm-84"), (DRBD_9, "drbdadm")])
@SLOW
@given(file=clusters())
def test_drbdadm_accepts_every_resource(tmp_path: Path, platform: Platform, program: str, file: dict[str, Any]) -> None:
    desired = desired_of(file, platform)
    files = {f.path: f.content for f in desired.files[desired.cluster.nodes[0].name]}
    resource = files[f"/etc/drbd.d/{desired.cluster.drbd.resource}.res"]
    path = tmp_path / "drbd.conf"
    path.write_text(files["/etc/drbd.d/global_common.conf"] + resource)
    found = run(program, "-c", str(path), "dump", "all")
    assert found.returncode == 0, found.stderr
    assert "resource-and-stonith" in found.stdout
    assert "protocol" in found.stdout


@pytest.mark.parametrize("name", ["two votes", "three votes", "foreign"])
def test_what_crm_show_prints_loads_into_the_crm_shell_as_the_same_cib(tmp_path: Path, name: str) -> None:
    source = tmp_path / "in.xml"
    texts = {"two votes": lambda: desired_of(MINIMAL).cib, "three votes": lambda: desired_of(MINIMAL + ARBITER).cib,
             "foreign": (HERE / "offline/foreign/wide.xml").read_text}  # fmt: skip
    source.write_text(texts[name]())
    assert load_into_crm_shell(source, tmp_path) == sections(str(source))


@settings(SLOW, max_examples=6)
@given(file=clusters())
def test_every_cluster_survives_the_crm_shell(tmp_path: Path, file: dict[str, Any]) -> None:
    source = tmp_path / "in.xml"
    source.write_text(desired_of(file).cib)
    assert load_into_crm_shell(source, tmp_path) == sections(str(source))


def load_into_crm_shell(source: Path, folder: Path) -> dict[str, tuple[object, ...]]:
    """Load the text of a CIB with the real crm shell into an empty CIB file, and read that back."""
    commands, cib = folder / "cib.crm", folder / "out.xml"
    commands.write_text(to_crmsh(etree.parse(source).getroot()))
    cib.unlink(missing_ok=True)
    (folder / "out.xml.sig").unlink(missing_ok=True)
    cib.write_text(run("cibadmin", "--empty").stdout)
    loaded = run("crm", "-F", "configure", "load", "update", str(commands), CIB_file=str(cib))
    found = sections(str(cib))
    assert found, loaded.stdout + loaded.stderr
    return found
