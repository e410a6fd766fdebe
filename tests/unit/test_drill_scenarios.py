"""Every scenario is described, plays, and mends what it broke, without a cluster."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pcmk_ha.drill.scenario import ARBITER, EITHER, OTHER, PRIMARY, SAME, STANDBY, Field, Scenario, Where
from pcmk_ha.drill.scenarios import all_scenarios, find_scenario
from pcmk_ha.drill.tricks import COMM_LENGTH, replace_pg_ctl
from pcmk_ha.errors import BadInput
from pcmk_ha.facts.drbd import DrbdState
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.look.findings import Finding
from pcmk_ha.operate.look.service import Service
from pcmk_ha.operate.look.status import Health, MemberFacts, Status

NAMES = tuple(all_scenarios())
WITHOUT_SHELL = ("cibadmin", "crm_resource", "stonith_admin", "dmsetup", "kill", "cat", "runuser", "systemd-run")
SAYS = (
    "no second copy", "no quorum", "node1 is lost and not fenced yet", "takes no connections",
)  # fmt: skip


@dataclass
class FakeField:
    """Notes what is done to it; answers as a cluster on which everything goes as it should.

    What a scenario waits for is looked at once and taken for granted.
    """

    cluster: Cluster
    primary: str = "node1"
    standby: str = "node2"
    arbiter: str = "arbiter"
    broken: set[tuple[str, ...]] = field(default_factory=set)
    did: list[tuple[str, ...]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    undos: list[Callable[[], object]] = field(default_factory=list)
    waited: float = 0.0
    looks: int = 0

    def mend(self) -> None:
        """Do what the end of a drill does."""
        while self.undos:
            self.undos.pop()()

    def strike(self) -> None:
        self.did.append(("strike",))

    def run(self, node: str, *argv: str, stdin: str | None = None, timeout: float = 30) -> str:
        assert node in (self.primary, self.standby)
        assert stdin is None
        assert timeout > 0
        self.did.append((node, *argv))
        if argv[:2] in (("sh", "-c"), ("sh", "-ec")):
            self._effects(node, argv)
            return self._script(node, argv[2])
        assert argv[0] in WITHOUT_SHELL, argv
        self._effects(node, argv)
        return self._answer(argv)

    def shell(self, node: str, script: str, *, timeout: float = 30) -> str:
        assert node in (self.primary, self.standby)
        assert timeout > 0
        self.did.append((node, "sh", "-c", script))
        return self._script(node, script)

    def _script(self, node: str, script: str) -> str:
        assert subprocess.run(["sh", "-n"], input=script.encode(), check=False).returncode == 0, script
        for name in re.findall(r"pgrep -o -x ([\w-]+)", script):
            assert len(name) <= COMM_LENGTH, name
        for done, thing in (
            ("tc qdisc replace dev (vec.)", "netem"), ("mount --bind", "pg_ctl"), ("> .*/enable_faults", "faults"),
            ("touch /run/pcmk-ha-drill-clock", "clock"), ("touch \"\\$1\"", "full"), ("kill -STOP", "stopped"),
        ):  # fmt: skip
            if found := re.search(done, script):
                self.broken.add((thing, node, *found.groups()))
        for mended, thing in (
            ("tc qdisc del dev (vec.)", "netem"), ("umount", "pg_ctl"), ("echo 0 > .*/enable_faults", "faults"),
            ("rm -f /run/pcmk-ha-drill-clock", "clock"), ("rm -f .*ballast", "full"), ("kill -CONT", "stopped"),
            ("dmsetup resume", "suspended"), ("systemctl stop", "unit"),
        ):  # fmt: skip
            if (found := re.search(mended, script)) and "systemd-run" not in script:
                self._mended(thing, node, *found.groups())
        return ""

    def _effects(self, node: str, argv: tuple[str, ...]) -> None:
        match argv:
            case ("systemd-run", *_, "sh", "-c", script) if any("--on-active" in word for word in argv):
                if "tc qdisc del" not in script:  # a timer that heals is no healing at once
                    self._script(node, script)
                assert "--timer-property=AccuracySec=100ms" in argv
            case ("systemd-run", *_):
                assert any("RuntimeMaxSec=" in word for word in argv)
                self.broken.add(("unit", node))
            case ("dmsetup", "suspend", _):
                self.broken.add(("suspended", node))
            case ("dmsetup", "resume", _):
                self._mended("suspended", node)
            case ("sh", "-c", _, "prefer", *_):
                self.broken.add(("constraint",))
            case ("cibadmin", "--delete", *_):
                self._mended("constraint")

    def _answer(self, argv: tuple[str, ...]) -> str:
        if argv[-1] == "/proc/sys/kernel/random/boot_id":
            return f"boot-{len(self.did)}\n"
        return "500\n" if argv[0] == "runuser" else ""

    def _mended(self, *thing: str) -> None:
        self.broken.discard(thing)

    def power(self, node: str, to: str) -> None:
        assert to in ("on", "off", "reset")
        self.did.append(("power", node, to))
        if to == "off":
            self.broken.add(("power", node))
            self.undo(lambda: self.power(node, "on"))
        else:
            self._mended("power", node)

    def freeze(self, node: str) -> None:
        self.broken.add(("frozen", node))
        self.undo(lambda: self.thaw(node))

    def thaw(self, node: str) -> None:
        self._mended("frozen", node)

    def cut(self, node: str, link: str) -> None:
        assert link in ("cluster", "replication", "all")
        self.broken.add(("cut", node, link))
        self.undo(lambda: self.heal(node, link))

    def heal(self, node: str, link: str) -> None:
        self._mended("cut", node, link)

    def bmc(self, node: str, to: str) -> None:
        assert to in ("on", "off", "slow")
        if to == "on":
            self._mended("bmc", node)
        else:
            self.broken.add(("bmc", node))
            self.undo(lambda: self.bmc(node, "on"))

    def undo(self, mend: Callable[[], object]) -> None:
        self.undos.append(mend)

    def wait(self, seconds: float) -> None:
        assert seconds > 0
        self.waited += seconds

    def wait_until(self, ready: Callable[[], bool], what: str, *, timeout_s: float) -> bool:
        assert what
        assert timeout_s > 0
        self.looks += 1
        ready()
        return True

    def status(self) -> Status:
        drbd = DrbdState("Secondary", "Inconsistent", "SyncTarget", "UpToDate")
        return Status(
            cluster="pgha",
            health=Health.DEGRADED,
            findings=tuple(Finding(what) for what in SAYS),
            service=Service("node1", True, ("node1", "node2"), "node1", ("node2",), "node1", "node1", 2, 2),
            nodes={"node1": "online", "node2": "online"},
            members={"node1": MemberFacts(drbd=drbd), "node2": MemberFacts(drbd=drbd)},
            unreachable={},
        )

    def acknowledged(self) -> int:
        return 100

    def await_writes(self, *, timeout_s: float) -> bool:
        assert timeout_s > 0
        self.looks += 1
        return True

    def expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.problems.append(otherwise)

    def note(self, text: str) -> None:
        assert text


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_says_what_breaks_what_must_happen_and_within_how_long(name: str) -> None:
    runbook = find_scenario(name).runbook
    parts = [runbook.find(f"\n{part}:") for part in ("What breaks", "What must happen", "Within")]
    assert 0 < parts[0] < parts[1] < parts[2], runbook


def test_names_are_kebab_case_and_given_once() -> None:
    listed = [scenario.name for module in _modules() for scenario in module]
    assert sorted(listed) == sorted(set(listed)) == list(NAMES)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in NAMES)
    assert len(NAMES) >= 40


PLAYABLE = [(name, votes) for name in NAMES for votes in (2, 3) if votes == 3 or not find_scenario(name).needs_arbiter]


@pytest.mark.parametrize(("name", "votes"), PLAYABLE)
def test_a_scenario_plays_and_mends_what_it_broke(name: str, votes: int, request: pytest.FixtureRequest) -> None:
    cluster = request.getfixturevalue("minimal" if votes == 2 else "with_arbiter")
    scenario = find_scenario(name)
    there = FakeField(cluster)
    scenario.act(there)
    assert there.problems == []
    there.mend()
    assert there.broken == set()


@pytest.mark.parametrize("name", NAMES)
def test_interrupted_anywhere_a_scenario_is_still_mended(name: str, with_arbiter: Cluster) -> None:
    whole = Interrupted(with_arbiter)
    find_scenario(name).act(whole)
    for step in range(1, whole.steps + 1):
        there = Interrupted(with_arbiter, stop_at=step)
        with pytest.raises(KeyboardInterrupt):
            find_scenario(name).act(there)
        there.stop_at = 0
        there.mend()
        assert there.broken == set(), f"interrupted at {step}"


@dataclass
class Interrupted(FakeField):
    """The same with a Ctrl-C while it waits the nth time."""

    stop_at: int = 0
    steps: int = 0

    def _step(self) -> None:
        self.steps += 1
        if self.steps == self.stop_at:
            raise KeyboardInterrupt

    def wait(self, seconds: float) -> None:
        self._step()
        super().wait(seconds)

    def wait_until(self, ready: Callable[[], bool], what: str, *, timeout_s: float) -> bool:
        self._step()
        return super().wait_until(ready, what, timeout_s=timeout_s)

    def await_writes(self, *, timeout_s: float) -> bool:
        self._step()
        return super().await_writes(timeout_s=timeout_s)


@pytest.mark.parametrize("name", NAMES)
def test_expectations_are_possible(name: str) -> None:
    expect = find_scenario(name).expect
    assert expect.serves_on in (SAME, OTHER, EITHER)
    assert set(expect.fenced or ()) <= {PRIMARY, STANDBY, ARBITER}
    assert 0 < expect.outage_s <= 720
    if expect.serves_on == SAME and PRIMARY in (expect.fenced or ()):
        assert name == "primary-lost-during-resync"  # the only good copy serves again, however long it takes
    if expect.serves_on == EITHER:
        assert not expect.fenced  # whom, when it may be either?


def test_a_bound_that_allows_minutes_is_never_drawn_by_chance() -> None:
    assert [s.name for s in all_scenarios().values() if s.random and s.expect.outage_s > 180] == []


def test_four_scenarios_may_be_played_anywhere_and_each_asks_first() -> None:
    anywhere = [scenario for scenario in all_scenarios().values() if scenario.where is Where.ANYWHERE]
    assert [s.name for s in anywhere] == ["fence-primary", "fence-standby", "postgresql-killed", "switchover"]
    assert all(scenario.consent.endswith(".") for scenario in anywhere)
    assert not any(s.consent for s in all_scenarios().values() if s.where is Where.LAB)


@pytest.mark.parametrize("name", [n for n in NAMES if find_scenario(n).where is Where.ANYWHERE])
def test_what_may_be_played_anywhere_uses_nothing_that_only_a_lab_has(name: str, minimal: Cluster) -> None:
    there = NoLab(minimal)
    find_scenario(name).act(there)
    there.mend()


class NoLab(FakeField):
    """A cluster of real machines."""

    def _refuse(self, *_arguments: str) -> None:
        raise AssertionError("only a lab can do that")

    power = freeze = thaw = cut = heal = bmc = _refuse  # type: ignore[assignment]


def test_the_core_is_twelve_and_the_arbiters() -> None:
    assert {s.name for s in all_scenarios().values() if s.core} == {
        "arbiter-power-loss", "blackout-old-primary-first", "both-links-cut-of-primary", "corosync-killed-on-primary",
        "fence-device-unreachable", "kernel-panic", "postgresql-killed", "primary-frozen-20s", "primary-hung",
        "primary-power-loss", "replication-link-cut", "standby-power-loss", "switchover",
    }  # fmt: skip
    assert [s.name for s in all_scenarios().values() if s.needs_arbiter] == ["arbiter-power-loss"]


def test_an_unknown_drill_is_answered_with_names_close_to_it() -> None:
    with pytest.raises(BadInput) as caught:
        find_scenario("primary-powerloss")
    assert "primary-power-loss" in caught.value.problems[0].hint


def test_pg_ctl_fails_once_and_then_is_itself(minimal: Cluster, tmp_path: Path) -> None:
    programs = tmp_path / "lib/17/bin"
    programs.mkdir(parents=True)
    (tmp_path / "run").mkdir()
    program = programs / "pg_ctl"
    program.write_text('#!/bin/sh\necho "real: $*"\n')
    program.chmod(0o755)
    there = FakeField(minimal)
    replace_pg_ctl(there, "node1", "if [ $verb = start ] && once; then exit 1; fi")
    script = there.did[-1][-1].replace("/usr/lib/postgresql", f"{tmp_path}/lib").replace("mount --bind", "cp")
    script = script.replace("/run/postgresql", f"{tmp_path}/run")
    subprocess.run(["sh", "-c", script], check=True)

    def call(*words: str) -> tuple[int, str]:
        done = subprocess.run([program, *words], check=False, capture_output=True, text=True)
        return done.returncode, done.stdout.strip()

    assert call("-D", "/data", "stop") == (0, "real: -D /data stop")
    assert call("-D", "/data", "-o", "-c x='a b'", "start") == (1, "")
    assert call("-D", "/data", "-o", "-c x='a b'", "start") == (0, "real: -D /data -o -c x='a b' start")


def _modules() -> list[tuple[Scenario, ...]]:
    from importlib import import_module
    from pkgutil import iter_modules

    import pcmk_ha.drill.scenarios as package

    names = [info.name for info in iter_modules(package.__path__)]
    return [tuple(import_module(f"{package.__name__}.{name}").SCENARIOS) for name in names]


def _is_a_field(there: FakeField) -> Field:
    """Let the type checker compare the fake with the protocol."""
    return there
