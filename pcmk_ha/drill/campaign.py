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
from pcmk_ha.model.cluster import Cluster


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
