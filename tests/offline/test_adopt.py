"""A cluster that runs, as a file: what pcmk-ha built comes back the same, what others built is told."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from strategies import clusters
from support.fake_node import FakeNode
from support.files import ARBITER, MINIMAL
from support.planned import desired_of
from test_bad_input import write

from pcmk_ha.cib.items import items
from pcmk_ha.desired.build import build_desired
from pcmk_ha.desired.values import Desired
from pcmk_ha.errors import NodeUnreachable, PcmkHaError
from pcmk_ha.model.load import load_cluster_text
from pcmk_ha.operate.look.adopt import read_cluster
from pcmk_ha.operate.secrets import placeholder_secrets
from pcmk_ha.plan.adopt.cluster import adopt
from pcmk_ha.plan.adopt.found import Found
from pcmk_ha.plan.adopt.text import to_yaml

MANY = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
DRBDADM = "/lib/drbd/drbdadm-84"  # of the module that Debian's kernel has


def found_of(desired: Desired, folder: Path) -> Found:
    """What the nodes of this cluster say, DRBD's part by its own program."""
    node = desired.cluster.nodes[0].name
    files = {f.path: f.content for f in desired.files[node]}
    conf = folder / "drbd.conf"
    conf.write_text(files["/etc/drbd.d/global_common.conf"] + files[f"/etc/drbd.d/{desired.cluster.drbd.resource}.res"])
    dumped = subprocess.run((DRBDADM, "-c", str(conf), "dump-xml"), capture_output=True, text=True, check=True)
    volume = {f.path.rpartition("/")[2]: f.content for f in desired.volume_files}
    return Found(
        corosync=files["/etc/corosync/corosync.conf"],
        drbd=dumped.stdout,
        cib=desired.cib,
        platform=desired.platform,
        verify=files["/etc/systemd/system/pcmk-ha-verify.timer"],
        verify_enabled=desired.cluster.drbd.verify != "never",
        parameters=volume["pcmk-ha.conf"],
        hba=volume["pg_hba.conf"],
        join_late=files["/etc/systemd/system/corosync.service.d/pcmk-ha.conf"],
        start_on_boot=desired.cluster.start_on_boot,
    )


def built_again(text: str, desired: Desired) -> Desired:
    cluster = load_cluster_text(text)
    return build_desired(cluster, placeholder_secrets(cluster), desired.platform)


def assert_same(again: Desired, desired: Desired) -> None:
    assert items(again.cib) == items(desired.cib)
    assert again.packages == desired.packages
    for node, files in desired.files.items():
        contents = {f.path: sorted(f.content.splitlines()) for f in again.files[node]}
        assert contents == {f.path: sorted(f.content.splitlines()) for f in files}
    assert [sorted(f.content.splitlines()) for f in again.volume_files] == [
        sorted(f.content.splitlines()) for f in desired.volume_files
    ]


@MANY
@given(file=clusters())
def test_what_was_built_from_a_file_gives_a_file_that_builds_the_same(tmp_path: Path, file: dict[str, Any]) -> None:
    desired = desired_of(write(file))
    adopted = adopt(found_of(desired, tmp_path))
    text = to_yaml(adopted.file, adopted.notes)
    assert_same(built_again(text, desired), desired)
    assert "needs your hand" not in text


@pytest.mark.parametrize("text", [MINIMAL, MINIMAL + ARBITER], ids=["two votes", "three votes"])
def test_the_file_is_as_small_as_it_was_written_and_holds_no_secret(tmp_path: Path, text: str) -> None:
    found = found_of(desired_of(text), tmp_path)
    found = replace(found, cib=found.cib.replace('"SECRET"', '"canary"'))
    adopted = adopt(found)
    assert set(adopted.file) <= {"name", "nodes", "arbiter", "vip"}
    assert adopted.notes == ["put the secret of a fence device into the environment variable FENCE_PASSWORD"]
    assert "canary" not in to_yaml(adopted.file, adopted.notes)


def test_a_device_that_somebody_put_beside_the_head_start_stays_first(tmp_path: Path) -> None:
    found = found_of(desired_of(MINIMAL), tmp_path)
    other = (
        '<primitive id="st_pdu" class="stonith" type="fence_apc_snmp"><instance_attributes id="st_pdu-ia">'
        '<nvpair id="st_pdu-1" name="ip" value="192.0.2.99"/>'
        '<nvpair id="st_pdu-2" name="pcmk_host_list" value="node1"/></instance_attributes></primitive></resources>'
    )
    both = found.cib.replace('devices="fence_head_start"', 'devices="fence_head_start,st_pdu"', 1)
    assert both != found.cib
    first, second = adopt(replace(found, cib=both.replace("</resources>", other))).file["nodes"]
    levels = {device["agent"]: device.get("level", 1) for device in first["fence"]}
    assert levels == {"fence_apc_snmp": 1, "fence_ipmilan": 2}
    assert "level" not in second["fence"]


HAND_BUILT = """<cib validate-with="pacemaker-3.9" epoch="5" num_updates="0" admin_epoch="0"><configuration>
<crm_config><cluster_property_set id="cib-bootstrap-options">
 <nvpair id="a" name="stonith-enabled" value="false"/><nvpair id="b" name="no-quorum-policy" value="ignore"/>
 <nvpair id="c" name="batch-limit" value="10"/><nvpair id="e" name="maintenance-mode" value="true"/>
<nvpair id="d" name="cluster-name" value="pgha"/>
</cluster_property_set></crm_config><nodes/><resources>
<primitive id="st" class="stonith" type="fence_virsh"><instance_attributes id="st-ia">
 <nvpair id="st-1" name="ipaddr" value="192.0.2.9"/><nvpair id="st-2" name="login" value="fence"/>
 <nvpair id="st-3" name="passwd" value="canary"/><nvpair id="st-4" name="pcmk_host_map" value="node1:vm1;node2:vm2"/>
</instance_attributes></primitive>
<clone id="ms_drbd"><meta_attributes id="ms-m"><nvpair id="ms-p" name="promotable" value="true"/></meta_attributes>
<primitive id="p_drbd" class="ocf" provider="linbit" type="drbd"><instance_attributes id="d-ia">
 <nvpair id="d-1" name="drbd_resource" value="pgdata"/></instance_attributes></primitive></clone>
<group id="g"><primitive id="fs" class="ocf" provider="heartbeat" type="Filesystem"><instance_attributes id="f-ia">
 <nvpair id="f-1" name="device" value="/dev/drbd0"/><nvpair id="f-2" name="directory" value="/var/lib/postgresql"/>
 <nvpair id="f-3" name="fstype" value="xfs"/></instance_attributes></primitive>
<primitive id="db" class="ocf" provider="heartbeat" type="pgsql"><instance_attributes id="db-ia">
 <nvpair id="db-1" name="pgctl" value="/usr/lib/postgresql/17/bin/pg_ctl"/>
 <nvpair id="db-2" name="pgdata" value="/var/lib/postgresql/data"/></instance_attributes>
 <operations><op id="db-s" name="start" interval="0" timeout="20"/></operations></primitive>
<primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr2"><instance_attributes id="ip-ia">
 <nvpair id="ip-1" name="ip" value="192.0.2.50"/><nvpair id="ip-2" name="cidr_netmask" value="24"/>
</instance_attributes></primitive></group>
<primitive id="web" class="systemd" type="nginx"/></resources><constraints>
<rsc_colocation id="col" score="INFINITY" rsc="g" with-rsc="ms_drbd" with-rsc-role="Promoted"/></constraints>
</configuration><status/></cib>"""


def test_a_cluster_that_hands_built_becomes_a_file_and_a_list_of_what_it_cannot_say(tmp_path: Path) -> None:
    found = replace(
        found_of(desired_of(MINIMAL), tmp_path), cib=HAND_BUILT, parameters="", hba="host all all all md5\n"
    )
    adopted = adopt(found)
    text, notes = to_yaml(adopted.file, adopted.notes), "\n".join(adopted.notes)
    cluster = load_cluster_text(text)
    assert "canary" not in text
    assert cluster.nodes[1].fence_devices[0].parameters["plug"] == "vm2"
    assert (str(cluster.vip.address), cluster.vip.prefix) == ("192.0.2.50", 24)
    assert cluster.filesystem.mount_point == "/var/lib/postgresql"
    assert cluster.postgresql.data_directory == "/var/lib/postgresql/data"
    assert cluster.properties.extra == {"batch-limit": "10"}
    for said in (
        "the property stonith-enabled is false and becomes true",
        "the property no-quorum-policy is ignore and becomes stop",
        "maintenance-mode is true now, which no file says",
        "timeouts.start_s: 20 is outside 60 to 7200; it becomes 600",
        "the fence device st would be fence_node1",
        "the resource db would be pg_server",
        "primitive web is not in the file and stays as it is",
        "pg_hba.conf: cannot be expressed and would go: host all all all md5",
        "postgresql.conf stays as it is",
    ):
        assert said in notes, notes


# --- reading it from the nodes


def member(name: str, found: Found, **files: str) -> FakeNode:
    answers = {"cibadmin --query": found.cib, "drbdadm dump-xml": found.drbd, "modinfo": "8.4.11\n",
               "systemctl is-enabled corosync.service": "enabled\nenabled\n",
               "systemctl is-enabled pcmk-ha-verify.timer": "enabled\n"}  # fmt: skip
    known = {"/etc/corosync/corosync.conf": found.corosync, "/etc/os-release": "VERSION_CODENAME=trixie\n"}
    return FakeNode(name, answers, files={**known, **files})


def test_the_volume_is_read_where_it_is_mounted_and_nothing_is_written(tmp_path: Path) -> None:
    desired = desired_of(MINIMAL + "postgresql: {parameters: {work_mem: 64MB}, hba: [{address: 10.0.0.0/8}]}\n")
    found = found_of(desired, tmp_path)
    volume = {file.path: file.content for file in desired.volume_files}
    first, second = member("node1", found), member("node2", found, **volume)
    asked = []

    @contextmanager
    def connect(name: str, address: str) -> Iterator[FakeNode]:
        asked.append((name, address))
        yield {"node1": first, "node2": second}[name]

    adopted = read_cluster(first, connect)  # type: ignore[arg-type]
    assert adopted.file["postgresql"]["parameters"] == {"work_mem": "64MB"}
    assert_same(built_again(to_yaml(adopted.file), desired), desired)
    assert asked == [("node1", "192.0.2.11"), ("node2", "192.0.2.12")]
    reading = ("cibadmin --query", "drbdadm dump-xml", "systemctl is-enabled", "modinfo")
    assert all(" ".join(argv).startswith(reading) for node in (first, second) for argv in node.ran)


def test_a_volume_that_nobody_has_mounted_is_said(tmp_path: Path) -> None:
    found = found_of(desired_of(MINIMAL), tmp_path)

    @contextmanager
    def connect(name: str, address: str) -> Iterator[FakeNode]:
        raise NodeUnreachable(f"{address}: no answer")
        yield

    adopted = read_cluster(member("node1", found), connect)  # type: ignore[arg-type]
    assert "parameters and login rules of PostgreSQL were not read: no member has them mounted" in adopted.notes
    assert "node2: 192.0.2.12: no answer" in adopted.notes


def test_a_machine_that_is_no_member_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PcmkHaError, match=r"node1 has no /etc/corosync/corosync\.conf"):
        read_cluster(FakeNode("node1", {}), None)  # type: ignore[arg-type]


@pytest.mark.parametrize("agent", ["drbd", "postgresql", "vip"])
def test_something_else_than_such_a_cluster_is_no_file(tmp_path: Path, agent: str) -> None:
    found = found_of(desired_of(MINIMAL), tmp_path)
    other = replace(found, cib=re.sub(f'type="{agent}"', 'type="Dummy"', found.cib))
    with pytest.raises(PcmkHaError, match="there is no resource of"):
        adopt(other)
