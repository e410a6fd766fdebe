"""The old machine is dead and a copy the newer one only when something proves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from support.fake_node import FakeNode
from support.files import HERE, MINIMAL
from support.planned import desired_of
from support.widowed import GOOD, MOVED, NOW

from pcmk_ha.facts.generations import Generations, parse_generations
from pcmk_ha.facts.member import has_status, last_fencing, last_result, parse_attributes, parse_devices
from pcmk_ha.facts.records import parse_records
from pcmk_ha.operate.change.change import Change
from pcmk_ha.operate.replace.observe import find_evidence
from pcmk_ha.operate.secrets import placeholder_secrets
from pcmk_ha.plan.replace import Evidence, Place, Verdict

# --- is the old machine dead


@pytest.mark.parametrize(
    ("evidence", "verdict", "says"),
    [
        (Evidence(fenced=NOW), Verdict.DEAD, "fenced at 2026-11-28 06:00:00 UTC"),
        (Evidence(fenced=NOW, heard=NOW - timedelta(seconds=1)), Verdict.DEAD, "has not taken part since"),
        (Evidence(fenced=NOW, heard=NOW + timedelta(days=1)), Verdict.UNKNOWN, "took part after it was last fenced"),
        (Evidence(), Verdict.UNKNOWN, "it was not fenced"),
        (Evidence(unclean=True, fenced=NOW), Verdict.UNKNOWN, "its fencing does not succeed"),
        (Evidence(devices={"fence_node2": "off"}), Verdict.DEAD, "says that it has no power"),
        (Evidence(fenced=NOW, devices={"fence_node2": "on"}), Verdict.ALIVE, "fence_node2 says that it has power"),
        (Evidence(fenced=NOW, devices={"fence_node2": "no route"}), Verdict.DEAD, "it was fenced at"),
        (Evidence(devices={"a": "off", "b": "no route"}), Verdict.UNKNOWN, "b: no route"),
    ],
)
def test_the_old_machine_is_dead_only_when_something_proves_it(evidence: Evidence, verdict: Verdict, says: str) -> None:
    found, why = evidence.judge()
    assert found is verdict
    assert says in why


# --- which copy is the newer


@pytest.mark.parametrize(
    ("text", "follows"),
    [
        ("0000000000000004:0000000000000000:0000000000000000:0000000000000000:0:0:0:0:0:0", True),  # just created
        (
            "5A0C3D4E5F607182:0000000000000000:0000000000000000:0000000000000000:0:0:0:1:0:0",
            True,
        ),  # the target of its resync
        ("3A0C3D4E5F607183:0000000000000000:0000000000000000:0000000000000000:1:1:0:0:0:0", True),  # what it had before
        (
            "8A0C3D4E5F607182:0000000000000000:0000000000000000:0000000000000000:1:1:0:1:0:0",
            True,
        ),  # the same, the copy is done
        (
            "8A0C3D4E5F607182:0000000000000000:0000000000000000:0000000000000000:1:1:1:1:0:0",
            False,
        ),  # the same, and it was Primary, too
        (
            "8A0C3D4E5F607182:5A0C3D4E5F607182:0000000000000000:0000000000000000:1:1:0:0:0:0",
            False,
        ),  # it knows of a copy that is older
        ("9999999999999998:8A0C3D4E5F607182:0000000000000000:0000000000000000:1:1:0:0:0:0", False),  # it went on alone
        ("1111111111111110:0000000000000000:0000000000000000:0000000000000000:1:1:0:0:0:0", False),  # another cluster's
        ("0000000000000000:0000000000000000:0000000000000000:0000000000000000:0:0:0:0:0:0", False),
    ],
)
def test_a_copy_is_brought_in_line_only_when_it_follows_the_good_one(text: str, follows: bool) -> None:
    good, new = parse_generations(GOOD), parse_generations(text)
    assert good is not None
    assert new is not None
    assert good.is_good
    assert new.follows(good) is follows


def test_what_drbd_does_not_say_is_not_guessed() -> None:
    assert parse_generations("") is None
    assert parse_generations("No usable activity log found.\n") is None
    assert parse_generations(GOOD.replace(":1:1:1:", ":1:0:1:")) != parse_generations(GOOD)
    assert not Generations(current=4, consistent=True, up_to_date=True).is_good


# --- what the cluster knows of a member, as real programs print it


def test_a_members_devices_are_those_that_name_it() -> None:
    cib = desired_of(MINIMAL).cib
    (device,) = parse_devices(cib, "node2")
    assert (device.id, device.agent, device.parameters["ip"]) == ("fence_node2", "fence_ipmilan", "192.0.2.112")
    assert "SECRET" not in repr(device)
    (moved,) = parse_devices(desired_of(MOVED).cib, "node2")
    assert moved.place != device.place
    login = MINIMAL.replace("username: admin", "username: other")
    assert parse_devices(desired_of(login).cib, "node2")[0].place == device.place, "another login is no other device"


LIVE = (HERE / "outputs/cibadmin/live-3.0.0.xml").read_text()
HISTORY = (HERE / "outputs/stonith_admin/history-3.0.0.xml").read_text()


def test_what_pacemaker_keeps_of_a_member_is_found() -> None:
    assert has_status(LIVE, "node2")
    assert not has_status(LIVE, "node3")
    heard = last_result(LIVE, "node2")
    assert heard is not None
    assert heard.year == 2026
    assert last_result(LIVE, "node3") is None
    nodes = (HERE / "outputs/cibadmin/nodes-2.1.5.xml").read_text()
    cib = f"<cib><configuration>{nodes}</configuration></cib>"
    assert set(parse_attributes(cib, "node2")) == {"pcmk-ha-fenced", "pcmk-ha-resynced"}
    assert not parse_attributes("", "node2")
    assert parse_records(nodes.replace("pcmk-ha-fenced", "pcmk-ha-replacing")).replacing == ("node2",)


def test_only_a_fencing_that_succeeded_counts_and_its_zone_is_heeded() -> None:
    at = datetime(2026, 11, 24, 12, 43, 53, tzinfo=UTC)
    assert last_fencing(HISTORY, "node2") == at
    assert last_fencing(HISTORY, "node1") is None
    assert last_fencing(HISTORY.replace('status="success"', 'status="failed"'), "node2") is None
    assert last_fencing(HISTORY.replace('action="reboot"', 'action="on"'), "node2") is None
    elsewhere = HISTORY.replace("12:43:53.007335Z", "13:43:53.007335 +01:00")
    assert last_fencing(elsewhere, "node2") == at


def test_the_old_device_is_asked_by_its_own_agent_and_its_password_is_never_shown() -> None:
    old, new = desired_of(MINIMAL), desired_of(MOVED)
    node = FakeNode("node1", {"stonith_admin --history": HISTORY, "fence_ipmilan": (1, "", "denied for SECRET")})
    work = Change({"node1": node}, new, placeholder_secrets(new.cluster))
    found = find_evidence(node, work, Place("node2"), old.cib)
    assert found.devices == {"fence_node2": "denied for ********"}
    assert "ip=192.0.2.112\n" in node.fed[-1]
    assert "password=SECRET\n" in node.fed[-1]
    assert "pcmk_" not in node.fed[-1]
    assert node.ran[-1] == ("fence_ipmilan",)
    for status, says in ((0, "on"), (2, "off")):
        node.answer("fence_ipmilan", (status, "", ""))
        assert find_evidence(node, work, Place("node2"), old.cib).devices == {"fence_node2": says}
    same = Change({"node1": node}, old, placeholder_secrets(old.cluster))
    assert not find_evidence(node, same, Place("node2"), old.cib).devices, "it tells of the new machine"
