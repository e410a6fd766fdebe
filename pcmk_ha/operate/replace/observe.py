"""What is found before a machine is replaced: of the cluster, of the old machine, and of the new one. Read-only."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pcmk_ha.errors import Refused, TimedOut
from pcmk_ha.facts import pacemaker
from pcmk_ha.facts.generations import Generations, parse_generations
from pcmk_ha.facts.member import Device, has_status, last_fencing, last_result, parse_attributes, parse_devices
from pcmk_ha.facts.records import REPLACING
from pcmk_ha.model.secret import is_secret_name
from pcmk_ha.operate.change.change import Change
from pcmk_ha.operate.checks.check import FAIL, Check, check_nodes
from pcmk_ha.operate.checks.subject import EVERYWHERE
from pcmk_ha.operate.data.grow import metadata_size
from pcmk_ha.operate.look.observe import observe
from pcmk_ha.operate.look.standing import Standing, look_closely
from pcmk_ha.operate.members import Members
from pcmk_ha.operate.moves.waits import Waits
from pcmk_ha.plan.facts import Facts, Metadata
from pcmk_ha.plan.moves import AwaitSettled
from pcmk_ha.plan.replace import Evidence, Place
from pcmk_ha.remote.runner import Runner
from pcmk_ha.scrub.scrubber import Scrubber

MARK = "/var/lib/pcmk-ha/replacing"  # on the new machine: the word that stands in the cluster's configuration, too
SAYS = {0: "on", 2: "off"}  # exit statuses of a fence agent asked for the status
OTHERWISE = ("disk", "VIP")  # checks that a cluster which runs cannot pass, or that the gate does better


@dataclass(frozen=True)
class Storage:
    """Both copies of the data, as far as DRBD's metadata tells, and whether there is room for the second one."""

    good: Generations | None = None
    new: Generations | None = None
    has_metadata: bool = False  # on the new machine
    room: int = 0  # bytes that DRBD could offer there
    device: int = 0  # bytes of the device it is to hold


@dataclass(frozen=True)
class Found:
    """Everything the gate decides on."""

    standing: Standing
    facts: Facts
    place: Place
    evidence: Evidence
    storage: Storage | None = None  # None for the arbiter
    failed: tuple[str, ...] = ()  # checks


def survivor(members: Members, standing: Standing, node: str) -> Runner:
    """Return another member that runs the cluster, the one that serves first; raises Refused where there is none."""
    runs = [name for name, facts in standing.status.members.items() if facts.crm_mon and name != node]
    if not runs:
        raise Refused("no other member runs the cluster: there is nothing that a new machine could join",
                      hint="`pcmk-ha start`; nothing was touched")  # fmt: skip
    return members.nodes[min(runs, key=lambda name: name != standing.status.service.promoted_on)]


def find_place(members: Members, standing: Standing, node: str) -> tuple[Place, str]:
    """Return what is known of a member's place, and the live configuration that says so; that holds secrets."""
    cib = survivor(members, standing, node).run(("cibadmin", "--query")).stdout
    kept = parse_attributes(cib, node)
    word = standing.status.nodes.get(node, "unknown")
    place = Place(
        node=node,
        online=word not in ("offline", "UNCLEAN", "unknown"),
        unclean=word == "UNCLEAN",
        mark_here=(members.nodes[node].read(MARK) or "").strip(),
        mark_there=kept.get(REPLACING, ""),
        kept=frozenset(kept),
        has_status=has_status(cib, node),
        devices=tuple(device.id for device in parse_devices(cib, node)),
    )
    return place, cib


def look_at_place(members: Members, node: str) -> tuple[Standing, Place, str]:
    """Look closely, once Pacemaker is at rest.

    A run of this that was killed may have set something going; and the dead machine's fence device, if that does not
    answer any more, is started anew and anew. An unclean member keeps Pacemaker busy until somebody confirms that it
    is off.
    """
    standing = look_closely(members)
    place, cib = find_place(members, standing, node)
    if standing.state != pacemaker.IDLE and not place.unclean:
        others = {name: runner for name, runner in members.nodes.items() if name != node}
        with contextlib.suppress(TimedOut):
            Waits(members.cluster, others)(AwaitSettled())
        standing = look_closely(members)
        place, cib = find_place(members, standing, node)
    return standing, place, cib


def find_all(members: Members, work: Change, standing: Standing, place: Place, cib: str) -> Found:
    """Ask the nodes, and the fence devices, all that is still to be known."""
    facts = observe(work.nodes, work.desired)
    speaker = survivor(members, standing, place.node)
    begun = place.is_begun
    return Found(
        standing=standing,
        facts=facts,
        place=place,
        evidence=Evidence() if begun else find_evidence(speaker, work, place, cib),
        storage=_storage(members, facts, place.node, speaker),
        failed=() if begun else tuple(_failed(check_nodes(members.cluster, work.secrets, work.nodes), place.node)),
    )


def find_evidence(speaker: Runner, work: Change, place: Place, cib: str) -> Evidence:
    """Ask the fencer, and the old machine's own devices, whether it has power."""
    node = place.node
    history = speaker.run(pacemaker.ask_history(node), ok=None, timeout=40)
    theirs = {device.place for device in parse_devices(work.desired.cib, node)}
    own = [device for device in parse_devices(cib, node) if device.place not in theirs]
    return Evidence(
        unclean=place.unclean,
        fenced=last_fencing(history.stdout, node) if history.status == 0 else None,
        heard=last_result(cib, node),
        devices={device.id: _ask(speaker, device) for device in own},
    )


def _ask(speaker: Runner, device: Device) -> str:
    """Ask the old machine's device for its status, by its agent; parameters go in on standard input."""
    orders = "".join(f"{name}={value}\n" for name, value in device.parameters.items()) + "action=status\n"
    answer = speaker.run((device.agent,), stdin=orders, ok=None, timeout=60)
    if answer.status in SAYS:
        return SAYS[answer.status]
    said = (answer.stderr.strip() or answer.stdout.strip()).splitlines()[-1:] or ["no answer"]
    return Scrubber.knowing({v for n, v in device.parameters.items() if v and is_secret_name(n)}).text(said[0])


def _storage(members: Members, facts: Facts, node: str, speaker: Runner) -> Storage | None:
    cluster = members.cluster
    disk = next((data_node.disk for data_node in cluster.nodes if data_node.name == node), None)
    drbd = facts.nodes[node].drbd
    if disk is None or drbd is None:
        return None
    new, resource = members.nodes[node], cluster.drbd.resource
    has_metadata = drbd.metadata is not Metadata.ABSENT
    size = _size(new, disk)
    return Storage(
        good=_generations(speaker, resource),
        new=_generations(new, resource) if has_metadata else None,
        has_metadata=has_metadata,
        room=max(0, size - metadata_size(size)),
        device=_size(speaker, f"/dev/drbd{cluster.drbd.minor}"),
    )


def _generations(runner: Runner, resource: str) -> Generations | None:
    answer = runner.run(("drbdadm", "get-gi", resource), ok=None)
    return parse_generations(answer.stdout) if answer.status == 0 else None


def _size(runner: Runner, device: str) -> int:
    answer = runner.run(("blockdev", "--getsize64", device), ok=None)
    return int(answer.stdout) if answer.status == 0 else 0


def _failed(checks: Iterable[Check], node: str) -> Iterator[str]:
    """Say what the new machine fails, and what the others fail about it."""
    for check in checks:
        about = {node: check.title not in OTHERWISE, EVERYWHERE: True}
        theirs = check.title in (f"fencing {node}", "links")
        if check.verdict == FAIL and about.get(check.node, theirs):
            yield f"{check.node}: {check.title}: {check.detail}" + (f" ({check.hint})" if check.hint else "")
