"""Does every fence device do what it will have to: answer another node than its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

from pcmk_ha.cib.stonith import agent_of, device_parameters
from pcmk_ha.facts import versions
from pcmk_ha.model.parts import Node
from pcmk_ha.model.secret import is_secret_name
from pcmk_ha.operate.checks.subject import Check, Subject
from pcmk_ha.scrub.scrubber import Scrubber

TWO_AT_ONCE = 2  # a BMC serves few sessions, and the other nodes ask it, too
NAMES_A_HOST = ("ip", "ipaddr")


def fence_devices(subject: Subject) -> Iterator[Check]:
    """Ask every device but this node's own for its status, as this node's fencer will have to."""
    yield from ask_devices(subject, *(target for target in subject.cluster.members if target.name != subject.node.name))


def ask_devices(subject: Subject, *targets: Node) -> Iterator[Check]:
    """Ask every device of some members, by its agent on the subject's node.

    Not by the fencer (`stonith_admin --query`): where an agent's monitor fails, that asks for a list of targets, which
    most agents do not have, and calls it a success.
    """
    devices = [(target, index) for target in targets for index in range(len(target.fence_devices))]
    with ThreadPoolExecutor(TWO_AT_ONCE) as pool:
        yield from pool.map(lambda device: _ask_device(subject, *device), devices)


def _ask_device(subject: Subject, target: Node, index: int) -> Check:
    agent = agent_of(subject.cluster, target.fence_devices[index])
    title = f"fencing {target.name}"
    if subject.runner.run(("sh", "-c", f"command -v {agent}"), ok=None).status:
        return subject.warn(title, f"{agent} is not installed yet, so the device was not asked", "check again later")
    given = device_parameters(subject.cluster, subject.secrets, target, index)
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
    scrubber = Scrubber.knowing(_secret_values(subject, target, index, given))
    return subject.fail(title, f"{agent}: {scrubber.text(said[0])}", "address, login, and is the BMC's network up?")


def _secret_values(subject: Subject, target: Node, index: int, given: Mapping[str, str]) -> set[str]:
    referred = {value for (name, n, _), value in subject.secrets.fence.items() if (name, n) == (target.name, index)}
    return {value for value in referred | {v for name, v in given.items() if is_secret_name(name)} if value}


def names(subject: Subject) -> Iterator[Check]:
    """Nothing on the way of a failover waits for a name server."""
    found = {
        f"{agent_of(subject.cluster, device)} of {subject.node.name}: {name}={value}"
        for device in subject.node.fence_devices
        for name, value in {**subject.cluster.stonith.parameters, **device.parameters}.items()
        if name in NAMES_A_HOST and isinstance(value, str) and not _is_address(value)
    }
    if found:
        hint = "give its address: while DNS is down nobody can be fenced"
        yield subject.warn("names", f"a fence device is found by name: {', '.join(sorted(found))}", hint)
    else:
        yield subject.ok("names", "addresses everywhere; no failover waits for DNS")


def _is_address(text: str) -> bool:
    try:
        return bool(ip_address(text))
    except ValueError:
        return False
