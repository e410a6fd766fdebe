"""`pcmk-ha drill`: break it on purpose, measure the outage, prove that nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pcmk_ha.cli.options import DEFAULT_FILE, AsJson, ClusterFile, Yes

if TYPE_CHECKING:
    from pcmk_ha.drill.choose import Choice
    from pcmk_ha.drill.evidence import Run

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
        print_json([{"name": s.name, "where": s.where.value, "runbook": s.runbook} for s in found])
        return
    for scenario in found:
        where = "" if scenario.where is Where.LAB else "  (anywhere)"
        typer.echo(f"{scenario.name:32} {scenario.runbook.partition(chr(10))[0]}{where}")


@app.command()
def show(scenario: ScenarioName) -> None:
    """Show a scenario's runbook: what breaks, what must happen, within how long.

    Example: pcmk-ha drill show primary-power-loss
    """
    from pcmk_ha.drill.scenarios import find_scenario

    typer.echo(find_scenario(scenario).runbook)


@app.command()
def run(
    scenario: ScenarioName,
    file: ClusterFile = DEFAULT_FILE,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Play one scenario: clients write, it breaks, and what they saw is counted. Exit 1 when anything was not right.

    Ctrl-C at any moment mends what was broken. Refused (exit 4) on a cluster that is not healthy to begin with.

    Example: pcmk-ha drill run primary-power-loss
    """
    from pcmk_ha.cli.out import confirm
    from pcmk_ha.drill.report.store import dump_run
    from pcmk_ha.drill.report.text import run_text
    from pcmk_ha.drill.run import play
    from pcmk_ha.drill.scenarios import find_scenario
    from pcmk_ha.model.load import load_cluster
    from pcmk_ha.operate.secrets import load_secrets

    wanted = find_scenario(scenario)
    cluster = load_cluster(file)
    secrets = load_secrets(cluster, file)
    if not cluster.lab:
        typer.echo(wanted.consent or wanted.runbook)
        confirm(f"Play {wanted.name} on {cluster.name}?", yes=yes)
    found, folder = play(file, wanted, secrets.superuser, _say)
    typer.echo(dump_run(found) if as_json else f"{run_text(found)}\nThe whole story: {folder / 'run.html'}")
    raise typer.Exit(0 if found.passed else 1)


def _say(text: str) -> None:
    typer.echo(f"  {text}", err=True)


@app.command()
def campaign(
    seed: Annotated[int, typer.Option(help="Decides which drills, on whom and when; the same seed gives the same.")],
    count: Annotated[int, typer.Option(min=1, help="How many drills in all.")] = 20,
    max_minutes: Annotated[float, typer.Option(min=0, help="Begin no drill after this time; 0: no limit.")] = 0,
    file: ClusterFile = DEFAULT_FILE,
) -> None:
    """Play random drills, one after the other, until the first violation; then compare both copies block by block.

    Run again with the same seed, it goes on where it ended. Everything is kept. Lab only.

    Example: pcmk-ha drill campaign --seed 1 --count 50
    """
    from pcmk_ha.drill.campaign import Campaign, play_campaign, verify_copies
    from pcmk_ha.drill.report.compare import compare, compare_text
    from pcmk_ha.errors import Refused
    from pcmk_ha.model.load import load_cluster
    from pcmk_ha.operate.secrets import load_secrets
    from pcmk_ha.operate.session import open_session

    cluster = load_cluster(file)
    if not cluster.lab:
        raise Refused("a campaign breaks what only a lab can mend", hint="`pcmk-ha drill list --anywhere`")
    password = load_secrets(cluster, file).superuser
    wanted = Campaign(file, cluster, password, seed, count, max_minutes)
    runs = play_campaign(wanted, lambda choice, run: typer.echo(_line(choice, run)), _say)
    typer.echo(compare_text(compare(runs)))
    failed = [run for run in runs if not run.passed]
    if failed:
        typer.echo(f"It ended at a violation; all evidence is in {wanted.folder}")
        raise typer.Exit(1)
    with open_session(file) as session:
        differing = verify_copies(session)
    typer.echo(f"{len(runs)} of {count} drills passed; both copies differ by {differing} KiB.")
    raise typer.Exit(1 if differing else 0)


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
    from pcmk_ha.drill.report.compare import compare, compare_text
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
        typer.echo(compare_text(compare(runs)))
