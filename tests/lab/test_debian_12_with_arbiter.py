"""The same on Debian 12 with an arbiter: three votes, an older Pacemaker, another fence-agents package."""

from __future__ import annotations

import pytest
from conftest_lab import Bench, play

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]


def test_a_cluster_is_built_in_one_run(bookworm: Bench) -> None:
    assert "serves at" in bookworm.run("bootstrap", "--yes").stdout
    bookworm.lab("power", "reset", bookworm.standby)  # at once: what was written must be on disk by now
    found = bookworm.await_health()
    assert [q["quorum"]["expected"] for q in found["members"].values()] == [3, 3, 3]
    assert "Nothing to do" in bookworm.run("bootstrap").stdout


def test_the_arbiter_runs_nothing_of_the_service(bookworm: Bench) -> None:
    assert not bookworm.on("arbiter", "ls /etc/drbd.d/pgdata.res 2>/dev/null || true")
    assert bookworm.status()["failures"] == []


def test_a_power_cut_of_the_primary_loses_nothing(bookworm: Bench) -> None:
    run = play(bookworm, "primary-power-loss")
    assert run["serves"] != run["primary"]


def test_an_isolated_primary_believes_nothing_and_the_other_side_goes_on(bookworm: Bench) -> None:
    """One node was fenced before: a member's own cache would take it for stopped."""
    play(bookworm, "both-links-cut-of-primary")
