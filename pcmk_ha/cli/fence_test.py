"""`fence-test`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pcmk_ha.cli.options import DEFAULT_FILE, AsJson, ClusterFile, Yes


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(fence_test)


def fence_test(
    nodes: Annotated[list[str] | None, typer.Argument(metavar="NODE", help="Only these.")] = None,
    file: ClusterFile = DEFAULT_FILE,
    with_failover: Annotated[
        bool, typer.Option("--with-failover", help="Fence the node that serves while it serves.")
    ] = False,
    older_than: Annotated[
        float | None,
        typer.Option("--older-than", metavar="DAYS", min=0, help="Leave out what was proven within so many days."),
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Really fence every node, one after the other, and prove that each was off and came back.

    The standby first, then the arbiter, then the node that serves, once the service has moved away from it. The fencer
    must confirm that the power was off, the node must live another life afterwards, and both copies must be good again
    before the next one. `status` then says when that was. Refused (exit 4) on a cluster that is not healthy.

    Example: pcmk-ha fence-test --older-than 90
    """
    prove(file, nodes or [], with_failover=with_failover, older_than=older_than, yes=yes, as_json=as_json)


def prove(
    file: Path, nodes: list[str], *, with_failover: bool = False, older_than: float | None = None, yes: bool = False,
    as_json: bool = False,
) -> None:  # fmt: skip
    """Fence the named nodes, or every one, as fence-test does."""
    from collections.abc import Iterator
    from contextlib import closing, contextmanager
    from datetime import UTC, datetime, timedelta

    from pcmk_ha.cli.out import confirm, print_json
    from pcmk_ha.cli.progress import Progress
    from pcmk_ha.cli.story import ending_in_order
    from pcmk_ha.errors import BadInput, Problem
    from pcmk_ha.facts.records import format_time
    from pcmk_ha.model.load import load_cluster
    from pcmk_ha.operate.fencing.fence_test import FenceTest, foretell, look_when_ready, plan_order
    from pcmk_ha.operate.look.status import look
    from pcmk_ha.operate.members import Members
    from pcmk_ha.operate.secrets import fence_secrets, no_secrets
    from pcmk_ha.operate.session import open_session
    from pcmk_ha.remote.connect import open_node
    from pcmk_ha.remote.runner import Runner

    cluster = load_cluster(file)
    secrets = fence_secrets(cluster, file)
    members = {member.name: member for member in cluster.members}
    if wrong := [Problem(f"{n} is not a node of {cluster.name}", f"nodes: {', '.join(members)}")
                 for n in nodes if n not in members]:  # fmt: skip
        raise BadInput(wrong)

    def connect(name: str) -> Runner:
        return open_node(cluster, members[name])

    @contextmanager
    def reach() -> Iterator[Members]:
        with open_session(file, secrets=no_secrets) as session:
            yield session.members

    status = look_when_ready(lambda: look(file))
    now = datetime.now(UTC)
    order = plan_order(cluster, status, since=None if older_than is None else now - timedelta(days=older_than))
    order = tuple(name for name in order if not nodes or name in nodes)
    if not order:
        typer.echo(
            f"Nothing to do: {', '.join(nodes) or 'every node'} was proven within {older_than:g} days.", err=as_json
        )
    for line in foretell(cluster, status, order, with_failover=with_failover):
        typer.echo(line, err=as_json)
    if order:
        confirm(f"Fence {', '.join(order)}, one after the other?", yes=yes)
    proven = []
    with ending_in_order(), Progress("fence-test") as progress:
        test = FenceTest(cluster, secrets, lambda: look(file), connect, reach, progress.line, with_failover)
        with closing(test.run(order)) as proofs:
            for proof in proofs:
                proven.append({"node": proof.node, "at": format_time(proof.at)})
                typer.echo(f"{proof.node}: off at {format_time(proof.at)}, confirmed; booted anew", err=as_json)
    if as_json:
        print_json({"proven": proven})
