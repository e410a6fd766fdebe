"""`pcmk-ha drill`: break it on purpose, measure the outage, prove that nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pcmk_ha.cli.options import DEFAULT_FILE, AsJson, ClusterFile, Yes

if TYPE_CHECKING:
    from pcmk_ha.drill.choose import Choice
    from pcmk_ha.drill.evidence import Run
    from pcmk_ha.drill.scenario import Scenario
    from pcmk_ha.model.cluster import Cluster

app = typer.Typer(
    help="Break the cluster on purpose, measure how long writes are out, and prove that nothing is lost.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
ScenarioName = Annotated[str, typer.Argument(metavar="SCENARIO", help="Its name; `drill list` shows them.")]


@app.command(name="list")
def list_(
    anywhere: Annotated[bool, typer.Option("--anywhere", help="Only those that are safe outside a lab.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show every scenario.

    Example: pcmk-ha drill list
    """
    from pcmk_ha.cli.out import print_json
    from pcmk_ha.drill.scenario import Where
    from pcmk_ha.drill.scenarios import all_scenarios

    found = [s for s in all_scenarios().values() if not anywhere or s.where is Where.ANYWHERE]
    if as_json:
        print_json([_as_dict(scenario) for scenario in found])
        return
    for scenario in found:
        where = "" if scenario.where is Where.LAB else "  (anywhere)"
        typer.echo(f"{scenario.name:36} {scenario.summary}{where}")


def _as_dict(scenario: Scenario) -> dict[str, object]:
    return {
        "name": scenario.name,
        "summary": scenario.summary,
        "where": scenario.where.value,
        "core": scenario.core,
        "needs_arbiter": scenario.needs_arbiter,
        "agents": scenario.agents,
        "runbook": scenario.runbook,
    }


@app.command()
def show(scenario: ScenarioName) -> None:
    """Show a scenario's runbook: what breaks, what must happen, within how long.

    Example: pcmk-ha drill show primary-power-loss
    """
    from pcmk_ha.drill.scenarios import find_scenario

    typer.echo(find_scenario(scenario).runbook)


@app.command()
def run(
    scenarios: Annotated[
        list[str] | None, typer.Argument(metavar="[SCENARIO]...", help="Their names; `drill list` shows them.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every scenario this cluster can play.")] = False,
    core: Annotated[bool, typer.Option("--core", help="The most important of them.")] = False,
    times: Annotated[int, typer.Option(min=1, help="Play each that often.")] = 1,
    file: ClusterFile = DEFAULT_FILE,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Play scenarios: clients write, it breaks, and what they saw is counted. Exit 1 when anything was not right.

    Ctrl-C at any moment mends what was broken. Refused (exit 4) on a cluster that is not healthy to begin with.

    Example: pcmk-ha drill run primary-power-loss
    """
    from pcmk_ha.drill.report.store import dump_runs
    from pcmk_ha.model.load import load_cluster
    from pcmk_ha.operate.secrets import load_secrets

    cluster = load_cluster(file)
    wanted = _wanted(cluster, scenarios or [], everything=everything, core=core)
    password = load_secrets(cluster, file).superuser
    _ask(cluster, wanted, yes=yes)
    runs = tuple(_play(file, scenario, password, as_json=as_json) for scenario in wanted for _time in range(times))
    if as_json:
        typer.echo(dump_runs(runs))
    elif len(runs) > 1:
        _compare(runs)
    raise typer.Exit(0 if all(run.passed for run in runs) else 1)


def _wanted(cluster: Cluster, names: list[str], *, everything: bool, core: bool) -> list[Scenario]:
    from pcmk_ha.drill.scenario import Where
    from pcmk_ha.drill.scenarios import all_scenarios, find_scenario
    from pcmk_ha.errors import BadInput, Problem

    found = [find_scenario(name) for name in names]
    for scenario in all_scenarios().values() if everything or core else ():
        able = (cluster.arbiter or not scenario.needs_arbiter) and (cluster.lab or scenario.where is Where.ANYWHERE)
        able = able and scenario.agents in ("", cluster.agents)
        if able and (everything or scenario.core):
            found.append(scenario)
    if not found:
        raise BadInput([Problem("which drill?", "name one, or say --core or --all; `pcmk-ha drill list` shows them")])
    return found


def _ask(cluster: Cluster, wanted: list[Scenario], *, yes: bool) -> None:
    """Outside a lab, say what each will do and ask."""
    from pcmk_ha.cli.out import confirm

    if cluster.lab:
        return
    for scenario in wanted:
        typer.echo(f"{scenario.name}: {scenario.consent or scenario.runbook}", err=True)
    confirm(f"Play {'it' if len(wanted) == 1 else 'them'} on {cluster.name}?", yes=yes)


def _play(file: Path, scenario: Scenario, password: str, *, as_json: bool) -> Run:
    from pcmk_ha.drill.report.text import run_text
    from pcmk_ha.drill.run import play

    found, folder = play(file, scenario, password, _say)
    if not as_json:
        typer.echo(f"{run_text(found)}\nThe whole story: {folder / 'run.html'}\n")
    return found


def _compare(runs: tuple[Run, ...]) -> None:
    from pcmk_ha.drill.report.compare import compare, compare_text

    typer.echo(compare_text(compare(runs)))


def _say(text: str) -> None:
    typer.echo(f"  {text}", err=True)


@app.command()
def campaign(
    seed: Annotated[int, typer.Option(help="Decides which drills, on whom and when; the same seed gives the same.")],
    count: Annotated[int, typer.Option(min=1, help="How many drills in all.")] = 20,
    max_minutes: Annotated[float, typer.Option(min=0, help="Begin no drill after this time; 0: no limit.")] = 0,
    file: ClusterFile = DEFAULT_FILE,
    as_json: AsJson = False,
) -> None:
    """Play random drills, one after the other, until the first violation; then compare both copies block by block.

    Run again with the same seed, it goes on where it ended. Everything is kept. Lab only.

    Example: pcmk-ha drill campaign --seed 1 --count 50
    """
    from pcmk_ha.cli.out import print_json
    from pcmk_ha.cli.progress import Progress
    from pcmk_ha.drill.campaign import Campaign, play_campaign
    from pcmk_ha.drill.report.campaign import campaign_figures
    from pcmk_ha.errors import Refused
    from pcmk_ha.model.load import load_cluster
    from pcmk_ha.operate.data.copies import compare_copies
    from pcmk_ha.operate.secrets import load_secrets
    from pcmk_ha.operate.session import open_session

    cluster = load_cluster(file)
    if not cluster.lab:
        raise Refused("a campaign breaks what only a lab can mend", hint="`pcmk-ha drill list --anywhere`")
    wanted = Campaign(file, cluster, load_secrets(cluster, file).superuser, seed, count, max_minutes)
    runs = play_campaign(wanted, lambda choice, run: typer.echo(_line(choice, run), err=as_json), _say)
    passed, differing = all(run.passed for run in runs), None
    if passed:
        with open_session(file) as session, Progress("campaign") as progress:
            differing = compare_copies(session.nodes, cluster, progress.line).differing_kib
    if as_json:
        print_json(campaign_figures(seed, count, runs, differing))
    else:
        _compare(runs)
        end = f"{len(runs)} of {count} drills passed; both copies differ by {differing} KiB."
        typer.echo(end if passed else f"It ended at a violation; all evidence is in {wanted.folder}")
    raise typer.Exit(0 if passed and not differing else 1)


def _line(choice: Choice, run: Run) -> str:
    from pcmk_ha.drill.outage import merged_outage

    lost = sum(len(ledger.lost) for ledger in run.clients.values())
    verdict = "passed" if run.passed else f"FAILED: {'; '.join(run.problems)}"
    return f"{choice.number:4} {choice!s:52} outage {merged_outage(run):6.2f} s  lost {lost}  {verdict}"


@app.command()
def report(
    paths: Annotated[list[Path] | None, typer.Argument(metavar="[DRILL]...", help="Folders of kept drills.")] = None,
    file: ClusterFile = DEFAULT_FILE,
    as_json: AsJson = False,
) -> None:
    """Show one kept drill, or compare several; without an argument, all that were kept of this cluster.

    Example: pcmk-ha drill report
    """
    from pcmk_ha.drill.keep import drills_dir, kept_runs
    from pcmk_ha.drill.report.store import dump_runs
    from pcmk_ha.drill.report.text import run_text
    from pcmk_ha.model.load import load_cluster

    folders = paths or [drills_dir(load_cluster(file).name)]
    runs = [run for folder in folders for _path, run in kept_runs(folder)]
    if as_json:
        typer.echo(dump_runs(runs))
    elif len(runs) == 1:
        typer.echo(run_text(runs[0]))
    else:
        _compare(tuple(runs))
