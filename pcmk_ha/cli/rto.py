"""`pcmk-ha rto`: where the seconds of a failover go."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from pcmk_ha.cli.options import DEFAULT_FILE, AsJson, ClusterFile

if TYPE_CHECKING:
    from pcmk_ha.drill.budget import Budget, Step
    from pcmk_ha.drill.evidence import Run
    from pcmk_ha.model.cluster import Cluster

DRILL = "primary-power-loss"

app = typer.Typer(help="Say where the seconds of a failover go.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _rto() -> None:
    pass


@app.command()
def explain(file: ClusterFile = DEFAULT_FILE, as_json: AsJson = False) -> None:
    """Show each step of a failover: what it waits for by the file, and what the last drill measured.

    The drill is the last primary-power-loss that was kept of this cluster. Asks no node.

    Example: pcmk-ha rto explain
    """
    from pcmk_ha.cli.out import print_json
    from pcmk_ha.drill.budget import make_budget
    from pcmk_ha.drill.report.figures import figures
    from pcmk_ha.model.load import load_cluster
    from pcmk_ha.model.platform import DEBIAN_13

    cluster = load_cluster(file)
    run = _last_drill(cluster)
    budget = make_budget(cluster, DEBIAN_13, figures(run).phases if run else ())
    if as_json:
        print_json(_as_dict(cluster, budget, run))
    else:
        _print(cluster, budget, run)


def _last_drill(cluster: Cluster) -> Run | None:
    from pcmk_ha.drill.keep import drills_dir, kept_runs

    runs = [run for _path, run in kept_runs(drills_dir(cluster.name)) if run.scenario == DRILL]
    return max(runs, key=lambda run: run.struck_at, default=None)


def _as_dict(cluster: Cluster, budget: Budget, run: Run | None) -> dict[str, object]:
    return {
        "profile": cluster.profile,
        "agents": cluster.agents,
        "rto_s": cluster.objectives.rto,
        "timers_s": round(budget.timers_s, 2),
        "measured_s": None if budget.measured_s is None else round(budget.measured_s, 2),
        "drill": run.struck_at if run else None,
        "steps": [asdict(step) | {"work_s": step.work_s} for step in budget.steps],
    }


def _print(cluster: Cluster, budget: Budget, run: Run | None) -> None:
    typer.echo(f"Power loss of the primary; profile {cluster.profile}, agents {cluster.agents}\n")
    typer.echo(f"{'step':20}{'waits':>8}{'drill':>8}  decided by")
    for step in budget.steps:
        typer.echo(f"{step.name:20}{_seconds(step.timers_s or None)}{_seconds(step.measured_s)}  {step.settings}")
        if step.price != "-":
            typer.echo(f"{'':38}less: {step.price}")
    typer.echo(f"{'in all':20}{_seconds(budget.timers_s)}{_seconds(budget.measured_s)}")
    typer.echo("")
    typer.echo(_verdict(cluster, budget, run))


def _seconds(value: float | None) -> str:
    return f"{'-' if value is None else f'{value:.2f}':>8}"


def _verdict(cluster: Cluster, budget: Budget, run: Run | None) -> str:
    if run is None or budget.measured_s is None:
        return (
            f"No {DRILL} was played yet: `pcmk-ha drill run {DRILL}` measures what the machines need beyond the waits."
        )
    longest = max(budget.steps, key=lambda step: step.measured_s or 0.0)
    said = f"The longest step was `{longest.name}`, {longest.measured_s:.2f} s: {_why(longest)}."
    rto = cluster.objectives.rto
    if rto is None:
        return said
    return f"{said} Promised are {rto:g} s: {'kept' if budget.measured_s <= rto else 'NOT kept'}."


def _why(step: Step) -> str:
    work = step.work_s or 0.0
    return f"waiting for {step.settings}" if work < step.timers_s else f"{work:.2f} s of it work"
