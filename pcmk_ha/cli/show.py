"""`crm-show`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pcmk_ha.cli.options import DEFAULT_FILE, AsJson, ClusterFile

if TYPE_CHECKING:
    from pcmk_ha.cib.elements import Element

STDIN = "-"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="crm-show")(crm_show)


def crm_show(
    file: ClusterFile = DEFAULT_FILE,
    cib: Annotated[str, typer.Option("--cib", metavar="FILE", help="Any CIB, from any cluster; - reads it.")] = "",
    desired: Annotated[bool, typer.Option("--desired", help="What the cluster file wants; needs no node.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Live against desired; exit 3 when they differ.")] = False,
    xml: Annotated[bool, typer.Option("--xml", help="Print XML.")] = False,
    as_json: AsJson = False,
    show_secrets: Annotated[
        bool,
        typer.Option("--show-secrets", help="Print fence passwords too, so that the text can be loaded."),
    ] = False,
    suite: Annotated[str, typer.Option(help="With --desired: suite of the nodes.")] = "trixie",
) -> None:
    """Show the cluster's configuration in crm shell syntax, as `crm configure load` reads it.

    Secrets are masked, except in a file of yours given with --cib.

    Example: pcmk-ha crm-show --cib cib.xml > cib.crm
    """
    if diff:
        _diff(file)
        return
    root = _read(file, cib=cib, desired=desired, suite=suite)
    if not cib and not show_secrets:
        from pcmk_ha.cib.mask import mask_secrets

        mask_secrets(root)
    _print(root, xml=xml, as_json=as_json)


def _read(file: Path, *, cib: str, desired: bool, suite: str) -> Element:
    from pcmk_ha.cib.tree import parse_cib

    if cib:
        return parse_cib(_text_of(cib), cib)
    if desired:
        return parse_cib(_desired(file, suite), str(file))
    from pcmk_ha.model.load import load_cluster
    from pcmk_ha.remote.connect import fetch_live_cib

    return parse_cib(fetch_live_cib(load_cluster(file)), "the live CIB")


def _text_of(cib: str) -> str:
    from pcmk_ha.errors import BadInput, Problem

    try:
        return sys.stdin.read() if cib == STDIN else Path(cib).read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not text"
        raise BadInput([Problem(f"cannot be read: {why}", "", cib)]) from None


def _desired(file: Path, suite: str) -> str:
    from pcmk_ha.cib.build import build_cib
    from pcmk_ha.errors import BadInput, Problem
    from pcmk_ha.model.load import load_cluster
    from pcmk_ha.model.platform import PLATFORMS
    from pcmk_ha.operate.secrets import load_secrets, placeholder_secrets, secrets_path

    if suite not in PLATFORMS:
        raise BadInput([Problem(f"--suite {suite}: not known", f"one of {', '.join(PLATFORMS)}")])
    cluster = load_cluster(file)
    secrets = load_secrets(cluster, file) if secrets_path(file).exists() else placeholder_secrets(cluster)
    return build_cib(cluster, secrets, PLATFORMS[suite])


def _print(root: Element, *, xml: bool, as_json: bool) -> None:
    from lxml import etree

    from pcmk_ha.cib.crmsh import to_crmsh
    from pcmk_ha.cib.tree import as_plain
    from pcmk_ha.cli.out import print_json

    if as_json:
        print_json(as_plain(root))
    elif xml:
        etree.indent(root)
        _highlight(etree.tostring(root, encoding="unicode") + "\n", "xml")
    else:
        _highlight(to_crmsh(root), "crmsh")


def _highlight(text: str, language: str) -> None:
    """Print with colours on a terminal, and exactly the text otherwise."""
    if not sys.stdout.isatty():
        typer.echo(text, nl=False)
        return
    from rich.syntax import Syntax

    from pcmk_ha.cli.out import console

    console().print(Syntax(text, language, theme="ansi_dark", word_wrap=True, background_color="default"))


def _diff(file: Path) -> None:
    """Compare what runs with what it would be after our changes: foreign elements are no difference."""
    from pcmk_ha.cib.diff import diff_lines
    from pcmk_ha.cib.merge import is_merged, merge
    from pcmk_ha.errors import CHANGES_FOUND
    from pcmk_ha.operate.session import open_session

    with open_session(file) as session:
        live = session.any_node().run(("cibadmin", "--query")).stdout
        wanted = session.desired().cib
    if is_merged(live, wanted):
        typer.echo("No difference: the cluster runs what the file wants.")
        return
    _highlight("\n".join(diff_lines(live, merge(live, wanted))) + "\n", "diff")
    raise typer.Exit(CHANGES_FOUND)
