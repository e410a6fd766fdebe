"""`pcmk-ha lab`: a real cluster's machines on this one."""

from __future__ import annotations

import os
import re
import sys
from typing import Annotated

import typer

app = typer.Typer(
    help="Make and break a lab: real kernels, disks, links and IPMI fencing on this machine. Needs root.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Name = Annotated[str, typer.Option("--name", "-n", help="Name of the lab.")]
Node = Annotated[str, typer.Argument(help="node1, node2 or arbiter.")]


@app.command()
def up(
    name: Name = "demo",
    suite: Annotated[str, typer.Option(help="Debian suite of the nodes: trixie (13) or bookworm (12).")] = "trixie",
    arbiter: Annotated[bool, typer.Option("--arbiter", help="Add a third small node that only votes.")] = False,
    memory: Annotated[int, typer.Option(min=512, help="Memory of a data node, MiB.")] = 1024,
    disk: Annotated[int, typer.Option(min=1, max=64, help="Size of the data disks, GiB (sparse).")] = 2,
    hours: Annotated[float, typer.Option(min=0.1, help="The lab ends by itself after this time.")] = 12,
    stack: Annotated[
        str, typer.Option(help="pacemaker: nodes for a cluster file. patroni: a running Patroni cluster, to compare.")
    ] = "pacemaker",
) -> None:
    """Make a lab and start its nodes.

    Example: pcmk-ha lab up --arbiter --suite bookworm
    """
    from pcmk_ha.cli.progress import Progress
    from pcmk_ha.errors import BadInput, Problem
    from pcmk_ha.lab.lab import up as lab_up
    from pcmk_ha.lab.spec import PATRONI, STACKS, SUITES, LabSpec

    for option, given, known in (("suite", suite, SUITES), ("stack", stack, STACKS)):
        if given not in known:
            raise BadInput([Problem(f"--{option} {given}: no such {option}", f"one of {', '.join(known)}")])
    check_name(name)
    spec = LabSpec(name, suite, arbiter, memory, disk, hours, stack=stack)
    with Progress(f"lab {name}") as progress:
        lab = lab_up(spec, progress.line)
    typer.echo(f"The lab {name} is up: {', '.join(node.name for node in spec.nodes)} run Debian {suite}.")
    typer.echo(f"  log in     pcmk-ha lab ssh --name {name} node1      (or: ssh -F {lab.ssh_config} node1)")
    if stack == PATRONI:
        typer.echo(f"  look       pcmk-ha lab ssh --name {name} node1 patronictl -c /etc/patroni/config.yml list")
        typer.echo(f"  password   of postgres: {lab.paths.superuser_password}")
    else:
        typer.echo(f"  build      pcmk-ha init --lab {name} && pcmk-ha bootstrap")
    typer.echo(f"  take down  pcmk-ha lab down --name {name}")


def check_name(name: str) -> None:
    """Refuse a name that cannot be part of a namespace's and a folder's name."""
    from pcmk_ha.errors import BadInput, Problem

    if not re.fullmatch(r"[a-z][a-z0-9-]{0,19}", name):
        hint = "a small letter, then small letters, digits and -, at most 20 in all"
        raise BadInput([Problem(f"--name {name!r}: not a lab's name", hint)])


@app.command()
def down(name: Name = "demo") -> None:
    """Take a lab away with everything that belongs to it."""
    from pcmk_ha.lab.lab import down as lab_down

    check_name(name)
    gone = lab_down(name)
    typer.echo(f"The lab {name} is gone." if gone else f"There is no lab {name}.")


@app.command()
def status(name: Name = "demo", as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show which nodes have power and how to reach them."""
    import json

    from pcmk_ha.lab.lab import load_lab
    from pcmk_ha.lab.lab import status as lab_status

    lab = load_lab(name)
    found = lab_status(lab)
    for node in lab.spec.nodes:
        found[node.name] |= {"address": str(node.address), "ssh_port": lab.ssh_ports[node.name]}
    if as_json:
        typer.echo(json.dumps({"name": name, "suite": lab.spec.suite, "nodes": found}, indent=2))
        return
    typer.echo(f"lab {name}, Debian {lab.spec.suite}, PostgreSQL through the VIP at 127.0.0.1:{lab.postgresql_port}")
    for node_name, state in found.items():
        frozen = ", frozen" if state["frozen"] else ""
        typer.echo(f"  {node_name:8} {state['address']:12} power {state['power']}{frozen}")


@app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def ssh(
    node: Node,
    command: Annotated[list[str] | None, typer.Argument(help="Run this instead of a shell.")] = None,
    name: Name = "demo",
) -> None:
    """Log in to a node, or run a command there.

    Example: pcmk-ha lab ssh node1 crm_mon -1
    """
    from pcmk_ha.lab.lab import load_lab

    lab = load_lab(name)
    sys.stdout.flush()
    os.execvp("ssh", ["ssh", "-F", str(lab.ssh_config), node, *(command or [])])  # noqa: S606


@app.command()
def console(
    node: Node,
    name: Name = "demo",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it grows.")] = False,
) -> None:
    """Show the end of what a node's kernel and boot print."""
    from pcmk_ha.lab.lab import console_end, load_lab

    lab = load_lab(name)
    if follow:
        os.execvp("tail", ["tail", "-n", "40", "-F", str(lab.paths.console(node))])  # noqa: S606
    typer.echo(console_end(lab, node))


@app.command()
def power(
    to: Annotated[str, typer.Argument(help="on, off, reset or status.")],
    node: Node,
    name: Name = "demo",
) -> None:
    """Cut or give a node its power, as pulling the plug would.

    Example: pcmk-ha lab power off node1
    """
    from pcmk_ha.errors import BadInput, Problem
    from pcmk_ha.lab.lab import load_lab
    from pcmk_ha.lab.lab import power as lab_power

    if to not in ("on", "off", "reset", "status"):
        raise BadInput([Problem(f"{to}: not a power state", "on, off, reset or status")])
    typer.echo(f"{node}: power {lab_power(load_lab(name), node, to)}")


@app.command()
def renew(
    node: Node,
    name: Name = "demo",
    address_suffix: Annotated[
        int, typer.Option("--address-suffix", metavar="N", help="Last byte of its addresses, 20 to 99; BMC: 90 more.")
    ] = 0,
    power_off: Annotated[bool, typer.Option("--off", help="Do not switch it on yet.")] = False,
) -> None:
    """Put a new machine in a node's place: empty disks, another SSH host key, another BMC.

    Its name stays, and its addresses unless told otherwise. The lab's known_hosts goes on naming the old host key.

    Example: pcmk-ha lab renew node2 --address-suffix 22
    """
    from pcmk_ha.cli.progress import Progress
    from pcmk_ha.lab.lab import await_nodes, load_lab
    from pcmk_ha.lab.lab import power as lab_power
    from pcmk_ha.lab.lab import renew as lab_renew

    lab = lab_renew(load_lab(name), node, suffix=address_suffix)
    if not power_off:
        with Progress(f"lab {name}") as progress:
            lab_power(lab, node, "on")
            await_nodes(lab, [node], report=progress.line)
    found = lab.spec.node(node)
    typer.echo(f"{node}: a new machine, {'off' if power_off else 'on'}")
    typer.echo(f"  addresses  {found.address}, {found.replication_address}")
    typer.echo(f"  BMC        {found.bmc_address}")


@app.command()
def bmc(
    to: Annotated[str, typer.Argument(help="on, off or slow.")],
    node: Node,
    name: Name = "demo",
) -> None:
    """Have a node's fence device be dead, slow, or well again.

    Example: pcmk-ha lab bmc off node1
    """
    from pcmk_ha.errors import BadInput, Problem
    from pcmk_ha.lab.lab import bmc as lab_bmc
    from pcmk_ha.lab.lab import load_lab

    if to not in ("on", "off", "slow"):
        raise BadInput([Problem(f"{to}: not a state of a BMC", "on, off or slow")])
    lab_bmc(load_lab(name), node, to)
    typer.echo(f"{node}: BMC {to}")


@app.command()
def freeze(node: Node, name: Name = "demo") -> None:
    """Have a node hang while it keeps its power."""
    from pcmk_ha.lab.lab import freeze as lab_freeze
    from pcmk_ha.lab.lab import load_lab

    lab_freeze(load_lab(name), node)
    typer.echo(f"{node}: frozen")


@app.command()
def thaw(node: Node, name: Name = "demo") -> None:
    """Let a frozen node go on."""
    from pcmk_ha.lab.lab import load_lab
    from pcmk_ha.lab.lab import thaw as lab_thaw

    lab_thaw(load_lab(name), node)
    typer.echo(f"{node}: goes on")


@app.command()
def link(
    state: Annotated[str, typer.Argument(help="cut or heal.")],
    node: Node,
    which: Annotated[str, typer.Argument(help="cluster, replication or all.")] = "all",
    name: Name = "demo",
) -> None:
    """Pull a node's cable out, or put it back.

    Example: pcmk-ha lab link cut node1 replication
    """
    from pcmk_ha.errors import BadInput, Problem
    from pcmk_ha.lab.lab import load_lab
    from pcmk_ha.lab.network import set_link

    if state not in ("cut", "heal"):
        raise BadInput([Problem(f"{state}: not a state of a link", "cut or heal")])
    set_link(load_lab(name).spec, node, which, up=state == "heal")
    typer.echo(f"{node}: {which} link {'healed' if state == 'heal' else 'cut'}")


@app.command(name="exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def exec_(
    command: Annotated[list[str], typer.Argument(help="The command and its arguments.")], name: Name = "demo"
) -> None:
    """Run a command of this machine inside the lab's network, as a client would.

    Example: pcmk-ha lab exec ping -c 3 10.77.0.100
    """
    from pcmk_ha.lab.lab import load_lab
    from pcmk_ha.lab.network import inside

    argv = inside(load_lab(name).netns, command)
    sys.stdout.flush()
    os.execvp(argv[0], list(argv))  # noqa: S606
