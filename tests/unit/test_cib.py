"""The CIB says what a safe cluster needs, and merging it into a live one takes nothing away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from lxml import etree
from strategies import clusters
from support.files import ARBITER, HERE, MINIMAL
from support.meaning import sections
from test_bad_input import write

from pcmk_ha.cib.build import build_cib
from pcmk_ha.cib.crmsh import to_crmsh
from pcmk_ha.cib.items import items
from pcmk_ha.cib.mask import mask_secrets
from pcmk_ha.cib.merge import is_merged, merge
from pcmk_ha.cib.subset import fencing_only
from pcmk_ha.cib.tree import as_plain, parse_cib
from pcmk_ha.errors import BadInput
from pcmk_ha.model.load import load_cluster_text
from pcmk_ha.model.platform import DEBIAN_12, DEBIAN_13, Platform
from pcmk_ha.operate.secrets import placeholder_secrets

EMPTY = """<cib validate-with="pacemaker-4.0" epoch="7" num_updates="0" admin_epoch="0"><configuration>
<crm_config><cluster_property_set id="cib-bootstrap-options">
<nvpair id="cib-bootstrap-options-dc-version" name="dc-version" value="3.0.0"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="node1"/></nodes><resources/><constraints/></configuration><status/></cib>"""


def cib_of(text: str, platform: Platform = DEBIAN_13) -> str:
    cluster = load_cluster_text(text)
    return build_cib(cluster, placeholder_secrets(cluster), platform)


def levels_of(cib: str) -> list[tuple[str | None, ...]]:
    levels = etree.fromstring(cib.encode()).iter("fencing-level")
    return [(level.get("target"), level.get("index"), level.get("devices")) for level in levels]


def properties(cib: str) -> dict[str, str]:
    pairs = etree.fromstring(cib.encode()).iterfind("configuration/crm_config/cluster_property_set/nvpair")
    return {str(pair.get("name")): str(pair.get("value")) for pair in pairs}


@settings(max_examples=50, deadline=None)
@given(clusters())
def test_stonith_is_on_and_every_node_has_a_device_away_from_itself(file: dict[str, Any]) -> None:
    cluster = load_cluster_text(write(file))
    cib = build_cib(cluster, placeholder_secrets(cluster), DEBIAN_13)
    assert properties(cib)["stonith-enabled"] == "true"
    assert properties(cib)["no-quorum-policy"] == "stop"
    root = etree.fromstring(cib.encode())
    for node in cluster.members:
        devices = [p for p in root.iter("primitive") if str(p.get("id")).startswith(f"fence_{node.name}")]
        assert len(devices) == len(node.fence_devices)
        for device in devices:
            (away,) = [c for c in root.iter("rsc_location") if c.get("rsc") == device.get("id")]
            assert (away.get("node"), away.get("score")) == (node.name, "-INFINITY")


@settings(max_examples=50, deadline=None)
@given(clusters())
def test_ids_are_unique_and_the_same_every_time(file: dict[str, Any]) -> None:
    text = write(file)
    first = cib_of(text)
    ids = [str(e.get("id")) for e in etree.fromstring(first.encode()).iterfind("configuration//*[@id]")]
    assert len(ids) == len(set(ids))
    assert first == cib_of(text)


@settings(max_examples=50, deadline=None)
@given(clusters())
def test_merging_twice_changes_nothing_more(file: dict[str, Any]) -> None:
    desired = cib_of(write(file))
    once = merge(EMPTY, desired)
    assert merge(once, desired) == once
    assert is_merged(once, desired)
    assert not is_merged(EMPTY, desired)


def test_a_set_that_a_restart_left_empty_is_no_difference() -> None:
    desired = cib_of(MINIMAL)
    live = etree.fromstring(desired.encode())
    (server,) = live.iterfind(".//primitive[@id='pg_server']")
    server.insert(1, etree.Element("meta_attributes", id="pg_server-meta_attributes"))
    text = etree.tostring(live, encoding="unicode")
    assert is_merged(text, desired)
    assert items(text) == items(desired)


def test_foreign_elements_and_properties_stay() -> None:
    foreign = """<rsc_location id="drbd-fence-by-handler-pgdata-drbd_pgdata-clone" rsc="drbd_pgdata-clone">
      <rule role="Promoted" score="-INFINITY" id="r">
      <expression attribute="#uname" operation="ne" value="node1" id="e"/>
      </rule></rsc_location>"""
    live = EMPTY.replace("<constraints/>", f"<constraints>{foreign}</constraints>")
    live = live.replace("<resources/>", '<resources><primitive id="mine" class="systemd" type="nginx"/></resources>')
    merged = merge(live, cib_of(MINIMAL))
    root = etree.fromstring(merged.encode())
    assert root.get("validate-with") == "pacemaker-4.0"
    assert properties(merged)["dc-version"] == "3.0.0"
    assert root.find(".//primitive[@id='mine']") is not None
    assert root.find(".//rsc_location[@id='drbd-fence-by-handler-pgdata-drbd_pgdata-clone']//expression") is not None
    assert root.find("configuration/nodes/node[@id='1']") is not None


def test_a_property_another_tool_set_under_another_id_is_changed_and_not_doubled() -> None:
    live = EMPTY.replace(
        "</cluster_property_set>", '<nvpair id="x" name="stonith-enabled" value="false"/></cluster_property_set>'
    )
    merged = etree.fromstring(merge(live, cib_of(MINIMAL)).encode())
    pairs = merged.findall(".//nvpair[@name='stonith-enabled']")
    assert [(p.get("id"), p.get("value")) for p in pairs] == [("x", "true")]


def test_there_is_one_property_set_although_the_live_one_has_ours() -> None:
    merged = etree.fromstring(merge(EMPTY, cib_of(MINIMAL)).encode())
    assert len(merged.findall(".//cluster_property_set")) == 1


def test_two_votes_give_the_promoted_node_a_head_start_and_three_need_none() -> None:
    two, three = cib_of(MINIMAL), cib_of(MINIMAL + ARBITER)
    assert levels_of(two) == [
        ("node1", "1", "fence_head_start"), ("node1", "2", "fence_node1"),
        ("node2", "1", "fence_head_start"), ("node2", "2", "fence_node2"),
    ]  # fmt: skip
    device = etree.fromstring(two.encode()).find(".//primitive[@id='fence_head_start']")
    assert device is not None
    given = {str(p.get("name")): p.get("value") for p in device.iter("nvpair")}
    assert (given["head_start"], given["pcmk_host_list"]) == ("3", "node1 node2")
    assert "priority-fencing-delay" not in properties(two), "both would be waited for"
    assert "priority-fencing-delay" not in properties(three)
    assert "fence_head_start" not in three


@pytest.mark.parametrize(
    "text",
    [
        MINIMAL + "agents: packaged\n",
        MINIMAL.replace(
            "fence: {ip: 192.0.2.111, username: admin, password: {env: FENCE_PASSWORD}}",
            "fence: [{ip: 192.0.2.111}, {agent: fence_virsh, ip: 192.0.2.1, username: root, level: 2}]",
        ),
    ],
    ids=["packaged agents", "two devices of a node"],
)
def test_where_our_fence_agent_cannot_ask_pacemaker_delays(text: str) -> None:
    cib = cib_of(text)
    assert properties(cib)["priority-fencing-delay"] == "3s"
    assert "fence_head_start" not in cib


def test_without_a_head_start_nothing_gives_one() -> None:
    cib = cib_of(MINIMAL + "stonith: {priority_delay_s: 0}\n")
    assert "priority-fencing-delay" not in cib
    assert "fence_head_start" not in cib


def test_nothing_of_the_service_is_ever_looked_for_on_the_arbiter() -> None:
    root = etree.fromstring(cib_of(MINIMAL + ARBITER).encode())
    kept = {str(c.get("rsc")) for c in root.iter("rsc_location") if c.get("resource-discovery") == "never"}
    assert kept == {"drbd_pgdata-clone", "pg", "pg_vip"}


def test_every_order_names_the_action_that_follows() -> None:
    orders = list(etree.fromstring(cib_of(MINIMAL).encode()).iter("rsc_order"))
    assert orders
    assert {(order.get("kind"), order.get("then-action")) for order in orders} == {
        ("Mandatory", "start"),
        ("Optional", "start"),
        ("Optional", "stop"),
    }


def test_the_address_goes_after_the_server_and_never_holds_up_a_start() -> None:
    """Without it, clients that are about to say who they are keep PostgreSQL from stopping."""
    (order,) = etree.fromstring(cib_of(MINIMAL).encode()).iterfind(".//rsc_order[@first-action='stop']")
    assert (order.get("first"), order.get("then"), order.get("symmetrical")) == ("pg_server", "pg_vip", "false")


def test_property_names_follow_the_pacemaker_version() -> None:
    new = Platform(suite="sid", pacemaker=(3, 0, 2), drbd_module=9, postgresql=18)
    assert "fencing-enabled" in properties(cib_of(MINIMAL, new))
    assert "stonith-enabled" in properties(cib_of(MINIMAL, DEBIAN_12))


def test_power_off_instead_of_reboot_is_told_to_the_fencer() -> None:
    cib = cib_of(MINIMAL + "stonith: {action: off}\n")
    assert cib.count('name="pcmk_reboot_action" value="off"') == 3, "whoever is off already is to stay so, too"


def test_two_devices_of_a_node_become_fencing_levels() -> None:
    text = MINIMAL.replace(
        "fence: {ip: 192.0.2.111, username: admin, password: {env: FENCE_PASSWORD}}",
        "fence: [{ip: 192.0.2.111}, {agent: fence_virsh, ip: 192.0.2.1, username: root, level: 2}]",
    )
    assert levels_of(cib_of(text)) == [("node1", "1", "fence_node1"), ("node1", "2", "fence_node1_2")]


def test_fencing_is_loaded_first_and_without_the_service() -> None:
    root = etree.fromstring(fencing_only(cib_of(MINIMAL)).encode())
    assert {p.get("id") for p in root.iter("primitive")} == {"fence_node1", "fence_node2", "fence_head_start"}
    assert len(list(root.iter("fencing-level"))) == 4
    assert {c.get("rsc") for c in root.iterfind("configuration/constraints/*")} == {"fence_node1", "fence_node2"}


def test_the_head_start_is_kept_beside_the_service_and_has_no_say_in_its_place() -> None:
    root = etree.fromstring(cib_of(MINIMAL + "properties: {resource_stickiness: 300}\n").encode())
    (away,) = root.iterfind(".//rsc_colocation[@rsc='fence_head_start']")
    assert (away.get("with-rsc-role"), away.get("score"), away.get("influence")) == ("Promoted", "-601", "false")
    (late,) = root.iterfind(".//rsc_order[@then='fence_head_start']")
    assert (late.get("first-action"), late.get("kind"), late.get("symmetrical")) == ("promote", "Optional", "false")
    for text in (MINIMAL + ARBITER, MINIMAL + "agents: packaged\n"):
        assert "fence_head_start" not in cib_of(text)


@pytest.mark.parametrize("case", ["two-node", "two-node-and-arbiter"])
def test_the_reviewed_examples_are_what_is_built(case: str) -> None:
    text = MINIMAL + (ARBITER if "arbiter" in case else "")
    assert cib_of(text) == (HERE.parent / f"cib/{case}.xml").read_text()


def test_secrets_are_masked_on_screens() -> None:
    root = parse_cib(cib_of(MINIMAL), "x")
    mask_secrets(root)
    assert "SECRET" not in to_crmsh(root)
    assert "password=" in to_crmsh(root)


def test_nothing_of_a_foreign_cib_is_left_out() -> None:
    root = etree.parse(HERE / "offline/foreign/wide.xml")
    text = to_crmsh(root.getroot())
    for element in root.iter("primitive", "rsc_location", "rsc_colocation", "rsc_order", "alert"):
        assert element.get("id") in text


@pytest.mark.parametrize(
    "element",
    [
        '<bundle id="b"><docker image="i"/></bundle>',
        '<primitive id="p" class="ocf" provider="x" type="y" later="1"/>',  # an attribute of a version to come
        '<rsc_order id="o" first="a" then="b" score="10"/>',  # the shell would make a kind of the score
    ],
)
def test_what_the_crm_syntax_cannot_say_stands_as_xml(element: str) -> None:
    text = to_crmsh(etree.fromstring(f"<configuration><resources>{element}</resources></configuration>"))
    assert text.startswith(f"xml {element.partition('>')[0]}"[:20])


def test_json_says_everything_the_xml_says() -> None:
    root = parse_cib(cib_of(MINIMAL), "x")
    plain = as_plain(root)
    assert plain["tag"] == "cib"
    assert str(plain).count("'tag'") == len(list(root.iter()))


@pytest.mark.parametrize(("text", "says"), [("<cib>", "not XML"), ("<html/>", "is not a CIB"), ("", "not XML")])
def test_a_file_that_is_no_cib_is_bad_input(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        parse_cib(text, "f.xml")


def test_meaning_tells_different_configurations_apart(tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    one.write_text(cib_of(MINIMAL))
    two.write_text(cib_of(MINIMAL).replace('name="head_start" value="3"', 'name="head_start" value="4"'))
    assert sections(str(one)) == sections(str(one))
    assert sections(str(one)) != sections(str(two))
