"""Cut a lab primary's power under a writing client, and follow the cluster until it is whole again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from pcmk_ha.client.ledger import Ledger
from pcmk_ha.client.process import WriterProcess
from pcmk_ha.lab.lab import power
from pcmk_ha.lab.state import load_lab
from pcmk_ha.operate.service import look_at_service
from pcmk_ha.operate.session import Session
from pcmk_ha.operate.status import Health, gather, summarise
from pcmk_ha.operate.wait import wait_until

WRITES_BEFORE, WRITES_AFTER = 40, 20


@dataclass(frozen=True)
class Failover:
    """What a power cut did; seconds count from the cut."""

    lost_node: str
    new_node: str
    ledger: Ledger
    redundant_after_s: float


def cut_power_of_primary(session: Session, report: Callable[[str], None]) -> Failover:
    """Cut the primary's power and return what a client saw, once both nodes hold the data again.

    Raises TimedOut when the service does not come back within 150 s, or redundancy within 180 s.
    """
    cluster = session.cluster
    assert cluster.lab
    service = look_at_service(session.any_node(), cluster)
    target = service.promoted_on
    survivor = next(node.name for node in cluster.nodes if node.name != target)
    runner = session.nodes[survivor]
    with WriterProcess(cluster, session.secrets.superuser) as writer:
        writer.await_writes(WRITES_BEFORE, timeout_s=30)
        report(f"  {target} serves, a client writes: power off {target}")
        power(load_lab(cluster.lab), target, "off")
        cut = time.monotonic()
        writer.await_writes(WRITES_AFTER, timeout_s=150)
        report(f"  {survivor} has taken over: the client writes again")
        ledger = writer.finish()
    new = look_at_service(runner, cluster).promoted_on
    report(f"  the cluster has fenced {target} and switched it on again; waiting until it has caught up")
    nodes = {survivor: runner}
    wait_until(
        lambda: summarise(cluster, gather(cluster, nodes), {}),
        lambda status: status.health is Health.HEALTHY and len(status.service.unpromoted_on) == 1,
        what="both nodes holding the data",
        timeout_s=180,
        every_s=1,
        describe=lambda status: "; ".join(finding.what for finding in status.findings),
        hint="`pcmk-ha status` and `pcmk-ha lab console` show more",
    )
    redundant = time.monotonic() - cut
    report(f"  {target} is back and both nodes hold the data, {redundant:.0f} s after the cut")
    return Failover(target, new, ledger, redundant)
