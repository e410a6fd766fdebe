"""One of Pacemaker's daemons is killed.

What breaks: SIGKILL of one daemon on the primary: pacemakerd, pacemaker-based, -execd, -attrd; or on the node that
leads the cluster (the DC): pacemaker-fenced, -schedulerd, -controld; or pacemaker-controld on a node that does not.
What must happen: pacemakerd starts its daemons again, systemd starts pacemakerd, and the service runs on.
pacemakerd and -fenced: nothing else happens; fence devices may be started again and leave a failure on record.
-attrd: the others forget its node's promotion score until DRBD's next monitor, up to ten seconds. If they plan within
that time the service is switched over, cleanly and without a fencing, and perhaps back.
-controld, and those it cannot live without (-based, -execd, on the DC -schedulerd): the node is without a controller
for about a second. If the others plan within that second, they must take it for lost and fence it; if it is back
first, nothing happens. Both are right, so where the service ends is left open for these.
Within: 10 s where nothing may happen, 45 s for a switchover, 60 s where the node may be fenced.
"""

from __future__ import annotations

from collections.abc import Callable

from pcmk_ha.drill.scenario import EITHER, SAME, Expectation, Field, Scenario
from pcmk_ha.drill.tricks import kill_process, other_data_node

WATCH_S = 20
UNMOVED = Expectation(SAME, (), 10)
UNMOVED_WITH_FAILURES = Expectation(SAME, (), 10, failures_stay=True)
PERHAPS_MOVED = Expectation(EITHER, (), 45)
PERHAPS_FENCED = Expectation(EITHER, None, 60, failures_stay=True)


def on_primary(daemon: str) -> Callable[[Field], None]:
    """Return what kills a daemon on the node that serves."""
    return _named(lambda field: _kill(field, field.primary, daemon), f"Kill {daemon} on the node that serves.")


def on_dc(daemon: str) -> Callable[[Field], None]:
    """Return what kills a daemon on the node that leads the cluster."""
    return _named(lambda field: _kill(field, _dc(field), daemon), f"Kill {daemon} on the DC.")


def elsewhere(daemon: str) -> Callable[[Field], None]:
    """Return what kills a daemon on a data node that does not lead the cluster."""
    words = f"Kill {daemon} on a data node that is not the DC."
    return _named(lambda field: _kill(field, other_data_node(field, _dc(field)), daemon), words)


def _named(act: Callable[[Field], None], summary: str) -> Callable[[Field], None]:
    act.__doc__ = summary
    return act


def _dc(field: Field) -> str:
    return field.status().service.dc or field.primary


def _kill(field: Field, node: str, daemon: str) -> None:
    field.note(f"{daemon} on {node}.")
    field.strike()
    kill_process(field, node, daemon)
    field.wait(WATCH_S)


SCENARIOS = (
    Scenario("pacemakerd-killed", on_primary("pacemakerd"), UNMOVED),
    Scenario("pacemaker-based-killed", on_primary("pacemaker-based"), PERHAPS_FENCED),
    Scenario("pacemaker-execd-killed", on_primary("pacemaker-execd"), PERHAPS_FENCED),
    Scenario("pacemaker-attrd-killed", on_primary("pacemaker-attrd"), PERHAPS_MOVED),
    Scenario("pacemaker-fenced-killed", on_dc("pacemaker-fenced"), UNMOVED_WITH_FAILURES),
    Scenario("pacemaker-schedulerd-killed-on-dc", on_dc("pacemaker-schedulerd"), PERHAPS_FENCED),
    Scenario("pacemaker-controld-killed-on-dc", on_dc("pacemaker-controld"), PERHAPS_FENCED),
    Scenario("pacemaker-controld-killed-elsewhere", elsewhere("pacemaker-controld"), PERHAPS_FENCED),
)
