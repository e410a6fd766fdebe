"""The record of what was applied last, on every member: only root reads it, and it holds no secret."""

from __future__ import annotations

from dataclasses import replace

from pcmk_ha.desired.values import Desired
from pcmk_ha.plan.record import Record, make_record, parse_record, remember, renewed, to_json
from pcmk_ha.remote.runner import Runner

HOME = "/var/lib/pcmk-ha"
RECORD = f"{HOME}/applied.json"


def read_record(runner: Runner) -> Record | None:
    """Return a node's record, None where it has none."""
    return parse_record(runner.read(RECORD))


def note_beginning(runner: Runner, desired: Desired) -> None:
    """Note what a run may write on this node, before it does."""
    _write(runner, remember(read_record(runner), make_record(desired, runner.node)))


def keep_record(runner: Runner, desired: Desired, generation: int) -> None:
    """Note what was applied."""
    _write(runner, replace(make_record(desired, runner.node), generation=generation))


def renew_record(runner: Runner, old: Desired, new: Desired) -> None:
    """Note that what was as in `old` is as in `new`, where anything was noted at all."""
    if found := read_record(runner):
        _write(runner, renewed(found, make_record(old, runner.node), make_record(new, runner.node)))


def remove_record(runner: Runner) -> None:
    """Forget it, with the cluster."""
    runner.run(("rm", "-f", RECORD))


def _write(runner: Runner, record: Record) -> None:
    runner.put(RECORD, to_json(record), mode=0o600)
