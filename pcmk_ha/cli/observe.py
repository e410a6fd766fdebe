"""`check` and `status`."""

from __future__ import annotations

from typing import Annotated

import typer

from pcmk_ha.cli.options import DEFAULT_FILE, AsJson, ClusterFile, NewHostKeys


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(check)
    app.command()(status)


def check(
    file: ClusterFile = DEFAULT_FILE,
    as_json: AsJson = False,
    accept_new_host_keys: NewHostKeys = False,
) -> None:
    """Look whether the nodes are ready, and change nothing. Exit 1 when something is in the way.

    Example: pcmk-ha check --file cluster.yaml
    """
    from dataclasses import asdict

    from pcmk_ha.cli.checklist import print_findings
    from pcmk_ha.cli.hostkeys import ask_host_key
    from pcmk_ha.cli.out import print_json
    from pcmk_ha.cli.progress import Progress
    from pcmk_ha.operate.checks.check import FAIL, run_checks
    from pcmk_ha.operate.secrets import fence_secrets
    from pcmk_ha.operate.session import open_session

    ask = ask_host_key(accept=accept_new_host_keys)
    with open_session(file, secrets=fence_secrets, ask=ask) as session, Progress("check") as progress:
        progress.line(f"asking {', '.join(session.nodes) or 'nobody'}, and every fence device")
        findings = run_checks(session)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        print_findings(findings)
    raise typer.Exit(1 if any(finding.verdict == FAIL for finding in findings) else 0)


def status(
    file: ClusterFile = DEFAULT_FILE,
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on until interrupted.")] = False,
    accept_new_host_keys: NewHostKeys = False,
) -> None:
    """Show the whole cluster on one screen. Exit 0 healthy, 10 degraded, 11 down.

    With --watch and --json there is one line of JSON for each look.

    Example: pcmk-ha status --watch
    """
    from pcmk_ha.cli.hostkeys import ask_host_key
    from pcmk_ha.cli.out import print_json
    from pcmk_ha.cli.status_screen import print_status, watch_status
    from pcmk_ha.operate.look.status import look

    ask = ask_host_key(accept=accept_new_host_keys)
    if watch:
        show = (lambda found: print_json(found.as_dict(), lines=True)) if as_json else None
        watch_status(lambda: look(file, ask=ask), show)
        return
    found = look(file, ask=ask)
    if as_json:
        print_json(found.as_dict())
    else:
        print_status(found)
    raise typer.Exit(found.health.value)
