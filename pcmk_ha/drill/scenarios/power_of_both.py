"""Both data nodes lose their power together, and get it back.

What breaks: one circuit feeds both data nodes; it fails for five seconds.
What must happen: both boot and join by themselves, DRBD settles whose data is newer (the one that was Primary), and
the service starts with every acknowledged row, on either node. Two votes wait for each other (wait_for_all) and need
no fencing. An arbiter saw both die: it may fence one that is slower to join, so the fencing is left to timing.
Within: 240 s (boot 15 s, up to 20 s until there is a controller, up to 20 s until DRBD's monitor has seen the peer).
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import EITHER, Expectation, Field, Scenario


def cut_power_of_both(field: Field) -> None:
    """Cut the power of both data nodes, the one that serves first, and give it back to both."""
    nodes = (field.primary, field.standby)
    for node in nodes:
        field.power(node, "off")
    field.wait(5)
    for node in nodes:
        field.power(node, "on")
    field.await_writes(timeout_s=240)


SCENARIOS = (Scenario("both-data-nodes-power-loss", cut_power_of_both, Expectation(EITHER, None, 240), random=False),)
