"""`report`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pcmk_ha.cli.options import DEFAULT_FILE, AsJson, ClusterFile, NewHostKeys

if TYPE_CHECKING:
    from pcmk_ha.operate.report.gather import Found
    from pcmk_ha.operate.session import Session
    from pcmk_ha.scrub.scrubber import Scrubber

HERE = "this machine"
NEWEST_LOGS = 30
LOG_BYTES = 2**20
LOCAL = {
    "cluster.yaml": "the cluster file",
    "local/logs": "what pcmk-ha ran on the nodes, and how it ended",
    "local/drills.txt": "every drill kept on this machine",
}


@dataclass(frozen=True)
class Bounds:
    """How much is asked for."""

    since: str
    inputs: int
    journal_mib: int


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(report)


def report(
    file: ClusterFile = DEFAULT_FILE,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write into.")] = Path(),
    since: Annotated[
        str, typer.Option(help="How far back journals go: 90min, 24h, 3d, or a date in UTC, `2026-11-24 20:00`.")
    ] = "24h",
    inputs: Annotated[int, typer.Option(min=1, max=1000, help="Newest scheduler inputs to take.")] = 50,
    journal_mib: Annotated[int, typer.Option(min=1, max=200, help="Most of a journal, its end, in MiB.")] = 16,
    as_json: AsJson = False,
    accept_new_host_keys: NewHostKeys = False,
) -> None:
    """Gather what explains a failure from every member that answers, into one .tar.gz without secrets.

    Changes nothing on the nodes. Every known secret and whatever looks like one is masked before anything is written;
    then the file is read back and searched, and deleted should one be found. README.txt in it says what is what.

    Example: pcmk-ha report --since 3h
    """
    from datetime import UTC, datetime

    from pcmk_ha.cli.hostkeys import ask_host_key
    from pcmk_ha.cli.progress import Progress
    from pcmk_ha.operate.known import known_secrets
    from pcmk_ha.operate.report.bundle import write_bundle
    from pcmk_ha.operate.session import open_session

    bounds = Bounds(journal_since(since), inputs, journal_mib)
    ask = ask_host_key(accept=accept_new_host_keys)
    with open_session(file, secrets=known_secrets, ask=ask) as session, Progress("report") as progress:
        title = f"{session.cluster.name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        found, scrubber = _collect(session, title, bounds, progress)
        progress.line("writing, and reading back")
        path = out / f"{title}.tar.gz"
        size = write_bundle(path, found.files, scrubber)
    _print(session, path, size, found, as_json=as_json)


def journal_since(text: str) -> str:
    """Return journalctl's word for a time; raises BadInput."""
    import re

    from pcmk_ha.errors import BadInput, Problem

    if match := re.fullmatch(r"(\d{1,6})(min|h|d)", text, re.ASCII):
        return f"-{match[1]}{match[2]}"
    if re.fullmatch(r"\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d)?)?", text, re.ASCII):
        return f"{text if ' ' in text else f'{text} 00:00'} UTC"
    raise BadInput([Problem(f"--since {text}: not understood", "24h, 90min, 3d, or `2026-11-24 20:00`")])


def _collect(session: Session, title: str, bounds: Bounds, progress: object) -> tuple[Found, Scrubber]:
    from pcmk_ha.cli.progress import Progress
    from pcmk_ha.operate.known import live_cibs, scrubber_for
    from pcmk_ha.operate.report.gather import clean, gather
    from pcmk_ha.operate.report.items import items
    from pcmk_ha.operate.report.readme import readme

    assert isinstance(progress, Progress)
    cluster = session.cluster
    progress.line(f"asking {', '.join(session.nodes) or 'nobody'}")
    scrubber = scrubber_for(cluster, session.secrets, live_cibs(session.nodes))
    wanted = items(cluster, since=bounds.since, inputs=bounds.inputs, journal_mib=bounds.journal_mib)
    found = gather(session.members, wanted, scrubber, progress.line)
    for name, data in _local_files(session):
        found |= clean(scrubber, HERE, name, data)
    text = readme(
        title, list(session.nodes), session.down, wanted, found.missing, local=LOCAL, unknown=_unknown(session)
    )
    return found | clean(scrubber, HERE, "README.txt", text.encode()), scrubber


def _local_files(session: Session) -> Iterator[tuple[str, bytes]]:
    from platformdirs import user_state_path

    from pcmk_ha.drill.keep import drills_dir, kept_runs
    from pcmk_ha.drill.report.text import run_text
    from pcmk_ha.errors import BadInput

    yield "cluster.yaml", session.path.read_bytes()
    logs = sorted((user_state_path("pcmk-ha") / "logs").glob("*.log"), key=lambda path: path.stat().st_mtime)
    for path in logs[-NEWEST_LOGS:]:
        yield f"local/logs/{path.name}", _end_of(path)
    texts = []
    for path in sorted(drills_dir(session.cluster.name).glob("**/run.json")):
        try:
            texts += [f"{path.parent.name}\n{run_text(run)}" for _path, run in kept_runs(path.parent)]
        except BadInput as error:
            texts.append(f"{path.parent.name}\n{error}\n")
    if texts:
        yield "local/drills.txt", "\n".join(texts).encode()


def _end_of(path: Path) -> bytes:
    data = path.read_bytes()
    return data if len(data) <= LOG_BYTES else b"".join(data[-LOG_BYTES:].splitlines(keepends=True)[2:])


def _unknown(session: Session) -> list[str]:
    """Secrets the cluster file refers to whose values are not at hand."""
    from pcmk_ha.operate.known import not_at_hand

    return not_at_hand(session.cluster, session.secrets)


def _print(session: Session, path: Path, size: int, found: Found, *, as_json: bool) -> None:
    from dataclasses import asdict

    from pcmk_ha.cli.out import print_json

    if as_json:
        print_json(
            {
                "path": str(path.resolve()),
                "size": size,
                "files": len(found.files),
                "members": list(session.nodes),
                "unreachable": dict(session.down),
                "missing": [asdict(missing) for missing in found.missing],
            }
        )
        return
    for name, why in session.down.items():
        typer.echo(f"{name} did not answer: {why}", err=True)
    others = [m for m in found.missing if m.node not in session.down]
    if others:
        typer.echo(f"{len(others)} things could not be had; README.txt in it names them.", err=True)
    typer.echo(f"{path}: {size / 2**20:.1f} MiB, {len(found.files)} files from {', '.join(session.nodes) or 'no node'}")
