"""From nodes as they are to a serving cluster: the change that starts with nothing."""

from __future__ import annotations

from pcmk_ha.operate.change.change import Change

Bootstrap = Change


def await_health(work: Bootstrap) -> None:
    """Look once more, as the next run would: raises PcmkHaError when that would have something to do."""
    work.await_health("bootstrap")
