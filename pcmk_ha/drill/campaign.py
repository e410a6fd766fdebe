"""Drill after drill, chosen by a seed; ends at the first that shows a violation, and goes on where it was ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pcmk_ha.drill.choose import Choice, choose, scenario_of
from pcmk_ha.drill.evidence import Run
from pcmk_ha.drill.keep import RUN, drills_dir, read_run
from pcmk_ha.drill.run import play
from pcmk_ha.drill.scenarios import all_scenarios
from pcmk_ha.errors import PcmkHaError
from pcmk_ha.facts.drbd import PROC_DRBD, parse_proc_drbd
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.session import Session
from pcmk_ha.operate.wait import wait_until

VERIFY_S = 600.0


@dataclass(frozen=True)
class Campaign:
    """Which drills, and for how long at most."""

    path: Path
    cluster: Cluster
    password: str
    seed: int
    count: int
    max_minutes: float = 0  # 0: as long as it takes

    @property
    def folder(self) -> Path:
        """Where its drills are kept; the same seed finds them again."""
        return drills_dir(self.cluster.name) / f"campaign-{self.seed}"

    def choices(self) -> Iterator[Choice]:
        """Yield its drills in their order."""
        for number in range(1, self.count + 1):
            yield choose(self.seed, number, all_scenarios(), arbiter=self.cluster.arbiter is not None)

    def folder_of(self, choice: Choice) -> Path:
        """Return where one drill is kept."""
        return self.folder / f"{choice.number:04}"


def play_campaign(
    campaign: Campaign, told: Callable[[Choice, Run], None], say: Callable[[str], None]
) -> tuple[Run, ...]:
    """Play what was not played yet and return every run so far; the last one may have problems, then it ended there.

    `told` hears each drill that is over, `say` the progress within one.
    """
    runs: list[Run] = []
    begin = time.monotonic()
    for choice in campaign.choices():
        folder, scenario = campaign.folder_of(choice), scenario_of(choice, all_scenarios())
        kept = read_run(folder) if (folder / RUN).exists() else None
        if kept and kept.passed and kept.scenario == scenario.name:
            runs.append(kept)
            continue
        if campaign.max_minutes and time.monotonic() - begin > campaign.max_minutes * 60:
            break
        run, _home = play(campaign.path, scenario, campaign.password, say, folder=folder)
        runs.append(run)
        told(choice, run)
        if not run.passed:
            break
    return tuple(runs)


def verify_copies(session: Session) -> int:
    """Compare both copies block by block; returns how many KiB differ. Raises TimedOut, PcmkHaError."""
    cluster = session.cluster
    runner = session.any_node()
    resource, minor = cluster.drbd.resource, cluster.drbd.minor
    if runner.run(("drbdadm", "verify", resource), ok=None, timeout=60).status:
        raise PcmkHaError(f"`drbdadm verify {resource}` was refused on {runner.node}")

    time.sleep(1)  # until it has begun
    return wait_until(
        lambda: parse_proc_drbd(runner.run(PROC_DRBD).stdout, minor),
        lambda state: state.connection == "Connected",
        what="the comparison of both copies",
        timeout_s=VERIFY_S,
        every_s=1,
    ).out_of_sync_kib
