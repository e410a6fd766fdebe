"""One look at a cluster that serves, from the commands on its nodes to what `plan` prints."""

from __future__ import annotations

import pytest
from support.fake_node import FakeNode
from support.files import MINIMAL
from support.planned import desired_of
from support.serving import serving

from pcmk_ha.cli.proposal import print_proposal
from pcmk_ha.desired.values import Desired
from pcmk_ha.errors import Refused
from pcmk_ha.operate.change.applied import RECORD
from pcmk_ha.operate.change.change import Change
from pcmk_ha.operate.secrets import placeholder_secrets
from pcmk_ha.plan import change_actions as change
from pcmk_ha.plan.proposal import Proposal

READING = (
    "dpkg-query", "sha256sum", "stat", "systemctl show", "systemctl is-active", "nft", "corosync-cmapctl", "hostname",
    "wipefs --no-act", "drbdadm sh-resources", "drbdadm role", "drbdadm cstate", "drbdadm dstate", "drbdadm get-gi",
    "drbdadm --dry-run", "crm_mon", "cibadmin --query", "crm_verify", "runuser", "sh -c",
)  # fmt: skip
RESTARTED = '<rsc_action action="restart" resource="pg_fs" source="node1"/>'
RESTART = f"<actions>{RESTARTED}</actions>"


def propose(nodes: dict[str, FakeNode], desired: Desired) -> Proposal:
    return Change(nodes, desired, placeholder_secrets(desired.cluster), restart=True).propose()  # type: ignore[arg-type]


def kinds(proposal: Proposal) -> list[type]:
    return [type(step.action) for step in proposal.plan]


def test_a_cluster_as_its_file_wants_it_needs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    desired = desired_of(MINIMAL)
    nodes = serving(desired)
    found = propose(nodes, desired)
    assert (str(found.plan), found.differences, found.generation) == ("", (), 3)
    print_proposal(found)
    assert (
        "nothing to change, the cluster is as the file wants it (number 3 was applied last)" in capsys.readouterr().out
    )
    assert all(" ".join(argv).startswith(READING) for node in nodes.values() for argv in node.ran)


def test_a_changed_file_shows_steps_differences_parameters_and_impact(capsys: pytest.CaptureFixture[str]) -> None:
    desired = desired_of(MINIMAL + "postgresql: {parameters: {work_mem: 64MB, shared_buffers: 1GB}}\n"
                         "filesystem: {options: 'noatime,discard'}\ntimeouts: {token_ms: 3000}\n")  # fmt: skip
    found = propose(serving(desired_of(MINIMAL), simulated=RESTART), desired)
    print_proposal(found)
    said = capsys.readouterr().out
    for line in (
        "node1     write /etc/corosync/corosync.conf",
        "node1     restart PostgreSQL through Pacemaker",
        "node1     record what was applied, number 4",
        "~ cib       group pg",
        "shared_buffers: default → '1GB' (restart)",
        "work_mem: default → '64MB' (reload)",
        "-  token: 1000",
        "+  token: 3000",
        "noatime,discard",
        "restarts the file system on node1 (about 3 s)",
        "reloads Corosync on every node, without a restart",
    ):
        assert line in said, said
    assert kinds(found)[:2] == [change.Remember, change.Remember]
    assert "by hand" not in said


def test_what_hands_changed_is_told_apart_from_what_the_file_changed() -> None:
    desired = desired_of(MINIMAL)
    nodes = serving(
        desired, desired.cib.replace('name="stonith-timeout" value="60s"', 'name="stonith-timeout" value="9s"')
    )
    found = propose(nodes, desired_of(MINIMAL + "properties: {migration_threshold: 4}\n"))
    assert [d.what for d in found.by_hand] == ["property stonith-timeout"]
    assert {d.what for d in found.differences} == {"property stonith-timeout", "default migration-threshold"}


def test_a_secret_is_in_no_proposal() -> None:
    desired = desired_of(MINIMAL)
    live = desired.cib.replace('name="password" value="SECRET"', 'name="password" value="canary"')
    nodes = serving(desired, live)
    path = "/etc/drbd.d/pgdata.res"
    text = nodes["node1"].files[path].replace('"SECRET"', '"canary"')
    nodes["node1"].files[path] = text.replace("ping-int 1;", "ping-int 3;")
    nodes["node1"].answer("sha256sum", f"{'0' * 64}  {path}\n")
    found = propose(nodes, desired)
    assert any("ping-int 3" in line for line in found.file_diffs[f"node1:{path}"])
    assert "canary" not in str(found.as_dict())
    assert "SECRET" not in str(found.as_dict())


def test_a_parameter_with_a_password_in_it_is_in_no_proposal_and_no_record() -> None:
    desired = desired_of(MINIMAL + "postgresql: {parameters: {primary_conninfo: 'host=x password=canary'}}\n")
    found = propose(serving(desired_of(MINIMAL)), desired)
    assert [change.name for change in found.parameters] == ["primary_conninfo"]
    assert "canary" not in str(found.as_dict())
    assert "canary" not in serving(desired)["node1"].files[RECORD]


def test_a_record_that_is_lost_is_only_written_anew() -> None:
    desired = desired_of(MINIMAL)
    nodes = serving(desired)
    del nodes["node2"].files[RECORD]
    assert [str(step) for step in propose(nodes, desired).plan] == [
        "node1: record what was applied, number 3",
        "node2: record what was applied, number 3",
    ]


def test_a_comparison_that_was_switched_off_by_hand_is_a_difference_and_is_switched_on_again() -> None:
    desired = desired_of(MINIMAL)
    nodes = serving(desired)
    units = str(nodes["node2"]._answers["systemctl show"])
    timer = "Id=pcmk-ha-verify.timer\nUnitFileState=enabled\nActiveState=active"
    off = timer.replace("=enabled", "=disabled").replace("=active", "=inactive")
    nodes["node2"].answer("systemctl show", units.replace(timer, off))
    found = propose(nodes, desired)
    assert [str(d) for d in found.differences] == [
        "change node2: pcmk-ha-verify.timer: started  (changed by hand since the last apply)"
    ]
    assert str(found.plan).startswith("node2: compare both copies regularly")


@pytest.mark.parametrize(
    ("name", "todo"), [("maintenance-mode", "pcmk-ha maintenance off"), ("stop-all-resources", "pcmk-ha start")]
)
def test_a_cluster_that_was_put_to_rest_is_looked_at_and_not_changed(name: str, todo: str) -> None:
    desired = desired_of(MINIMAL)
    told = f'<cluster_property_set id="x"><nvpair id="y" name="{name}" value="true"/></cluster_property_set>'
    nodes = serving(desired, cib=desired.cib.replace("<crm_config>", f"<crm_config>{told}", 1))
    with pytest.raises(Refused, match=todo):
        propose(nodes, desired)
    secrets = placeholder_secrets(desired.cluster)
    looked = Change(nodes, desired, secrets, only_look=True).propose()  # type: ignore[arg-type]
    assert looked.foreign == (f"default {name}",)


def test_an_interrupted_run_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    desired = desired_of(MINIMAL)
    nodes = serving(desired)
    for node in nodes.values():
        node.files[RECORD] = node.files[RECORD].replace('"complete": true', '"complete": false')
    print_proposal(propose(nodes, desired))
    assert "a run after it did not come to its end" in capsys.readouterr().out


def test_what_cannot_be_changed_is_refused_with_every_reason() -> None:
    nodes = serving(desired_of(MINIMAL))
    other = desired_of(MINIMAL.replace("address: 192.0.2.12", "address: 192.0.2.99") + "filesystem: {type: xfs}\n")
    with pytest.raises(Refused) as refused:
        propose(nodes, other)
    assert "node2 does not have the address 192.0.2.99" in str(refused.value)
    assert "filesystem.type was ext4, and the file says xfs" in str(refused.value)
