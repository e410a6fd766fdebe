"""`init` and `schema`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pcmk_ha.cli.options import DEFAULT_FILE


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(init)
    app.command()(schema)


def init(
    path: Annotated[Path, typer.Argument(help="File to write.")] = DEFAULT_FILE,
    lab: Annotated[str, typer.Option("--lab", metavar="NAME", help="For the nodes of this lab.")] = "",
    vagrant: Annotated[bool, typer.Option("--vagrant", help="For the machines of the Vagrantfile.")] = False,
    provider: Annotated[str, typer.Option(help="With --vagrant: virtualbox or libvirt.")] = "virtualbox",
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that exists.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: write the example.")] = False,
) -> None:
    """Write a commented cluster file to start from.

    Example: pcmk-ha init --lab demo
    """
    from pcmk_ha.errors import BadInput, PcmkHaError, Problem
    from pcmk_ha.model import starter

    if path.exists() and not force:
        raise PcmkHaError(f"{path} exists already", hint="--force overwrites it")
    if lab:
        from pcmk_ha.lab.starter import lab_file

        text = lab_file(lab)
    elif vagrant:
        if provider not in starter.PROVIDERS:
            raise BadInput([Problem(f"--provider {provider}: not known", f"one of {', '.join(starter.PROVIDERS)}")])
        text = starter.vagrant_file(provider)
    elif sys.stdin.isatty() and not yes:
        text = _asked()
    else:
        text = starter.example_file(starter.Answers())
    try:
        path.write_text(text)
    except OSError as error:
        raise PcmkHaError(f"{path}: {error.strerror}") from None
    typer.echo(f"{path} is written. Next: pcmk-ha check --file {path}, then pcmk-ha bootstrap --file {path}")


def _asked() -> str:
    """Ask what the example cannot know; raises BadInput when the answers do not make a cluster."""
    from pcmk_ha.errors import BadInput, Problem
    from pcmk_ha.model.load import load_cluster_text
    from pcmk_ha.model.starter import Answers, example_file

    default = Answers()
    given = {
        name: typer.prompt(question, default=getattr(default, name)) for name, question in Answers.QUESTIONS.items()
    }
    text = example_file(Answers(**given))
    try:
        load_cluster_text(text, "answers")
    except BadInput as error:
        raise BadInput([*error.problems, Problem("nothing was written")]) from None
    return text


def schema() -> None:
    """Print the cluster file's JSON Schema, for completion and checks in editors.

    Example: pcmk-ha schema > cluster.schema.json
    """
    from pcmk_ha.cli.out import print_json
    from pcmk_ha.model.schema import json_schema

    print_json(json_schema())
