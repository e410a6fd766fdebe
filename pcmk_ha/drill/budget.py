"""What a failover may take by the cluster file, step by step, and what a drill measured of it. Pure.

Of every step the timers are known beforehand, as whoever waits for one waits all of it. The rest is work, which depends
on the machines: only a drill tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pcmk_ha.cib.stonith import agent_of
from pcmk_ha.desired.drbd import net_options
from pcmk_ha.desired.postgresql import parameters
from pcmk_ha.drill.patterns import ASKED, DETECTED, FENCED, FIRST_WRITE, MOUNTED, PROMOTED, STARTED, VIP_UP
from pcmk_ha.drill.timeline import Phase
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.platform import Platform
from pcmk_ha.model.scalars import Scalar

POWER_WAIT_S = 2  # of fence_ipmilan and its relatives, after a node that had power was switched off
IPMI = ("fence_ipmilan", "fence_ipmilanplus", "fence_ilo3", "fence_ilo4", "fence_ilo5", "fence_idrac", "fence_imm")


@dataclass(frozen=True)
class Step:
    """One step of a failover; `timers_s` is what is waited for on purpose."""

    name: str
    timers_s: float
    settings: str  # what decides it
    price: str  # what less of it costs
    measured_s: float | None = None  # what it took in the last drill, timers and work

    @property
    def work_s(self) -> float | None:
        """What the machines needed; None where nothing was measured."""
        return None if self.measured_s is None else max(self.measured_s - self.timers_s, 0.0)


@dataclass(frozen=True)
class Budget:
    """The whole failover."""

    steps: tuple[Step, ...]

    @property
    def timers_s(self) -> float:
        """The least a failover takes on machines that need no time."""
        return sum(step.timers_s for step in self.steps)

    @property
    def measured_s(self) -> float | None:
        """What the last drill took, from the fault to the first write; None without one."""
        found = [step.measured_s for step in self.steps if step.measured_s is not None]
        return sum(found) if found else None


def make_budget(cluster: Cluster, platform: Platform, measured: Iterable[Phase] = ()) -> Budget:
    """Return the steps of a failover after a power loss, held against a drill's phases where there are any."""
    took = {phase.name: phase.took_s for phase in measured}
    return Budget(
        tuple(
            Step(name, timers, settings, price, round(took[name], 2) if name in took else None)
            for name, timers, settings, price in _steps(cluster, platform)
        )
    )


def _steps(cluster: Cluster, platform: Platform) -> Iterator[tuple[str, float, str, str]]:
    token, consensus = cluster.token_ms, cluster.consensus_ms
    yield (
        DETECTED, (token + consensus) / 1000, f"timeouts.token_ms {token}, timeouts.consensus_ms {consensus}",
        "a pause of the network, or of a node, that is longer fences a node that lives",
    )  # fmt: skip
    yield ASKED, 0.0, "none: Pacemaker's election where the DC was lost, its scheduler", "-"
    delay, said, price = _fencing(cluster)
    yield FENCED, delay, said, price
    yield PROMOTED, *_promotion(cluster, platform, (token + consensus) / 1000 + delay)
    yield MOUNTED, 0.0, "the journal of the file system", "-"
    yield STARTED, 0.0, *_recovery(cluster, platform)
    yield VIP_UP, 0.0, "runs beside the file system and PostgreSQL", "-"
    yield FIRST_WRITE, 0.0, "how soon clients try again", "-"


def _fencing(cluster: Cluster) -> tuple[float, str, str]:
    device = cluster.nodes[0].fence_devices[0]
    if cluster.asks_before_head_start:
        asked = f"watch-peer asks {agent_of(cluster, device)} at the loss; for a node that has power: 1 s and"
        return (
            0.0, f"{asked} stonith.priority_delay_s {cluster.fencing_delay_s} after it",
            "with two votes both sides may fence each other",
        )  # fmt: skip
    wait = _power_wait(cluster)
    delay = cluster.fencing_delay_s + max(node.fence_devices[0].delay_s for node in cluster.nodes)
    said = [f"stonith.priority_delay_s {cluster.fencing_delay_s}"] if cluster.fencing_delay_s else []
    said += [f"delay_s {device.delay_s}"] if device.delay_s else []
    # A node without power is found to be off, and nothing is waited for.
    said += [f"power_wait {wait:g}, for a node that has power"] if wait else []
    price = "with two votes both sides may fence each other; an arbiter makes the wait unnecessary" if delay else "-"
    return float(delay), ", ".join(said) or f"the device, by {agent_of(cluster, device)}", price


def _promotion(cluster: Cluster, platform: Platform, fenced_after_s: float) -> tuple[float, str, str]:
    """DRBD calls its handler only when it has noticed itself that the peer is gone: see `pcmk_ha.model.profile`."""
    net = net_options(cluster, platform)
    interval, answer = int(net["ping-int"]), int(net["ping-timeout"]) / 10
    soonest, latest = interval + answer, 2 * interval + answer
    noticed = f"drbd.net ping-int {interval}: DRBD notices after {soonest:g} to {latest:g} s"
    return (
        max(soonest - fenced_after_s, 0.0), f"agents {cluster.agents}; the fence-peer handler; {noticed}",
        "nothing is promoted before the fencing is confirmed, whatever it takes",
    )  # fmt: skip


def _power_wait(cluster: Cluster) -> float:
    device = cluster.nodes[0].fence_devices[0]
    usual = POWER_WAIT_S if agent_of(cluster, device) in IPMI else 0
    given = {**cluster.stonith.parameters, **device.parameters}.get("power_wait", usual)
    return float(given) if isinstance(given, int | float | str) and str(given).replace(".", "", 1).isdigit() else usual


def _recovery(cluster: Cluster, platform: Platform) -> tuple[str, str]:
    version = cluster.postgresql.version or platform.postgresql
    ours: dict[str, Scalar] = parameters(cluster, version)
    names = ("checkpoint_timeout", "max_wal_size")
    said = ", ".join(f"{name} {ours[name]}" for name in names if name in ours)
    return f"agents {cluster.agents}; WAL to replay: {said}", "more full pages in the WAL, more writing all day"
