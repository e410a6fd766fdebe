"""The agent of the address adds it where it belongs, and says when it does not come or go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.agent_node import FAILED, NOT_RUNNING, OK, World, world_in

ROUTES = "192.0.0.0/8 dev wide proto kernel scope link\n192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.11\n"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_in(tmp_path) as made:
        yield made


def test_an_address_joins_the_narrowest_network_it_is_in(world: World) -> None:
    world.set("routes", ROUTES)
    assert world.run("vip", "monitor")[0] == NOT_RUNNING
    assert world.run("vip", "start")[0] == OK
    assert any("addr add 192.0.2.100/24 brd + dev eth0" in call for call in world.calls)
    assert world.run("vip", "monitor")[0] == OK
    assert world.run("vip", "start")[0] == OK
    assert world.run("vip", "stop")[0] == OK
    assert world.run("vip", "monitor")[0] == NOT_RUNNING
    assert world.run("vip", "stop")[0] == OK


def test_an_address_goes_where_the_file_says(world: World) -> None:
    assert world.run("vip", "start", nic="bond0", cidr_netmask="25")[0] == OK
    assert any("192.0.2.100/25 brd + dev bond0" in call for call in world.calls)


def test_an_address_without_a_network_is_not_added(world: World) -> None:
    code, reason = world.run("vip", "start")
    assert (code, reason) == (FAILED, "no interface here is in the network of 192.0.2.100")


def test_an_address_that_stays_is_no_success(world: World) -> None:
    world.set("address", "192.0.2.100/24")
    world.set("broken")
    assert world.run("vip", "stop")[0] == FAILED
