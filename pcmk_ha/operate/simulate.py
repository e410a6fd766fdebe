"""What Pacemaker would do about a new configuration: asked of its own scheduler, on a copy, before anything changes."""

from __future__ import annotations

from dataclasses import replace

from pcmk_ha.cib.subset import configuration_only, with_stopped
from pcmk_ha.errors import PcmkHaError
from pcmk_ha.facts.simulate import Move, parse_moves
from pcmk_ha.remote.runner import Runner

# The copies hold fence passwords: they come in over stdin and lie in a folder of root's that goes with the command.
# What the cluster is about to do anyway is no consequence of the change: it is asked for first.
SIMULATE = """set -e; umask 077; d=$(mktemp -d); trap 'rm -r "$d"' EXIT
cat > "$d/new.xml"; cibadmin --query > "$d/old.xml"
crm_simulate --xml-file "$d/old.xml" --run --output-as=xml
printf '\\n--\\n'
crm_simulate --xml-file "$d/new.xml" --run --output-as=xml"""
INVALID = 78  # CRM_EX_CONFIG: errors, or warnings


def foresee_moves(runner: Runner, target: str) -> tuple[Move, ...]:
    """Return what the target configuration would make Pacemaker do, on top of what it does anyway.

    Raises PcmkHaError where Pacemaker finds the configuration wrong.
    """
    verify_cib(runner, target)
    answer = runner.run(("sh", "-c", SIMULATE), stdin=target, timeout=60)
    old, new = answer.stdout.split("\n--\n")
    anyway = parse_moves(old)
    return tuple(move for move in parse_moves(new) if move not in anyway)


def foresee_restart(runner: Runner, target: str, resource: str) -> tuple[Move, ...]:
    """Return what a restart of a resource takes along: what has to run with it is stopped and started, too."""
    moves = foresee_moves(runner, with_stopped(target, resource))
    return tuple(replace(move, action="restart") if move.action == "stop" else move for move in moves)


def verify_cib(runner: Runner, target: str) -> None:
    """Have Pacemaker check a configuration; raises PcmkHaError with what it says.

    Without its status: a resource that is taken out while it runs is an orphan to crm_verify, and that is meant. Then
    without its nodes, too: those it knows nothing of it takes for unclean.
    """
    answer = runner.run(("crm_verify", "-V", "--xml-pipe"), stdin=configuration_only(target), ok=(0, INVALID))
    if answer.status == INVALID:
        said = "; ".join(line.strip() for line in answer.stderr.splitlines()[:3])
        raise PcmkHaError(
            f"Pacemaker finds the configuration wrong: {said}",
            hint="something of your own in it may refer to what the file does not want any more",
        )
