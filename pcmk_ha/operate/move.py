"""Moving the promoted role to the other data node, on purpose."""

from __future__ import annotations

from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.service import Service, look_at_service
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.remote.runner import Runner

MOVE_S = 300


def preference_id(cluster: Cluster) -> str:
    """Return the id of the constraint that `crm_resource --move` makes."""
    return f"cli-prefer-{cluster.drbd_id}-clone"


def move_promoted(runner: Runner, cluster: Cluster, target: str) -> Service:
    """Have Pacemaker promote `target` and wait until the service is up there; raises TimedOut.

    The constraint is taken away in any case. A run that is killed leaves it behind, for five minutes in force.
    """
    clone = f"{cluster.drbd_id}-clone"
    wanted = ("--promoted", "--node", target, "--lifetime", "PT5M")
    try:
        runner.run(("crm_resource", "--resource", clone, "--move", *wanted), timeout=60)
        return wait_until(
            lambda: look_at_service(runner, cluster),
            lambda service: service.is_up and service.promoted_on == target,
            what=f"the service on {target}",
            timeout_s=MOVE_S,
            hint="`pcmk-ha status` shows failed actions and what to do",
        )
    finally:
        clear_move(runner, cluster)


def clear_move(runner: Runner, cluster: Cluster) -> None:
    """Take away what a move leaves behind."""
    runner.run(("crm_resource", "--resource", f"{cluster.drbd_id}-clone", "--clear"), timeout=60)
