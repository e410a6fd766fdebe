"""`demo`: a lab, a cluster on it, the primary's power cut, and what becomes of the data."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    folder: Annotated[Path, typer.Option("--dir", help="Folder for the cluster file.")] = Path("demo"),
    name: Annotated[str, typer.Option("--name", help="Name of the lab.")] = "demo",
    suite: Annotated[str, typer.Option(help="Debian suite of the nodes: trixie or bookworm.")] = "trixie",
    arbiter: Annotated[bool, typer.Option("--arbiter", help="Add a third node that only votes.")] = False,
) -> None:
    """Build a real cluster in a lab on this machine, kill the primary, and count what was lost.

    The lab stays up for you to play with, for twelve hours at most.

    Example: pcmk-ha demo
    """
    from pcmk_ha.cli.lab import up
    from pcmk_ha.cli.operate import bootstrap
    from pcmk_ha.lab.paths import LabPaths
    from pcmk_ha.lab.starter import lab_file

    begin = time.monotonic()
    file = folder / "cluster.yaml"
    if LabPaths.of(name).root.exists():
        typer.echo(f"The lab {name} is up already; going on with it.")
    else:
        _say(begin, "A lab of two machines: own kernels, disks, networks and IPMI controllers.")
        _forget(file)
        up(name=name, suite=suite, arbiter=arbiter, memory=1024, disk=2, hours=12)
    folder.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.write_text(lab_file(name))
        typer.echo(f"The cluster file is {file}.")
    _say(begin, "A cluster on it, from one file.")
    bootstrap(
        file=file, wipe=None, skip_checks=False, dry_run=False, yes=True, as_json=False, accept_new_host_keys=False
    )
    _say(begin, "The power of the primary goes, while clients write.")
    _cut_power(file)
    typer.echo(f"\nAll of it took {time.monotonic() - begin:.0f} s. Now it is yours:")
    typer.echo(f"  cd {folder}")
    typer.echo("  pcmk-ha status --watch     pcmk-ha drill list      pcmk-ha psql      pcmk-ha crm-show")
    typer.echo(f"  pcmk-ha lab power off node2 --name {name}         pcmk-ha lab down --name {name}")


def _say(begin: float, text: str) -> None:
    typer.secho(f"\n[{time.monotonic() - begin:4.0f} s] {text}", bold=True)


def _forget(file: Path) -> None:
    """Remove what belonged to an earlier lab of this folder: its disks are gone, so are its secrets."""
    from pcmk_ha.operate.secrets import secrets_path

    for old in (file, secrets_path(file)):
        old.unlink(missing_ok=True)


def _cut_power(file: Path) -> None:
    from pcmk_ha.drill.report.text import run_text
    from pcmk_ha.drill.run import play
    from pcmk_ha.drill.scenarios import find_scenario
    from pcmk_ha.errors import PcmkHaError
    from pcmk_ha.model.load import load_cluster
    from pcmk_ha.operate.secrets import load_secrets

    password = load_secrets(load_cluster(file), file).superuser
    run, folder = play(file, find_scenario("primary-power-loss"), password, lambda text: typer.echo(f"  {text}"))
    typer.echo(f"\n{run_text(run)}\nThe same as a page: {folder / 'run.html'}")
    if not run.passed:
        raise PcmkHaError("this was not as it should be", hint=f"all evidence is in {folder}")
