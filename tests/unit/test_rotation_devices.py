"""A new fence password is proven before the cluster has it, and reaches one device after the other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.fake_node import FakeNode
from support.rotated import DATA, MEMBERS, keep_cluster

from pcmk_ha.cib.merge import merge
from pcmk_ha.desired.build import build_desired
from pcmk_ha.errors import PcmkHaError
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.platform import DEBIAN_13
from pcmk_ha.model.secret import Secrets
from pcmk_ha.operate.rotate.fencing import find_devices, only_device, try_device
from pcmk_ha.operate.rotate.observe import Wanted
from pcmk_ha.operate.rotate.perform import Rotating
from pcmk_ha.operate.secrets import placeholder_secrets
from pcmk_ha.plan import rotation_actions as rotate


def with_fence(cluster: Cluster, value: str) -> Secrets:
    secrets = placeholder_secrets(cluster)
    return replace(secrets, fence={**secrets.fence, ("node2", 0, "password"): value})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FENCE_PASSWORD", "canary-fence")
    return keep_cluster(tmp_path)


def test_only_a_device_with_other_parameters_than_wanted_is_touched(minimal: Cluster) -> None:
    live = build_desired(minimal, placeholder_secrets(minimal), DEBIAN_13).cib
    desired = build_desired(minimal, with_fence(minimal, "canary-new"), DEBIAN_13)
    assert [(d.name, d.differs) for d in find_devices(minimal, live, desired.cib)] == [
        ("fence_node1", False), ("fence_node2", True),
    ]  # fmt: skip
    merged = merge(live, only_device(desired.cib, "fence_node2"))
    assert not any(device.differs for device in find_devices(minimal, merged, desired.cib))
    assert merged.count("canary-new") == 1
    assert merge(merged, live) == merge(live, live)


def test_a_login_is_tried_from_every_other_member_on_standard_input(with_arbiter: Cluster) -> None:
    secrets = with_fence(with_arbiter, "canary-new")
    nodes = {name: FakeNode(name, {"fence_ipmilan": (2, "", "")}) for name in MEMBERS}
    try_device(nodes, with_arbiter, secrets, with_arbiter.nodes[1], 0)
    assert [name for name, node in nodes.items() if node.ran] == ["node1", "arbiter"]
    assert "password=canary-new\n" in nodes["node1"].fed[0]
    assert nodes["node1"].fed[0].endswith("action=status\n")
    assert nodes["node1"].ran == [("fence_ipmilan",)]


def test_a_device_that_refuses_the_login_stops_everything_without_a_secret_in_the_words(minimal: Cluster) -> None:
    secrets = with_fence(minimal, "canary-new")
    nodes = {name: FakeNode(name, {"fence_ipmilan": (1, "", "ERROR: Failed with canary-new")}) for name in DATA}
    with pytest.raises(PcmkHaError, match="fence_node2 does not take the new password, asked from node1") as raised:
        try_device(nodes, minimal, secrets, minimal.nodes[1], 0)
    assert "canary" not in str(raised.value)


def test_a_device_is_pushed_alone_from_another_node_and_awaited_once_pacemaker_has_started_it_again(
    folder: Path, minimal: Cluster, outputs: Path
) -> None:
    old = placeholder_secrets(minimal)
    live = build_desired(minimal, old, DEBIAN_13).cib
    desired = build_desired(minimal, with_fence(minimal, "canary-new"), DEBIAN_13)
    one, other = FakeNode("node2", {}), FakeNode("node1", {
        "cibadmin --query": live, "install": "", "crm_verify": "", "rm -f": "",
        "crm_diff": (1, "<diff/>", ""), "cibadmin --patch": "", "crm_resource --cleanup --resource fence_node2": "",
        "crm_mon": (outputs / "crm_mon/healthy-3.0.0.xml").read_text(), "crm_resource --wait": "",
    })  # fmt: skip
    work = Rotating({"node2": one, "node1": other}, folder, lambda: Wanted(old, desired, desired))
    work(rotate.PushDevice("node2", 0, "fence_node2"))
    assert one.ran == []
    programs = [argv[0] + "".join(f" {word}" for word in argv[1:2]) for argv in other.ran]
    assert programs.index("cibadmin --patch") < programs.index("crm_resource --wait")
    assert other.files["/run/pcmk-ha/target.xml"].count("canary-new") == 1
    assert not [argv for argv in other.ran if "canary" in " ".join(argv)]
