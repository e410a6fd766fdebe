"""`pcmk-ha drill`: break it on purpose, measure the outage, prove that nothing is lost."""

from __future__ import annotations

from typing import Annotated

import typer

from pcmk_ha.cli.options import DEFAULT_FILE, AsJson, ClusterFile, Yes

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
    from pcmk_ha.drill.report.store import dump_run, keep
    from pcmk_ha.drill.report.text import lines
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
    found = play(file, wanted, secrets.superuser, lambda text: typer.echo(f"  {text}", err=True))
    kept = keep(found, file)
    if as_json:
        typer.echo(dump_run(found))
    else:
        typer.echo("\n".join(lines(found)))
        typer.echo(f"The whole story: {kept}")
    raise typer.Exit(0 if found.passed else 1)
