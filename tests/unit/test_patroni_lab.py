"""The lab's other stack, without a lab."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from pcmk_ha.lab.image import image_path, packages
from pcmk_ha.lab.paths import LabPaths
from pcmk_ha.lab.patroni.files import haproxy, keepalived, patroni, stack_files
from pcmk_ha.lab.patroni.service import is_whole
from pcmk_ha.lab.seed import write_seeds
from pcmk_ha.lab.spec import PATRONI, LabSpec
from pcmk_ha.lab.state import Lab, read_lab, write_lab

SPEC = LabSpec("other", stack=PATRONI)


def test_patronis_stack_has_three_nodes_for_etcd() -> None:
    assert [node.name for node in SPEC.nodes] == ["node1", "node2", "arbiter"]
    environment = stack_files(SPEC, SPEC.nodes[2], "secret")["etc/default/etcd"][0]
    members = "node1=http://10.77.0.11:2380,node2=http://10.77.0.12:2380,arbiter=http://10.77.0.13:2380"
    assert f"ETCD_INITIAL_CLUSTER={members}\n" in environment


def test_the_third_node_runs_etcd_alone() -> None:
    assert set(stack_files(SPEC, SPEC.nodes[2], "secret")) == {"etc/default/etcd"}


@pytest.mark.parametrize("suite", ["trixie", "bookworm"])
def test_patronis_file_is_yaml_with_its_defaults_in_synchronous_mode(suite: str) -> None:
    spec = LabSpec("other", suite, stack=PATRONI)
    found = YAML(typ="safe").load(patroni(spec, spec.nodes[0], "secret"))
    dcs = found["bootstrap"]["dcs"]
    assert (dcs["ttl"], dcs["loop_wait"], dcs["retry_timeout"], dcs["synchronous_mode"]) == (30, 10, 10, True)
    assert found["postgresql"]["authentication"]["superuser"]["password"] == "secret"
    assert found["postgresql"]["bin_dir"].endswith({"trixie": "/17/bin", "bookworm": "/15/bin"}[suite])
    assert found["postgresql"]["listen"] == "10.77.0.11:5432"


def test_the_vip_leads_to_haproxy_and_that_to_both_nodes() -> None:
    assert "bind 10.77.0.100:5432" in haproxy(SPEC)
    assert haproxy(SPEC).count("check port 8008") == 2
    first, second = (keepalived(SPEC, node) for node in SPEC.nodes[:2])
    assert "state MASTER" in first
    assert "state BACKUP" in second
    assert "unicast_peer { 10.77.0.12 }" in first


def test_it_has_an_image_of_its_own_and_leaves_the_other_as_it_was(tmp_path: Path) -> None:
    ours, other = (image_path(tmp_path, "trixie", tmp_path / "kernel", *stack) for stack in ((), (PATRONI,)))
    assert ours.name.startswith("trixie-")
    assert "patroni" not in ours.name
    assert other.name.startswith("trixie-patroni-")
    assert {"patroni", "etcd-server", "haproxy", "keepalived", "postgresql-17"} <= set(packages("trixie", PATRONI))
    assert "patroni" not in packages("trixie")
    assert "pacemaker" not in packages("trixie", PATRONI)


def test_the_seed_configures_the_stack(tmp_path: Path) -> None:
    paths = LabPaths(tmp_path)
    paths.superuser_password.write_text("geheim\n")
    write_seeds(SPEC, paths, {node.name: 2200 + node.number for node in SPEC.nodes})
    with tarfile.open(paths.seed("node1")) as seed:
        member = seed.extractfile("etc/patroni/config.yml")
        assert member is not None
        assert b"password: geheim" in member.read()
    with tarfile.open(paths.seed("arbiter")) as seed:
        assert "etc/patroni/config.yml" not in seed.getnames()


def test_a_lab_remembers_its_stack(tmp_path: Path) -> None:
    lab = Lab(SPEC, LabPaths(tmp_path), tmp_path, tmp_path, {}, 15432)
    write_lab(lab)
    assert read_lab(LabPaths(tmp_path)).spec.stack == PATRONI


def test_whole_is_a_leader_and_a_synchronous_standby_that_streams() -> None:
    leader = {"Member": "node1", "Role": "Leader", "State": "running"}
    standby = {"Member": "node2", "Role": "Sync Standby", "State": "streaming"}
    assert is_whole([leader, standby])
    assert not is_whole([leader, standby | {"Role": "Replica"}])
    assert not is_whole([leader, standby | {"State": "starting"}])
    assert not is_whole([])


def test_an_unknown_stack_is_refused_with_those_there_are() -> None:
    from pcmk_ha.cli.app import app

    done = CliRunner().invoke(app, ["lab", "up", "--stack", "stolon"])
    assert "--stack stolon: no such stack" in str(done.exception)
