"""`adopt`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pcmk_ha.cli.options import AsJson, NewHostKeys

if TYPE_CHECKING:
    from pcmk_ha.plan.adopt.found import Adopted
    from pcmk_ha.remote.runner import Runner


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(adopt)


def adopt(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="A member, as ssh(1) calls it.")],
    user: Annotated[str, typer.Option("--user", help="Login there; default as ssh(1) chooses.")] = "",
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.")] = Path("cluster.yaml"),
    ssh_config: Annotated[Path | None, typer.Option("--ssh-config", help="ssh_config file; default yours.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that exists.")] = False,
    as_json: AsJson = False,
    accept_new_host_keys: NewHostKeys = False,
) -> None:
    """Write the cluster file of a cluster that runs, whoever built it; changes nothing on the nodes.

    Secrets become references. What the file cannot say stands at its head, as comments.

    Example: pcmk-ha adopt 192.0.2.11 --out cluster.yaml
    """
    from pcmk_ha.cli.out import print_json
    from pcmk_ha.cli.progress import Progress
    from pcmk_ha.errors import PcmkHaError
    from pcmk_ha.operate.look.adopt import read_cluster
    from pcmk_ha.plan.adopt.text import to_yaml

    if out.exists() and not force:
        raise PcmkHaError(f"{out} exists already", hint="--force overwrites it, --out writes another")

    @contextmanager
    def connect(name: str, host: str) -> Iterator[Runner]:
        # An ssh_config of its own knows members by name; else names are nothing to rely on.
        runner = _open(name if ssh_config else host, user, ssh_config, accept=accept_new_host_keys)
        try:
            yield runner
        finally:
            runner.close()

    with connect(address, address) as first, Progress("adopt") as progress:
        progress.line(f"reading the cluster of {address}")
        adopted = read_cluster(first, connect)
    if ssh_config:
        _keep_way(adopted, ssh_config)
    try:
        out.write_text(to_yaml(adopted.file, adopted.notes))
    except OSError as error:
        raise PcmkHaError(f"{out}: {error.strerror}") from None
    if as_json:
        print_json({"file": str(out), "cluster": adopted.file, "notes": adopted.notes})
        return
    for note in adopted.notes:
        typer.echo(f"! {note}")
    typer.echo(f"{out} is written. Next: look it over, then pcmk-ha check --file {out}")


def _keep_way(adopted: Adopted, ssh_config: Path) -> None:
    """Have the file reach the nodes the same way."""
    adopted.file["ssh_config"] = str(ssh_config.absolute())
    for node in (*adopted.file["nodes"], *(n for n in [adopted.file.get("arbiter")] if n)):
        node["ssh"] = node["name"]


def _open(host: str, user: str, ssh_config: Path | None, *, accept: bool) -> Runner:
    from pcmk_ha.cli.hostkeys import ask_host_key
    from pcmk_ha.remote.log import CommandLog
    from pcmk_ha.remote.ssh import open_ssh

    name = f"{user}@{host}" if user else host
    ask = ask_host_key(accept=accept)
    return open_ssh(host, name, ssh_config=ssh_config, ask=ask, log=CommandLog(None), timeout_s=10)
