"""Decisions of the operations, made on facts alone."""

from __future__ import annotations

import os
import stat
import subprocess
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from support.files import MINIMAL

from pcmk_ha.client.ledger import Ledger, Server
from pcmk_ha.client.process import read_ledgers
from pcmk_ha.client.settings import connection_string
from pcmk_ha.errors import BadInput, PcmkHaError
from pcmk_ha.facts.corosync import LinkState, Quorum
from pcmk_ha.facts.drbd import DrbdState
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.load import load_cluster_text
from pcmk_ha.operate.change.apply import apply_plan
from pcmk_ha.operate.fencing.fence import Loss, reasons_against
from pcmk_ha.operate.look.service import Service
from pcmk_ha.operate.look.status import Health, MemberFacts, summarise
from pcmk_ha.operate.look.whole import is_whole
from pcmk_ha.operate.parts.firewall import commands, input_chains, nft_rules
from pcmk_ha.operate.parts.node import with_block
from pcmk_ha.operate.parts.scram import scram_verifier
from pcmk_ha.operate.secrets import create_secrets, fence_secrets, load_secrets, secrets_path
from pcmk_ha.plan.actions import BringUpDrbd, CreateMetadata
from pcmk_ha.plan.values import Plan, Step

UP = Service("node1", True, ("node1", "node2"), "node1", ("node2",), "node1", "node1", 2, 2)


# --- fence


def test_fencing_the_standby_is_no_loss(minimal: Cluster) -> None:
    assert reasons_against(minimal, Loss("node2", UP, UP), "UpToDate/UpToDate") == ()


def test_fencing_the_primary_is_fine_while_the_other_side_is_good(minimal: Cluster) -> None:
    after = replace(UP, promoted_on="node2", database_on="node2", vip_on="node2")
    loss = Loss("node1", UP, after)
    assert reasons_against(minimal, loss, "UpToDate/UpToDate") == ()
    assert "starts on node2" in loss.lines()[1]


@pytest.mark.parametrize("disks", ["Inconsistent/UpToDate", "Outdated/UpToDate", "Diskless/UpToDate", "unknown"])
def test_the_last_good_copy_is_never_fenced(minimal: Cluster, disks: str) -> None:
    after = replace(UP, promoted_on="node2", database_on="node2", vip_on="node2")
    (reason,) = reasons_against(minimal, Loss("node1", UP, after), disks)
    assert "last good copy" in reason


def test_a_fencing_that_loses_the_service_or_has_no_quorum_is_refused(minimal: Cluster) -> None:
    loss = Loss("node1", replace(UP, quorate=False), Service())
    reasons = reasons_against(minimal, loss, "UpToDate/UpToDate")
    assert any("no quorum" in reason for reason in reasons)
    assert any("nowhere" in reason for reason in reasons)
    assert "LOST" in loss.lines()[0]


# --- status


def member(outputs: Path, **changes: object) -> MemberFacts:
    good = MemberFacts(
        crm_mon=(outputs / "crm_mon/healthy-3.0.0.xml").read_text(),
        constraints="<constraints/>",
        links=(LinkState(0, "10.77.0.12", connected=True),),
        quorum=Quorum(quorate=True, votes=2, expected=2, flags=()),
        drbd=DrbdState("Primary", "UpToDate", "Connected", "UpToDate"),
        answers=True,
    )
    return replace(good, **changes)  # type: ignore[arg-type]


def test_a_healthy_cluster_has_nothing_to_say(outputs: Path, minimal: Cluster) -> None:
    status = summarise(minimal, {"node1": member(outputs), "node2": member(outputs)}, {})
    assert (status.health, status.findings) == (Health.HEALTHY, ())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"drbd": DrbdState("Primary", "UpToDate", "StandAlone", "DUnknown")}, "split brain"),
        ({"drbd": DrbdState("Primary", "UpToDate", "SyncSource", "Inconsistent", 70000, 48.0)}, "48 % done"),
        ({"drbd": DrbdState("Primary", "UpToDate", "WFConnection", "DUnknown")}, "no second copy"),
        ({"answers": False}, "takes no connections"),
        ({"links": (LinkState(1, "10.77.1.12", connected=False),)}, "link 1 to 10.77.1.12 is down"),
        ({"constraints": '<constraints><rsc_location id="cli-ban-x" rsc="pg"/></constraints>'}, "cli-ban-x"),
    ],
)
def test_what_is_not_as_it_should_be_is_said(
    outputs: Path, minimal: Cluster, changes: dict[str, object], says: str
) -> None:
    status = summarise(minimal, {"node1": member(outputs, **changes), "node2": member(outputs)}, {})
    assert status.health is (Health.DOWN if "connections" in says else Health.DEGRADED)
    assert any(says in finding.what for finding in status.findings)


def test_a_cluster_in_which_a_fencing_is_under_way_is_not_whole(outputs: Path, minimal: Cluster) -> None:
    """All runs still; in a moment a node is dark."""
    text = (outputs / "crm_mon/healthy-3.0.0.xml").read_text()
    soon = '<fence_event action="reboot" target="node1" client="pacemaker-controld.9" origin="node2" status="pending"/>'
    text = text.replace("<fence_history", f"<fence_history>{soon}</fence_history><fence_history", 1)
    whole, fenced = (
        summarise(minimal, {"node1": member(outputs, crm_mon=said), "node2": member(outputs, crm_mon=said)}, {})
        for said in ((outputs / "crm_mon/healthy-3.0.0.xml").read_text(), text)
    )
    assert fenced.health is Health.DEGRADED
    assert any(finding.what == "node1 is being fenced" for finding in fenced.findings)
    assert (is_whole(whole, failures_stay=True), is_whole(fenced, failures_stay=True)) == (True, False)


def test_a_dead_node_is_degraded_while_the_other_serves(outputs: Path, minimal: Cluster) -> None:
    text = (outputs / "crm_mon/node1-lost-simulated-3.0.0.xml").read_text()
    lonely = DrbdState("Primary", "UpToDate", "WFConnection", "Outdated")
    status = summarise(minimal, {"node2": member(outputs, crm_mon=text, drbd=lonely)}, {"node1": "no answer"})
    assert status.health is Health.DEGRADED
    assert any("node1 is offline" in finding.what for finding in status.findings)


def test_a_member_that_has_just_joined_is_not_asked_what_runs(minimal: Cluster, outputs: Path) -> None:
    """Corosync has quorum there, and Pacemaker has not heard of the others yet."""
    alone = member(outputs).crm_mon.replace('with_quorum="true"', 'with_quorum="false"')
    alone = alone.replace('role="Promoted"', 'role="Stopped"')
    status = summarise(minimal, {"node1": member(outputs, crm_mon=alone), "node2": member(outputs)}, {})
    assert status.service.promoted_on == "node1"


def test_no_member_running_pacemaker_is_down(outputs: Path, minimal: Cluster) -> None:
    status = summarise(minimal, {"node1": MemberFacts()}, {"node2": "no answer"})
    assert status.health is Health.DOWN
    assert status.as_dict()["health"] == "down"
    assert any(finding.what == "node2 does not answer SSH: no answer" for finding in status.findings)


def test_json_has_no_raw_documents(outputs: Path, minimal: Cluster) -> None:
    status = summarise(minimal, {"node1": member(outputs)}, {})
    assert "crm_mon" not in str(status.as_dict())


# --- ledger


def test_the_outage_is_the_longest_gap_and_counts_to_the_end() -> None:
    ledger = Ledger(((1, 10.1), (2, 10.2), (3, 13.2)), found=(1, 2, 3), began=10.0, ended=13.3)
    assert ledger.outage_s == pytest.approx(3.0)
    assert ledger.outage_window == (10.2, 13.2)
    assert Ledger(((1, 0.1),), found=(1,), began=0.0, ended=9.0).outage_s == pytest.approx(8.9)


def test_planted_losses_and_repetitions_are_found() -> None:
    ledger = Ledger(((1, 0.1), (2, 0.2), (3, 0.3)), doubtful=(4,), found=(1, 3, 3, 4, 9), began=0, ended=1)
    assert ledger.lost == (2,)
    assert ledger.repeated == (3,)
    assert ledger.unexpected == (9,)


def test_a_writer_that_could_not_read_its_rows_proves_nothing() -> None:
    with pytest.raises(PcmkHaError, match="cannot be checked"):
        read_ledgers(
            [
                {"client": "a", **word}
                for word in ({"began": 1.0}, {"ack": 1, "at": 1.1}, {"ended": 2.0}, {"error": "no"})
            ]
        )
    with pytest.raises(PcmkHaError, match="cannot be checked"):
        read_ledgers([])


def test_each_clients_words_become_a_ledger_of_its_own() -> None:
    said = [
        {"client": "a", "began": 1.0}, {"client": "b", "began": 1.1},
        {"client": "a", "node": "node1", "instance": "i1", "timeline": 1, "at": 1.2},
        {"client": "a", "ack": 1, "at": 1.3}, {"client": "b", "doubt": 1, "at": 1.4, "why": "x"},
        {"client": "b", "ended": 2.0}, {"client": "a", "ended": 2.1},
        {"client": "a", "found": [1]}, {"client": "b", "found": [1]},
    ]  # fmt: skip
    found = read_ledgers(said)
    assert found["a"] == Ledger(((1, 1.3),), (), (1,), 1.0, 2.1, (Server(1.2, "node1", "i1", 1),))
    assert found["b"] == Ledger((), (1,), (1,), 1.1, 2.0)
    assert found["b"].unexpected == ()


# --- secrets


def cluster_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Cluster, Path]:
    monkeypatch.setenv("FENCE_PASSWORD", "canary-1")
    path = folder / "cluster.yaml"
    path.write_text(MINIMAL)
    return load_cluster_text(MINIMAL), path


def test_secrets_are_generated_once_and_only_for_the_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster, path = cluster_in(tmp_path, monkeypatch)
    with pytest.raises(BadInput, match="no secrets of this cluster yet"):
        load_secrets(cluster, path)
    first = create_secrets(cluster, path)
    assert create_secrets(cluster, path) == load_secrets(cluster, path) == first
    assert stat.S_IMODE(secrets_path(path).stat().st_mode) == 0o600
    assert len(first.drbd) <= 64
    assert first.fence["node1", 0, "password"] == "canary-1"
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_secrets_that_others_can_read_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster, path = cluster_in(tmp_path, monkeypatch)
    create_secrets(cluster, path)
    secrets_path(path).chmod(0o644)
    with pytest.raises(BadInput, match="others can read"):
        load_secrets(cluster, path)


def test_a_reference_that_leads_nowhere_is_named_and_nothing_is_generated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster, path = cluster_in(tmp_path, monkeypatch)
    monkeypatch.delenv("FENCE_PASSWORD")
    for load in (create_secrets, fence_secrets):
        with pytest.raises(BadInput, match="FENCE_PASSWORD is not set"):
            load(cluster, path)
    assert not secrets_path(path).exists()


def test_no_secret_shows_when_secrets_are_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster, path = cluster_in(tmp_path, monkeypatch)
    found = create_secrets(cluster, path)
    for value in (found.authkey, found.drbd, found.superuser, found.application, "canary-1"):
        assert value not in repr(found)


def test_a_password_verifier_is_what_postgresql_stores() -> None:
    """Salt, password and result of RFC 7677's example, as PostgreSQL writes them."""
    stored = "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    expected = f"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==${stored}"
    assert scram_verifier("pencil", b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")) == expected


# --- nodes


def test_our_block_in_hosts_is_replaced_and_the_rest_stays() -> None:
    block = "# BEGIN pcmk-ha\n10.0.0.1 a\n# END pcmk-ha\n"
    once = with_block("127.0.0.1 localhost\n", block)
    assert once == "127.0.0.1 localhost\n" + block
    assert with_block(once + "10.9.9.9 mine\n", block.replace("0.1", "0.2")).count("BEGIN") == 1
    assert with_block(once, "") == "127.0.0.1 localhost\n"


def test_the_firewall_is_opened_for_corosync_drbd_and_postgresql(minimal: Cluster) -> None:
    for firewall in ("ufw", "firewalld"):
        text = str(commands(firewall, minimal))
        assert all(port in text for port in ("7788/tcp", "5432/tcp", "5412/udp"))


def test_nftables_lets_the_cluster_through_before_everything_else(minimal: Cluster, tmp_path: Path) -> None:
    """With the real nft, in a network namespace that goes with the command."""
    rules = tmp_path / "rules.nft"
    rules.write_text(
        "table inet filter {\n chain input { type filter hook input priority 0; policy drop; tcp dport 22 accept; }\n"
        " chain forward { type filter hook forward priority 0; }\n}\n"
    )
    unshare = ("unshare", "--net", "sh", "-c")
    chains = subprocess.run(
        (*unshare, f"nft -f {rules} && nft -j list chains"), capture_output=True, text=True, timeout=30, check=True
    ).stdout
    assert input_chains(chains) == ("inet filter input",)
    own = tmp_path / "own.nft"
    own.write_text("\n".join(nft_rules("inet filter input", minimal)) + "\n")
    shown = subprocess.run(
        (*unshare, f"nft -f {rules} && nft -f {own} && nft list ruleset"),
        capture_output=True, text=True, timeout=30, check=True,
    ).stdout  # fmt: skip
    for rule in nft_rules("inet filter input", minimal):
        assert shown.index(rule.rpartition(" input ")[2]) < shown.index("tcp dport 22")
    assert input_chains("") == input_chains("no json") == ()


def test_the_connection_string_is_one_libpq_understands(minimal: Cluster) -> None:
    found = psycopg.conninfo.conninfo_to_dict(connection_string(minimal))
    assert found["host"] == "192.0.2.100"
    assert found["tcp_user_timeout"] == "3000"


# --- applying a plan


class Diary:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def started(self, step: Step) -> None:
        self.said.append(("started", step.action.node))

    def finished(self, step: Step, seconds: float) -> None:
        self.said.append(("finished", step.action.node))

    def failed(self, step: Step, error: BaseException) -> None:
        self.said.append(("failed", step.action.node))


def test_a_step_waits_for_what_it_needs() -> None:
    order: list[str] = []
    plan = Plan(
        (Step(CreateMetadata("a")), Step(BringUpDrbd("b"), frozenset({0})), Step(BringUpDrbd("c"), frozenset({1})))
    )
    apply_plan(plan, lambda action: order.append(action.node), Diary())
    assert order == ["a", "b", "c"]


def test_after_a_failure_nothing_new_begins() -> None:
    def perform(action: object) -> None:
        raise PcmkHaError("disk on fire")

    diary = Diary()
    plan = Plan((Step(CreateMetadata("a")), Step(BringUpDrbd("b"), frozenset({0}))))
    with pytest.raises(PcmkHaError, match="disk on fire"):
        apply_plan(plan, perform, diary)
    assert diary.said == [("started", "a"), ("failed", "a")]


def test_running_as_root_is_what_these_tests_assume() -> None:
    assert os.geteuid() == 0, "the lab and some checkers need root: sudo make test"
