"""Somebody reboots a node, properly.

What breaks: `systemctl reboot`. primary-reboot: on the node that serves; standby-reboot: on the other.
What must happen: systemd stops Pacemaker first, and that stops what runs there: the service moves to the standby, or
stays where it is. Nobody is fenced, for the node says goodbye. It boots, rejoins and catches up.
Within: 60 s for the primary (stop, unmount, promote, start), 15 s for the standby.
"""

from __future__ import annotations

from pcmk_ha.drill.scenario import OTHER, SAME, Expectation, Field, Scenario
from pcmk_ha.drill.tricks import await_new_life, boot_id, later


def reboot_primary(field: Field) -> None:
    """Reboot the node that serves."""
    _reboot(field, field.primary)


def reboot_standby(field: Field) -> None:
    """Reboot the node that does not serve."""
    _reboot(field, field.standby)


def _reboot(field: Field, node: str) -> None:
    life = boot_id(field, node)
    field.undo(lambda: field.power(node, "on"))  # should it halt instead
    later(field, node, "systemctl reboot", after_s=0.5)
    field.strike()
    await_new_life(field, node, life, timeout_s=180)


SCENARIOS = (
    Scenario("primary-reboot", reboot_primary, Expectation(OTHER, (), 60)),
    Scenario("standby-reboot", reboot_standby, Expectation(SAME, (), 15)),
)
