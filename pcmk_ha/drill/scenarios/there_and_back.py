"""The service goes to the other node and comes back by force.

What breaks: somebody reboots the primary properly, so that the other node serves; when both copies are whole again and
clients have written for a while, the node that serves now loses its power.
What must happen: the first node, whose copy is what the resync and replication made of it, takes over with every
acknowledged row. (With a resync that compared blocks by crc32c it lost all rows since the reboot: PostgreSQL's
pg_control has the same one in every version, and was never sent.)
Within: 30 s from the power loss.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import SAME, STANDBY, Expectation, Field, Scenario
from pcmk_ha.drill.tricks import await_new_life, boot_id, later
from pcmk_ha.operate.look.whole import is_whole

WRITING_S = 10


def there_and_back(field: Field) -> None:
    """Reboot the node that serves, wait until it is back and whole, and cut the power of the one that serves now."""
    life = boot_id(field, field.primary)
    field.undo(lambda: field.power(field.primary, "on"))  # should it halt instead
    later(field, field.primary, "systemctl reboot", after_s=0.5)
    await_new_life(field, field.primary, life, timeout_s=180)
    field.wait_until(lambda: is_whole(field.status()), "a whole cluster", timeout_s=240)
    field.wait(WRITING_S)
    field.strike()
    field.power(field.standby, "off")


SCENARIOS = (Scenario("failover-there-and-back", there_and_back, Expectation(SAME, (STANDBY,), 30), random=False),)
