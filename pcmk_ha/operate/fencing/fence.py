"""Fence a node on purpose: say what will happen, refuse what would lose data, follow it to the end."""

from __future__ import annotations

from dataclasses import dataclass

from pcmk_ha.errors import Refused
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.look.service import Service, look_at_service
from pcmk_ha.operate.moves.foresee import foresee_event
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.remote.runner import Runner


@dataclass(frozen=True)
class Loss:
    """What Pacemaker would do about the loss of a node, by its own scheduler."""

    target: str
    before: Service
    after: Service

    @property
    def serves(self) -> bool:
        """Whether the target holds the service now."""
        return self.target in (self.before.database_on, self.before.promoted_on)

    def lines(self) -> tuple[str, ...]:
        """What to tell the operator, one sentence each."""
        if not self.serves:
            return (f"{self.target} does not serve: clients see a short pause of writes, nothing moves",)
        if self.after.is_up:
            where = self.after.database_on
            return (
                f"stops on {self.target}: PostgreSQL, file system, VIP, DRBD Primary",
                f"starts on {where}: DRBD Primary, file system, PostgreSQL, VIP",
            )
        return (f"the service on {self.target} stops and starts nowhere: it would be LOST",)


def foresee(runner: Runner, cluster: Cluster, target: str) -> Loss:
    """Ask the scheduler, on a copy of the live CIB, what the loss of `target` would lead to."""
    found = foresee_event(runner, cluster, "--node-fail", target)
    return Loss(target, found.before, found.after)


def reasons_against(cluster: Cluster, loss: Loss, disks: str) -> tuple[str, ...]:
    """Why the target must not be fenced now; `disks` is `drbdadm dstate` of another data node, own first."""
    reasons = []
    data_nodes = [node.name for node in cluster.nodes]
    if not loss.before.quorate:
        reasons.append("the cluster has no quorum: nothing would take over")
    if loss.target in data_nodes and not disks.startswith("UpToDate/"):
        reasons.append(f"{loss.target} holds the last good copy: the other side is {disks.partition('/')[0]}")
    if loss.serves and not loss.after.is_up:
        reasons.append("Pacemaker would place the service nowhere")
    return tuple(reasons)


def check_safe(runner: Runner, cluster: Cluster, loss: Loss) -> None:
    """Raise Refused, with every reason, when fencing would lose the service or the last good copy."""
    disks = runner.run(("drbdadm", "dstate", cluster.drbd.resource), ok=None).stdout.strip() or "unknown"
    if reasons := reasons_against(cluster, loss, disks):
        raise Refused("; ".join(reasons), hint="`pcmk-ha status` shows what is wrong; nothing was touched")


def fence(runner: Runner, target: str, *, off: bool, tag: str = "pcmk-ha") -> None:
    """Have the fencer switch the target off (and on again unless `off`); returns once it is confirmed."""
    verb = "--fence" if off else "--reboot"
    runner.run(("stonith_admin", verb, target, "--timeout=120", f"--tag={tag}"), timeout=150)


def unfence(runner: Runner, target: str) -> None:
    """Have the fencer switch the target on."""
    runner.run(("stonith_admin", "--unfence", target, "--timeout=120", "--tag=pcmk-ha"), timeout=150)


def await_service_elsewhere(runner: Runner, cluster: Cluster, target: str) -> Service:
    """Wait until the service is up on another node than the target."""
    return wait_until(
        lambda: look_at_service(runner, cluster),
        lambda service: service.is_up and service.database_on != target,
        what=f"the service away from {target}",
        timeout_s=300,
    )
