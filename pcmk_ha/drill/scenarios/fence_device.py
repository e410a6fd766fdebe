"""The primary loses its power, and its fence device does not answer as it should.

What breaks: fence-device-dead-with-node: node and device hang on one plug, and both are dead.
fence-device-unreachable: the device cannot be reached and comes back later, the node stays dark.
fence-device-slow: the device answers every command two seconds late.
What must happen: nothing is promoted while nobody knows that the old primary is off, and `status` says which node is
lost and not fenced. With a dead device a person makes sure that the node is off and says so (`stonith_admin
--confirm NODE`): the survivor takes over at once. A device that is back lets the next attempt succeed; Pacemaker
makes ten in a row, then one every five minutes. A slow device only costs its own time.
Within: 120 s, 120 s and 60 s; the first two stay without a fence device for 20 s on purpose.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import OTHER, PRIMARY, Expectation, Field, Scenario
from pcmk_ha.drill.tricks import await_said, must_stand_still

DEAD_S = 14  # besides the six seconds that writes under way may take


def dead_with_node(field: Field) -> None:
    """Kill the device with its node, confirm by hand that it is off, and repair both."""
    _lose_both(field)
    field.run(field.standby, "stonith_admin", "--confirm", field.primary)
    field.await_writes(timeout_s=60)
    field.bmc(field.primary, "on")
    field.power(field.primary, "on")


def unreachable(field: Field) -> None:
    """Make the device unreachable while its node is dark, and give it back: the fencing itself must do the rest."""
    _lose_both(field)
    field.bmc(field.primary, "on")
    field.await_writes(timeout_s=120)


def slow(field: Field) -> None:
    """Cut the power while the device is slow."""
    field.bmc(field.primary, "slow")
    field.strike()
    field.power(field.primary, "off")
    field.await_writes(timeout_s=90)
    field.bmc(field.primary, "on")


def _lose_both(field: Field) -> None:
    field.bmc(field.primary, "off")
    field.strike()
    field.power(field.primary, "off")
    await_said(field, f"{field.primary} is lost and not fenced yet", timeout_s=30)
    must_stand_still(field, DEAD_S, f"{field.primary} is not fenced")
    service = field.status().service
    field.expect(service.promoted_on != field.standby, f"{field.standby} was promoted before the fencing")


SCENARIOS = (
    Scenario(
        "fence-device-dead-with-node",
        dead_with_node,
        Expectation(OTHER, (PRIMARY,), 120),
        human="make sure that the node is off and say so: `stonith_admin --confirm NODE`; repair the device",
    ),
    Scenario(
        "fence-device-unreachable",
        unreachable,
        Expectation(OTHER, (PRIMARY,), 120),
        core=True,
        human="repair the device, or confirm as above: until then nobody serves",
    ),
    Scenario("fence-device-slow", slow, Expectation(OTHER, (PRIMARY,), 60), human="look at the device"),
)
