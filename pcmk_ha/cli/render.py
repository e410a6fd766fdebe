"""`render`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pcmk_ha.cli.options import DEFAULT_FILE, ClusterFile


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(render)


def render(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write into.")],
    file: ClusterFile = DEFAULT_FILE,
    suite: Annotated[str, typer.Option(help="Debian suite of the nodes: trixie or bookworm.")] = "trixie",
    show_secrets: Annotated[
        bool, typer.Option("--show-secrets", help="Write real secrets instead of the word SECRET.")
    ] = False,
) -> None:
    """Write every file of every node, and cib.xml, without any node; the same input gives the same output.

    Example: pcmk-ha render --out rendered && diff -r rendered.old rendered
    """
    from pcmk_ha.desired.build import build_desired
    from pcmk_ha.desired.tree import write_tree
    from pcmk_ha.errors import BadInput, Problem
    from pcmk_ha.model.load import load_cluster
    from pcmk_ha.model.platform import PLATFORMS
    from pcmk_ha.operate.secrets import load_secrets, placeholder_secrets

    cluster = load_cluster(file)
    if suite not in PLATFORMS:
        raise BadInput([Problem(f"--suite {suite}: not known", f"one of {', '.join(PLATFORMS)}")])
    secrets = load_secrets(cluster, file, create=False) if show_secrets else placeholder_secrets(cluster)
    written = write_tree(build_desired(cluster, secrets, PLATFORMS[suite]), out)
    typer.echo(f"{written} files in {out}")
