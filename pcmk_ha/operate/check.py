"""Preflight: what would make a bootstrap fail or a failover not happen, found before anything is changed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pcmk_ha.cib.stonith import agent_of, device_parameters
from pcmk_ha.desired.packages import node_packages
from pcmk_ha.errors import PcmkHaError
from pcmk_ha.facts import versions
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.parts import Node
from pcmk_ha.model.platform import PLATFORMS, Platform
from pcmk_ha.operate.session import Session
from pcmk_ha.remote.runner import Runner

OK, WARN, FAIL = "ok", "warn", "fail"
AT_ONCE = 4  # questions to one node; its sshd allows 10 sessions a connection by default
MAX_SKEW_S = 1.0  # fencing history and logs of two nodes are compared by the second


@dataclass(frozen=True)
class Check:
    """One question and its answer."""

    node: str
    title: str
    verdict: str
    detail: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Subject:
    """A node being looked at."""

    session: Session
    node: Node
    runner: Runner
    platform: Platform | None

    @property
    def cluster(self) -> Cluster:
        """The cluster it belongs to."""
        return self.session.cluster

    @property
    def holds_data(self) -> bool:
        """Whether it is one of the two data nodes."""
        return self.node in self.cluster.nodes

    def ok(self, title: str, detail: str = "") -> Check:
        """Make a good answer."""
        return Check(self.node.name, title, OK, detail)

    def warn(self, title: str, detail: str, hint: str = "") -> Check:
        """Make an answer that does not stand in the way."""
        return Check(self.node.name, title, WARN, detail, hint)

    def fail(self, title: str, detail: str, hint: str = "") -> Check:
        """Make a bad answer."""
        return Check(self.node.name, title, FAIL, detail, hint)

    def text(self, *argv: str) -> str:
        """Return what a command prints, empty when it fails."""
        outcome = self.runner.run(argv, ok=None, timeout=20)
        return outcome.stdout.strip() if outcome.status == 0 else ""


Question = Callable[[Subject], Iterator[Check]]


def run_checks(session: Session) -> tuple[Check, ...]:
    """Ask every member everything, all members at once; raises nothing a node can cause."""
    found = [Check(name, "SSH", FAIL, reason) for name, reason in session.down.items()]
    members = {node.name: node for node in session.cluster.members}
    with ThreadPoolExecutor(max(1, len(session.nodes))) as pool:
        answers = pool.map(lambda item: _check_node(session, members[item[0]], item[1]), session.nodes.items())
        for checks in answers:
            found.extend(checks)
    found.extend(_compare_disks(session))
    return tuple(found)


def _check_node(session: Session, node: Node, runner: Runner) -> list[Check]:
    release = versions.parse_os_release(runner.read("/etc/os-release") or "")
    subject = Subject(session, node, runner, PLATFORMS.get(release.codename))
    found = [subject.ok("SSH", "as root" if not runner.sudo else "through sudo")]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for checks in pool.map(lambda question: _answer(question, subject), QUESTIONS):
            found.extend(checks)
    return found


def _answer(question: Question, subject: Subject) -> list[Check]:
    try:
        return list(question(subject))
    except PcmkHaError as error:
        return [subject.fail(question.__name__.strip("_").replace("_", " "), str(error), error.hint)]


def _system(subject: Subject) -> Iterator[Check]:
    release = versions.parse_os_release(subject.runner.read("/etc/os-release") or "")
    if subject.platform is None:
        yield subject.fail("system", release.name, f"supported: Debian {', '.join(PLATFORMS)}")
    else:
        yield subject.ok("system", f"{release.name}, kernel {subject.text('uname', '-r')}")


def _host_name(subject: Subject) -> Iterator[Check]:
    name = subject.text("uname", "-n")
    if name == subject.node.name:
        yield subject.ok("host name", name)
    else:
        yield subject.fail(
            "host name", f"is {name}", f"hostnamectl set-hostname {subject.node.name}, or change the file"
        )


def _clock(subject: Subject) -> Iterator[Check]:
    before = time.time()
    there = float(subject.text("date", "+%s.%N") or 0)
    middle = (before + time.time()) / 2
    skew = there - middle
    if abs(skew) > MAX_SKEW_S:
        yield subject.fail("clock", f"{skew:+.1f} s from this machine's", "run chrony or systemd-timesyncd")
    else:
        yield subject.ok("clock", f"{skew:+.2f} s from this machine's")


def _packages(subject: Subject) -> Iterator[Check]:
    if subject.platform is None:
        return
    wanted = node_packages(subject.cluster, subject.platform, data=subject.holds_data)
    listed = subject.runner.run(("dpkg-query", "-W", "-f", versions.DPKG_FORMAT, *wanted), ok=(0, 1)).stdout
    found = versions.parse_dpkg(listed)
    missing = [package for package in wanted if package not in found]
    if not missing:
        yield subject.ok("packages", "all installed")
    else:
        policy = subject.runner.run(("apt-cache", "policy", *missing), ok=None).stdout
        gone = [name for name in missing if name not in versions.parse_policy(policy)]
        if gone:
            hint = "apt-get update; are Debian's main repositories configured?"
            yield subject.fail("packages", f"cannot be installed: {', '.join(gone)}", hint)
        else:
            yield subject.ok("packages", f"to install: {', '.join(missing)}")
    yield from (subject.warn(*words) for words in versions.known_bad(found))


def _disk(subject: Subject) -> Iterator[Check]:
    if not subject.holds_data:
        return
    disk = subject.node.disk or ""
    if subject.runner.run(("test", "-b", disk), ok=(0, 1)).status:
        names = subject.text("lsblk", "-dpno", "NAME,SIZE")
        yield subject.fail("disk", f"{disk} is not a block device", f"there are: {', '.join(names.splitlines())}")
        return
    size = int(subject.text("blockdev", "--getsize64", disk) or 0)
    wipefs = subject.text("wipefs", "--no-act", "--json", disk)
    signatures = versions.parse_wipefs(wipefs)
    mounted = subject.text("lsblk", "-no", "MOUNTPOINTS", disk).strip()
    room = f"{disk}, {size / 1024**3:.1f} GiB"
    if "drbd" in signatures:
        yield subject.ok("disk", f"{room}, holds DRBD already")
    elif mounted:
        yield subject.fail("disk", f"{room}, is mounted at {mounted}", "name another disk")
    elif signatures:
        hint = f"if nobody needs it: bootstrap --wipe {subject.node.name}:{disk}"
        yield subject.fail("disk", f"{room}, holds {', '.join(signatures)}", hint)
    else:
        yield subject.ok("disk", f"{room}, empty")


def _compare_disks(session: Session) -> Iterator[Check]:
    sizes = {}
    for node in session.cluster.nodes:
        if node.name in session.nodes and node.disk:
            found = session.nodes[node.name].run(("blockdev", "--getsize64", node.disk), ok=None)
            sizes[node.name] = int(found.stdout) if found.status == 0 else 0
    if len(set(sizes.values())) > 1 and all(sizes.values()):
        said = ", ".join(f"{name} {size}" for name, size in sizes.items())
        yield Check("cluster", "disk sizes", WARN, f"differ: {said} bytes", "the smaller one counts")


def _drbd_module(subject: Subject) -> Iterator[Check]:
    if not subject.holds_data:
        return
    version = subject.text("modinfo", "-F", "version", "drbd")
    if not version:
        yield subject.fail("DRBD module", "this kernel has none", "install the distribution's own kernel")
        return
    loadable = subject.runner.run(("modprobe", "--dry-run", "drbd"), ok=None)
    if loadable.status:
        yield subject.fail("DRBD module", f"{version} cannot be loaded", loadable.stderr.strip())
    elif trouble := versions.bad_drbd(version):
        yield subject.fail("DRBD module", f"{version}: {trouble}", "update it")
    else:
        yield subject.ok("DRBD module", version)


def _units(subject: Subject) -> Iterator[Check]:
    units = ("drbd.service", "postgresql.service")
    shown = subject.text("systemctl", "show", "-p", "Id,UnitFileState", *units)
    enabled = [unit for unit in units if f"Id={unit}" in shown and _is_enabled(shown, unit)]
    if enabled and subject.text("systemctl", "is-active", "pacemaker"):
        hint = f"systemctl disable --now {' '.join(enabled)}"
        yield subject.fail("units", f"{', '.join(enabled)} would start behind Pacemaker's back", hint)
    elif enabled:
        yield subject.ok("units", f"{', '.join(enabled)} will be disabled")
    else:
        yield subject.ok("units", "nothing starts behind Pacemaker's back")


def _is_enabled(shown: str, unit: str) -> bool:
    block = next(block for block in shown.split("\n\n") if f"Id={unit}" in block)
    return "UnitFileState=enabled" in block


def _ports(subject: Subject) -> Iterator[Check]:
    if subject.text("systemctl", "is-active", "corosync") or subject.text("systemctl", "is-active", "pacemaker"):
        yield subject.ok("ports", "held by the running cluster")
        return
    listening = subject.text("ss", "-ltnuH")
    replicating = " cs:" in subject.text("cat", "/proc/drbd")  # ours, from a run that was cut short
    ports = {5405: "Corosync"}
    if subject.holds_data:
        ports |= {subject.cluster.postgresql.port: "PostgreSQL"}
        ports |= {} if replicating else {subject.cluster.drbd.port: "DRBD"}
    taken = [f"{port} ({whose})" for port, whose in ports.items() if f":{port} " in listening]
    if taken:
        yield subject.fail("ports", f"in use: {', '.join(taken)}", "ss -ltnup shows by whom")
    else:
        yield subject.ok("ports", f"{', '.join(map(str, ports))} are free")


def _addresses(subject: Subject) -> Iterator[Check]:
    own = subject.text("ip", "-o", "addr")
    wanted = {str(subject.node.address), *subject.node.link_addresses}
    if subject.holds_data:
        wanted.add(subject.node.drbd_address)
    missing = sorted(address for address in wanted if f" {address}/" not in own)
    if missing:
        yield subject.fail("addresses", f"this node has no {', '.join(missing)}", "correct address, links or the node")
    else:
        yield subject.ok("addresses", ", ".join(sorted(wanted)))


def _links(subject: Subject) -> Iterator[Check]:
    lost = []
    for peer in subject.cluster.members:
        for address in {*peer.link_addresses} if peer is not subject.node else ():
            if not subject.text("ping", "-c", "1", "-W", "1", address):
                lost.append(f"{peer.name} at {address}")
    if lost:
        yield subject.fail("links", f"no answer from {', '.join(lost)}", "is the node up, the cable in, ping allowed?")
    else:
        yield subject.ok("links", "every other member answers on every link")


def _vip(subject: Subject) -> Iterator[Check]:
    if not subject.holds_data:
        return
    vip = subject.cluster.vip
    own = subject.text("ip", "-o", "addr")
    running = bool(subject.text("systemctl", "is-active", "pacemaker"))
    if f" {vip.address}/" in own or subject.text("ping", "-c", "1", "-W", "1", str(vip.address)):
        if running:
            yield subject.ok("VIP", "held by the running cluster")
        else:
            yield subject.fail("VIP", f"{vip.address} is in use already", "arping shows by whom; take another")
        return
    device = vip.interface or _interface(subject.text("ip", "-json", "route", "get", str(vip.address)))
    if vip.interface and f" {vip.interface} " not in own:
        yield subject.fail("VIP", f"there is no interface {vip.interface}", "ip -br link lists them")
    elif not device:
        yield subject.fail("VIP", f"no interface leads to {vip.address}", "set vip.interface")
    else:
        yield subject.ok("VIP", f"{vip.address} is free, goes to {device}")


def _interface(route: str) -> str:
    try:
        found = json.loads(route)[0]
    except (ValueError, IndexError):
        return ""
    return "" if "gateway" in found else str(found.get("dev", ""))


def _fence_devices(subject: Subject) -> Iterator[Check]:
    """Ask every device but this node's own for its status, as this node's fencer will have to."""
    others = [target for target in subject.cluster.members if target.name != subject.node.name]
    devices = [(target, index) for target in others for index in range(len(target.fence_devices))]
    with ThreadPoolExecutor(2) as pool:
        yield from pool.map(lambda device: _ask_device(subject, *device), devices)


def _ask_device(subject: Subject, target: Node, index: int) -> Check:
    agent = agent_of(subject.cluster, target.fence_devices[index])
    title = f"fencing {target.name}"
    if subject.runner.run(("sh", "-c", f"command -v {agent}"), ok=None).status:
        return subject.warn(title, f"{agent} is not installed yet, so the device was not asked", "check again later")
    given = device_parameters(subject.cluster, subject.session.secrets, target, index)
    known = versions.parse_agent_parameters(subject.text(agent, "-o", "metadata"))
    unknown = sorted(name for name in given if known and name not in known)
    if unknown:
        return subject.fail(title, f"{agent} has no parameter {', '.join(unknown)}", f"{agent} -o metadata lists them")
    # Parameters go in on standard input: an argument list can be read by everybody on that node.
    orders = "".join(f"{name}={value}\n" for name, value in given.items()) + "action=status\n"
    outcome = subject.runner.run((agent,), stdin=orders, ok=None, timeout=40)
    if outcome.status in (0, 2):  # 2: off, which is an answer
        return subject.ok(title, f"{agent} answers: {'on' if outcome.status == 0 else 'OFF'}")
    said = (outcome.stderr.strip() or outcome.stdout.strip()).splitlines()[-1:] or ["no answer"]
    return subject.fail(title, f"{agent}: {_scrub(said[0], given)}", "address, login, and is the BMC's network up?")


def _scrub(text: str, parameters: Mapping[str, str]) -> str:
    for name, value in parameters.items():
        if "passw" in name and value:
            text = text.replace(value, "***")
    return text


QUESTIONS: tuple[Question, ...] = (  # the slowest first
    _fence_devices, _links, _system, _host_name, _clock, _packages, _addresses, _disk, _drbd_module, _units,
    _ports, _vip,
)  # fmt: skip
