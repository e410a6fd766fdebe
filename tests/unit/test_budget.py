"""Profiles, and what a failover waits for by the file."""

from __future__ import annotations

import pytest
from support.files import ARBITER, MINIMAL

from pcmk_ha.desired.drbd import net_options
from pcmk_ha.desired.postgresql import parameters
from pcmk_ha.drill.budget import make_budget
from pcmk_ha.drill.timeline import Phase
from pcmk_ha.errors import BadInput
from pcmk_ha.model.load import load_cluster_text
from pcmk_ha.model.platform import DEBIAN_13


@pytest.mark.parametrize(
    ("text", "token", "consensus", "delay"),
    [
        (MINIMAL, 1000, 400, 3),
        (MINIMAL + ARBITER, 1000, 1200, 0),
        (MINIMAL + "profile: conservative\n", 3000, 1200, 5),
        (MINIMAL + "profile: fast\n", 500, 300, 3),
        (MINIMAL + ARBITER + "profile: fast\n", 500, 600, 0),
        (MINIMAL + "profile: fast\ntimeouts: {token_ms: 800}\n", 800, 320, 3),
        (MINIMAL + "profile: fast\nstonith: {priority_delay_s: 4}\n", 500, 300, 4),
    ],
)
def test_a_profile_says_what_the_file_does_not(text: str, token: int, consensus: int, delay: int) -> None:
    cluster = load_cluster_text(text)
    assert (cluster.token_ms, cluster.consensus_ms, cluster.fencing_delay_s) == (token, consensus, delay)


@pytest.mark.parametrize("profile", ["default", "conservative", "fast"])
def test_timers_that_depend_on_each_other_fit(profile: str) -> None:
    """drbd.conf(5): timeout (0.1 s) must be below ping-int and connect-int (s)."""
    net = net_options(load_cluster_text(f"{MINIMAL}profile: {profile}\n"), DEBIAN_13)
    assert int(net["timeout"]) / 10 < int(net["ping-int"])
    assert int(net["timeout"]) / 10 < int(net["connect-int"])


def test_what_the_file_says_of_drbd_and_postgresql_comes_before_its_profile() -> None:
    cluster = load_cluster_text(
        MINIMAL + "profile: fast\ndrbd: {net: {ping-int: 3}}\npostgresql: {parameters: {max_wal_size: 2GB}}\n"
    )
    assert net_options(cluster, DEBIAN_13)["ping-int"] == "3"
    assert parameters(cluster, 17)["max_wal_size"] == "2GB"
    assert parameters(cluster, 17)["checkpoint_timeout"] == "1min"


def test_a_consensus_below_a_token_is_for_two_votes_only() -> None:
    assert load_cluster_text(MINIMAL + "timeouts: {consensus_ms: 500}\n").consensus_ms == 500
    with pytest.raises(BadInput, match=r"below 1\.2 x token"):
        load_cluster_text(MINIMAL + ARBITER + "timeouts: {consensus_ms: 500}\n")


def test_the_budget_names_what_is_waited_for_and_holds_it_against_a_drill() -> None:
    cluster = load_cluster_text(MINIMAL)
    assert make_budget(cluster, DEBIAN_13).measured_s is None
    budget = make_budget(
        cluster, DEBIAN_13, [Phase("detected", 0, 1.5), Phase("fenced", 3, 7), Phase("first write", 7, 7.5)]
    )
    assert budget.timers_s == pytest.approx(1.4 + 0.6), "the head start is for a node that has power"
    steps = {step.name: step for step in budget.steps}
    assert steps["detected"].work_s == pytest.approx(0.1)
    assert "priority_delay_s 3" in steps["fenced"].settings
    assert "fence each other" in steps["fenced"].price
    assert steps["mounted"].measured_s is None
    assert budget.measured_s == pytest.approx(6.0)


def test_pacemakers_own_head_start_is_waited_for_and_an_arbiter_takes_it_away() -> None:
    texts = (MINIMAL + "agents: packaged\n", MINIMAL + ARBITER + "agents: packaged\n")
    two, three = ({s.name: s for s in make_budget(load_cluster_text(text), DEBIAN_13).steps} for text in texts)
    assert (two["fenced"].timers_s, three["fenced"].timers_s) == (3, 0)
    assert "arbiter" in two["fenced"].price


@pytest.mark.parametrize(
    ("profile", "waits", "said"),
    [
        ("default", 2 - 1.4, "ping-int 1: DRBD notices after 2 to 3 s"),
        ("conservative", 12 - (3 + 1.2), "ping-int 10: DRBD notices after 12 to 22 s"),
    ],
)
def test_a_promotion_also_waits_for_drbd_to_notice(profile: str, waits: float, said: str) -> None:
    """What Corosync waits for is part of it."""
    budget = make_budget(load_cluster_text(f"{MINIMAL}profile: {profile}\n"), DEBIAN_13)
    (step,) = (step for step in budget.steps if step.name == "promoted")
    assert step.timers_s == pytest.approx(waits)
    assert said in step.settings
