"""A split brain is settled as the command does it, on the two sides of support.split."""

from __future__ import annotations

import pytest
from support.split import Split

from pcmk_ha.operate.split_brain import settle as settling
from pcmk_ha.operate.split_brain.gather import gather
from pcmk_ha.operate.split_brain.settle import Settlement, note_settled, require_both
from pcmk_ha.operate.tell import ignore

SILENT = (ignore, ignore)


def settlement(world: Split, lost: str = "node2") -> Settlement:
    return Settlement(world.members(), lost, *SILENT, directory=world.directory)


def settle(world: Split, lost: str = "node2") -> None:
    """Do what the command does, once it has its answer."""
    evidence = gather(world.members(), directory=world.directory, databases=False)
    require_both(evidence)
    ours = evidence.unsettled()
    if ours and not evidence.is_syncing:
        note_settled(world.members(), evidence)
    elif ours or evidence.is_split:
        work = settlement(world, lost)
        work.check(evidence)
        work.run()


def is_one(world: Split) -> bool:
    return all((h.link, h.disk, h.marked) == ("Connected", "UpToDate", ()) for h in world.sides.values())


def settlement_with_little_time(world: Split) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settling, "MEET_S", 0.2)
        settlement(world).run()
