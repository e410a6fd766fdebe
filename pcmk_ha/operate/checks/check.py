"""Preflight: what would make a bootstrap fail or a failover not happen, found before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations

from pcmk_ha.errors import PcmkHaError
from pcmk_ha.facts import versions
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.parts import Node
from pcmk_ha.model.platform import PLATFORMS
from pcmk_ha.model.secret import Secrets
from pcmk_ha.operate.checks import fencing, network, storage, system
from pcmk_ha.operate.checks.subject import EVERYWHERE, FAIL, OK, WARN, Check, Question, Subject
from pcmk_ha.operate.session import Session
from pcmk_ha.remote.parallel import on_all
from pcmk_ha.remote.runner import Runner

__all__ = ["FAIL", "OK", "WARN", "Check", "Compared", "check_nodes", "compare", "run_checks"]
AT_ONCE = 4  # questions to one node; its sshd allows 10 sessions a connection by default
MAX_SKEW_S = 1.0  # fencing history and logs of two nodes are compared by the second

QUESTIONS: tuple[Question, ...] = (  # the slowest first
    fencing.fence_devices, network.links, system.packages, system.system, system.host_name, system.clock,
    system.units, system.other_cluster, network.addresses, storage.disk, storage.drbd_module, network.ports,
    network.vip, fencing.names,
)  # fmt: skip


def run_checks(session: Session) -> tuple[Check, ...]:
    """Ask every member everything, all members at once; raises nothing a node can cause."""
    return (
        *(Check(name, "SSH", FAIL, reason) for name, reason in session.down.items()),
        *check_nodes(session.cluster, session.secrets, session.nodes),
    )


def check_nodes(cluster: Cluster, secrets: Secrets, nodes: Mapping[str, Runner]) -> tuple[Check, ...]:
    """Ask the members that answer."""
    members = {node.name: node for node in cluster.members}
    answers = on_all(nodes, lambda runner: _check_node(cluster, secrets, members[runner.node], runner))
    found: list[Check] = []
    subjects: dict[str, Subject] = {}
    for name, answer in answers.items():
        if isinstance(answer, PcmkHaError):
            found.append(_no_root(name, answer))
        else:
            subjects[name], checks = answer
            found.extend(checks)
    return (*found, *compare(_look_across(subjects, nodes)))


def _no_root(name: str, error: PcmkHaError) -> Check:
    if "sudo" in str(error):
        hint = "allow it without a password in /etc/sudoers.d (NOPASSWD: ALL), or log in as root"
        return Check(name, "SSH", FAIL, "sudo is refused: every command here needs root", hint)
    return Check(name, "SSH", FAIL, str(error), error.hint)


def _check_node(cluster: Cluster, secrets: Secrets, node: Node, runner: Runner) -> tuple[Subject, list[Check]]:
    release = versions.parse_os_release(runner.read("/etc/os-release") or "")
    subject = Subject(cluster, secrets, node, runner, PLATFORMS.get(release.codename))
    found = [subject.ok("SSH", "as root" if not runner.sudo else "through sudo")]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for checks in pool.map(lambda question: _answer(question, subject), QUESTIONS):
            found.extend(checks)
    return subject, found


def _answer(question: Question, subject: Subject) -> list[Check]:
    title = question.__name__.replace("_", " ")
    try:
        return list(question(subject))
    except PcmkHaError as error:
        return [subject.fail(title, str(error), error.hint)]
    except (ValueError, LookupError) as error:  # it printed what no version we know prints
        return [subject.fail(title, f"the answer was not understood ({error})")]


@dataclass(frozen=True)
class Compared:
    """What matters only between nodes; empty where it does not apply or is not known."""

    suite: str = ""
    disk_size: str = ""
    module: str = ""
    ahead_s: float = 0.0  # of this machine's clock
    within_s: float = float("inf")  # the error of that


def _look_across(subjects: Mapping[str, Subject], nodes: Mapping[str, Runner]) -> dict[str, Compared]:
    def look(runner: Runner) -> Compared:
        subject = subjects[runner.node]
        disk = subject.node.disk if subject.holds_data else None
        ahead_s, within_s = system.measure_clock(subject)
        return Compared(
            suite=subject.platform.suite if subject.platform else "",
            disk_size=subject.text("blockdev", "--getsize64", disk) if disk else "",
            module=subject.text("modinfo", "-F", "version", "drbd") if disk else "",
            ahead_s=ahead_s,
            within_s=within_s,
        )

    answers = on_all({name: nodes[name] for name in subjects}, look)
    return {name: answer for name, answer in answers.items() if isinstance(answer, Compared)}


def compare(found: Mapping[str, Compared]) -> Iterator[Check]:
    """Say where the nodes do not fit each other."""
    questions = (
        ("systems", FAIL, "bring all nodes to one release", {name: c.suite for name, c in found.items()}),
        ("disk sizes", WARN, "the smaller one counts", {name: c.disk_size for name, c in found.items()}),
        ("DRBD modules", WARN, "fine only while one is upgraded", {name: c.module for name, c in found.items()}),
    )
    for title, verdict, hint, values in questions:
        known = {name: value for name, value in values.items() if value}
        if len(set(known.values())) > 1:
            said = ", ".join(f"{name} {value}" for name, value in known.items())
            yield Check(EVERYWHERE, title, verdict, f"differ: {said}", hint)
    yield from _compare_clocks(found)


def _compare_clocks(found: Mapping[str, Compared]) -> Iterator[Check]:
    for (one, a), (other, b) in combinations(found.items(), 2):
        apart = abs(a.ahead_s - b.ahead_s)
        if apart - a.within_s - b.within_s > MAX_SKEW_S:
            hint = "run chrony or systemd-timesyncd on every node"
            yield Check(EVERYWHERE, "clocks", FAIL, f"{one} and {other} are {apart:.1f} s apart", hint)
