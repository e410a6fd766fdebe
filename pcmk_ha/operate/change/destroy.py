"""Undo what bootstrap did, node by node; data only where that was asked for."""

from __future__ import annotations

from collections.abc import Iterator

from pcmk_ha.desired.names import CLUSTER_UNITS, VERIFY_TIMER
from pcmk_ha.desired.values import Desired
from pcmk_ha.operate.change.applied import remove_record
from pcmk_ha.operate.parts.node import remove_hosts
from pcmk_ha.remote.runner import Runner

STATE = ("/var/lib/pacemaker/cib", "/var/lib/pacemaker/pengine", "/var/lib/corosync")


def stop_member(runner: Runner) -> None:
    """Stop Pacemaker, and with it whatever it runs here, then Corosync; neither starts at boot any more."""
    runner.run(("systemctl", "disable", *CLUSTER_UNITS), ok=None, timeout=60)
    runner.run(("systemctl", "stop", *reversed(CLUSTER_UNITS)), timeout=300)


def undo_node(runner: Runner, desired: Desired, *, wipe_data: bool) -> Iterator[str]:
    """Yield each thing undone; packages stay, for nobody can tell who else needs them."""
    cluster = desired.cluster
    resource = cluster.drbd.resource
    disk = next((node.disk for node in cluster.nodes if node.name == runner.node), None)
    if disk:
        runner.run(("systemctl", "disable", "--now", VERIFY_TIMER), ok=None, timeout=60)
        runner.run(("drbdadm", "down", resource), ok=None, timeout=60)
        yield "DRBD is down"
    if disk and wipe_data:
        runner.run(("drbdadm", "wipe-md", "--force", resource), ok=None, timeout=60)
        runner.run(("wipefs", "--all", disk))
        yield f"{disk} is wiped"
    runner.run(("rm", "-f", *(file.path for file in desired.files[runner.node])))
    runner.run(("systemctl", "daemon-reload"), timeout=60)
    remove_hosts(runner)
    remove_record(runner)
    yield "configuration files are removed"
    runner.run(("find", *STATE, "-mindepth", "1", "-delete"), ok=None)
    yield "the cluster's state is removed"
