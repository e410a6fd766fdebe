"""Every single fault and every pair of faults, through Pacemaker's own scheduler, judged by rules it does not know."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree
from strategies import clusters
from support.fault_matrix import Case, Started, has_quorum, run_case, run_cases, singles_and_pairs, start
from support.files import ARBITER, MINIMAL
from support.matrix_faults import Change, Fault, all_faults
from support.matrix_rules import REASONS, expected, violations
from support.matrix_scheduler import Scheduler
from test_bad_input import write

from pcmk_ha.cib.build import build_cib
from pcmk_ha.model.load import load_cluster_text
from pcmk_ha.model.platform import DEBIAN_12, PLATFORMS, Platform
from pcmk_ha.operate.secrets import placeholder_secrets

SECOND_LEVEL = re.sub(
    r"    fence: (\{.*\})\n",
    r"    fence:\n      - \1\n      - {agent: fence_virsh, ip: 192.0.2.1, username: root, level: 2}\n",
    MINIMAL,
)
OFF = "stonith: {action: 'off'}\n"
OTHER_VALUES = "properties: {migration_threshold: 1, resource_stickiness: 200}\ndrbd: {resource: r0}\n"
CLUSTERS = {
    "two votes": MINIMAL,
    "arbiter": MINIMAL + ARBITER,
    "second fence level, off, other values": SECOND_LEVEL + OFF + OTHER_VALUES,
}


def cib_of(text: str, platform: Platform = DEBIAN_12) -> str:
    cluster = load_cluster_text(text)
    return build_cib(cluster, placeholder_secrets(cluster), platform)


def started(name: str, text: str, scheduler: Scheduler, change: Change | None = None) -> Started:
    root = etree.fromstring(cib_of(text).encode())
    if change:
        change(root)
    return start(name, etree.tostring(root, encoding="unicode"), load_cluster_text(text), scheduler)


@pytest.fixture(scope="module", params=CLUSTERS)
def cases(request: pytest.FixtureRequest) -> list[Case]:
    """Every case of one cluster; they share what they ask the scheduler."""
    memory = Path("/dev/shm")  # every file is synced to disk, where there is one
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        scheduler = Scheduler(Path(folder))
        cluster = started(request.param, CLUSTERS[request.param], scheduler)
        return run_cases(scheduler, cluster, singles_and_pairs(all_faults(cluster.roles)))


@pytest.fixture
def scheduler(tmp_path: Path) -> Scheduler:
    return Scheduler(tmp_path)


def test_every_fault_and_every_pair_of_faults_ends_where_it_must_and_safely(cases: list[Case]) -> None:
    found = [text for case in cases for text in violations(case)]
    assert not found, f"{len(found)} violations\n" + "\n".join(found[:20])


def test_no_pair_is_left_out(cases: list[Case]) -> None:
    faults = all_faults(cases[0].started.roles)
    names = {frozenset(fault.name for fault in case.faults) for case in cases}
    assert len(faults) == len({fault.name for fault in faults})
    assert names == {frozenset({one.name, other.name}) for one in faults for other in faults}
    assert len(names) == len(cases) >= 500


def test_every_fault_is_felt(cases: list[Case]) -> None:
    """A name misspelled in a fault would make it harmless: each must change how some case goes."""
    roles = cases[0].started.roles
    told = {frozenset(fault.name for fault in case.faults): _told(case) for case in cases}
    for fault in all_faults(roles):
        alone = frozenset({fault.name})
        assert any(told[names] != told.get(names - alone, ()) for names in told if fault.name in names), fault.name
    if roles.threshold > 1:  # else what died is not started there again
        tried = {spec for case in cases for done in case.rounds for spec in done.failed}
        assert tried == {spec for fault in all_faults(roles) for spec in fault.fails}


def _told(case: Case) -> tuple[object, ...]:
    """What happened, without watching: nothing at all in a cluster at rest."""
    moves = tuple(op for done in case.rounds for op in done.happened if op.task not in ("monitor", "cancel"))
    return (*moves, *(node for done in case.rounds if done.stuck for node in done.step.fenced))


def test_the_rules_expect_every_outcome(cases: list[Case]) -> None:
    roles = cases[0].started.roles
    verdicts = [expected(roles, case.facts) for case in cases]
    assert {verdict.reason for verdict in verdicts} == REASONS | {""}
    assert {node for verdict in verdicts for node in verdict.nodes} == {roles.primary, roles.standby}


def test_with_two_votes_the_side_that_serves_may_fence_first(cases: list[Case]) -> None:
    """A cut cluster link is, for either side, the loss of the other; an arbiter lets only one side fence at all."""
    roles = cases[0].started.roles
    alone = {case.faults[0].name: case.rounds[0].step.delays for case in cases if len(case.faults) == 1}
    # Our fence agent waits itself, and Pacemaker must not do so before.
    asks = roles.cluster.asks_before_head_start
    assert alone["primary lost"] == {roles.primary: 0 if asks else roles.cluster.fencing_delay_s}
    assert alone["standby lost"] == {roles.standby: 0}
    if roles.arbiter:
        cut = [case for case in cases if "cut off" in case.name and len(case.faults) == 1]
        assert len(cut) == 3
        assert not any(has_quorum(roles, case.facts) or done.step.fenced for case in cut for done in case.rounds)


@pytest.mark.parametrize("text", [MINIMAL, MINIMAL + ARBITER], ids=["two votes", "arbiter"])
@pytest.mark.parametrize("platform", PLATFORMS.values(), ids=PLATFORMS)
@pytest.mark.parametrize("action", ["", OFF], ids=["reboot", "off"])
def test_suite_and_fencing_action_are_the_same_question_to_the_scheduler(
    text: str, platform: Platform, action: str
) -> None:
    """They are told to agents alone: what the matrix says of one holds for all."""
    assert _question(cib_of(text + action, platform)) == _question(cib_of(text))


def _question(cib: str) -> bytes:
    root = etree.fromstring(cib.encode())
    for parameters in root.findall("configuration/resources//primitive/instance_attributes"):
        parameters.getparent().remove(parameters)  # type: ignore[union-attr]
    return etree.tostring(root)


def test_what_agents_are_told_changes_no_answer(scheduler: Scheduler) -> None:
    one, other = (started("two votes", MINIMAL + action, scheduler) for action in ("", OFF))
    for fault in all_faults(one.roles):
        assert _told(run_case(scheduler, one, (fault,))) == _told(run_case(scheduler, other, (fault,))), fault.name


# What the rules are worth: a configuration with one thing wrong must not pass.


def without(path: str) -> Change:
    def remove(root: etree._Element) -> None:
        found = root.findall(f"configuration/{path}")
        assert found, path
        for element in found:
            element.getparent().remove(element)  # type: ignore[union-attr]

    return remove


def with_value(path: str, name: str, value: str) -> Change:
    def put(root: etree._Element) -> None:
        found = root.find(f"configuration/{path}")
        assert found is not None, path
        found.set(name, value)

    return put


def without_then_action(root: etree._Element) -> None:
    for order in root.iterfind("configuration/constraints/rsc_order"):
        del order.attrib["then-action"]


WRONG = {
    "fencing is off": (
        with_value("crm_config//nvpair[@name='stonith-enabled']", "value", "false"),
        "primary lost", "drbd_pgdata_promote_0@node2 while ['node1'] may be promoted"),
    "two may be promoted": (
        with_value("resources/clone//nvpair[@name='promoted-max']", "value", "2"),
        "primary cannot be fenced", "promoted on ['node1', 'node2']"),
    "PostgreSQL runs anywhere": (
        without("constraints/rsc_colocation[@rsc='pg']"),
        "pg_server failed too often on primary", "pg_server runs on ['node2'], promoted is ['node1']"),
    "the address runs anywhere": (
        without("constraints/rsc_colocation[@rsc='pg_vip']"),
        "replication link cut", "pg_vip runs on ['node2'], promoted is ['node1']"),
    "the address has no say": (
        without("constraints/rsc_colocation[@id='pg_vip-with-drbd_pgdata-clone']"),
        "pg_vip failed too often on primary", "serves on [], not on node2"),
    "nothing waits for the promotion": (
        without("constraints/rsc_order"),
        "primary lost", "pg_fs_start_0@node2, where nothing is promoted"),
    "nothing waits for the demotion": (
        without("constraints/rsc_order"),
        "primary told to run nothing", "drbd_pgdata_demote_0@node1 under a running pg_fs"),
    "orders end in a promotion": (
        without_then_action,
        "primary lost", "pg_fs_start_0@node2, where nothing is promoted"),
    "quorum does not matter": (
        with_value("crm_config//nvpair[@name='no-quorum-policy']", "value", "ignore"),
        "quorum lost", "serves on ['node1'], but too few members are left"),
    "what does not stop is left alone": (
        with_value("resources//op[@id='pg_fs-stop-0s']", "on-fail", "block"),
        "pg_fs dies and cannot stop", "serves on [], not on node2"),
    "nothing is forgiven": (
        with_value("rsc_defaults//nvpair[@name='migration-threshold']", "value", "1"),
        "pg_server dies", "serves on ['node2'], not on node1"),
    "the arbiter may serve": (
        without("constraints/rsc_location[@node='arbiter'][@resource-discovery]"),
        "standby told to run nothing", "drbd_pgdata_start_0@arbiter, which only votes"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_the_rules_find_what_is_wrong(name: str, scheduler: Scheduler) -> None:
    change, fault, text = WRONG[name]
    cluster = started(name, MINIMAL + (ARBITER if "arbiter" in name else ""), scheduler, change)
    found = violations(run_case(scheduler, cluster, (fault_named(fault, cluster),)))
    assert text in [line.splitlines()[0].partition(f"{fault}: ")[2] for line in found]


def test_the_rules_find_a_promotion_that_only_happens_to_come_after_the_fencing(scheduler: Scheduler) -> None:
    cluster = started("two votes", MINIMAL, scheduler)
    case = run_case(scheduler, cluster, (fault_named("primary lost", cluster),))
    first, *others = case.rounds
    unordered = replace(first, step=replace(first.step, waiting=dict.fromkeys(first.step.waiting, frozenset())))
    found = violations(replace(case, rounds=(unordered, *others)))
    assert any("drbd_pgdata_promote_0@node2 does not wait for the fencing of node1" in line for line in found)


def test_the_rules_find_a_fencing_for_no_reason(scheduler: Scheduler) -> None:
    cluster = started("two votes", MINIMAL, scheduler)
    case = run_case(scheduler, cluster, (fault_named("standby lost", cluster),))
    assert any("fences ['node2'] for no reason" in line for line in violations(replace(case, faults=())))


def fault_named(name: str, cluster: Started) -> Fault:
    return next(fault for fault in all_faults(cluster.roles) if fault.name == name)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=clusters())
def test_whatever_a_cluster_file_says_the_service_moves_safely(tmp_path: Path, file: dict[str, Any]) -> None:
    scheduler = Scheduler(tmp_path)
    cluster = started("any", write(file), scheduler)
    for name in ("primary lost", "primary told to run nothing", "quorum lost"):
        assert violations(run_case(scheduler, cluster, (fault_named(name, cluster),))) == []
