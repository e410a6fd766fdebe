"""The commands that tell Pacemaker where things should be: on the live cluster, and on a copy that is only asked."""

from __future__ import annotations

from pcmk_ha.cib.resources import SERVER
from pcmk_ha.facts.pacemaker import PREFERENCE
from pcmk_ha.model.cluster import Cluster

GONE = (0, 105)  # 105 (ENXIO): there is none, which is as good
# As `crm_resource --move --promoted --lifetime` writes it, under a name of our own: what an administrator moved stays
# his. A preference and no ban: where the target cannot take the service, it may come back. The end of its life is
# reckoned by the node's clock, which is the one that counts.
PREFER = (
    'end=$(date -u -d "+$3 seconds" "+%Y-%m-%d %H:%M:%SZ") && '
    "cibadmin --modify --allow-create --scope constraints --xml-text "
    f'"<rsc_location id=\\"{PREFERENCE}\\" rsc=\\"$1\\" role=\\"Promoted\\">'
    f'<rule id=\\"{PREFERENCE}-rule\\" score=\\"INFINITY\\" boolean-op=\\"and\\">'
    f'<expression id=\\"{PREFERENCE}-node\\" attribute=\\"#uname\\" operation=\\"eq\\" value=\\"$2\\"/>'
    f'<date_expression id=\\"{PREFERENCE}-end\\" operation=\\"lt\\" end=\\"$end\\"/></rule></rsc_location>"'
)
FORGET = ("cibadmin", "--delete", "--xpath", f"//rsc_location[@id='{PREFERENCE}']")


# A constraint of our own and no target-role: what is ours then has a name that everybody sees, `status` and every gate
# among them, and nobody's own target-role is overwritten. No node may run PostgreSQL, and with it the VIP; DRBD and
# the file system stay where they are, and follow a failover.
HOLD = (
    f'<rsc_location id="{{ident}}" rsc="{SERVER}"><rule id="{{ident}}-rule" score="-INFINITY">'
    '<expression id="{ident}-node" attribute="#uname" operation="defined"/></rule></rsc_location>'
)
# Where something may run already, PostgreSQL may: it is not stopped to be looked at.
HOLD_IF_STOPPED = (
    '[ "$(crm_attribute --name stop-all-resources --query --quiet)" != true ] || '
    'cibadmin --modify --allow-create --scope constraints --xml-text "$1"'
)


def patience_s(cluster: Cluster) -> int:
    """Return how long a switchover may take: a stop, a change of roles and a start, each up to its time-out."""
    times = cluster.timeouts
    return times.stop_s + times.promote_s + times.start_s + 30


def lifetime_s(cluster: Cluster) -> int:
    """Return when our constraint ends by itself: a little later than a switchover can take."""
    return patience_s(cluster) + 60


def prefer(cluster: Cluster, node: str) -> tuple[str, ...]:
    """Want the promoted role on a node, for a while."""
    return ("sh", "-c", PREFER, "prefer", f"{cluster.drbd_id}-clone", node, str(lifetime_s(cluster)))


def set_standby(node: str, *, on: bool) -> tuple[str, ...]:
    """Have a node run nothing, for good; or run what it should again."""
    return ("crm_attribute", "--node", node, "--name", "standby", *(("--update", "on") if on else ("--delete",)))


def set_property(name: str, value: str) -> tuple[str, ...]:
    """Set a cluster property; an empty value deletes it."""
    return ("crm_attribute", "--name", name, *(("--update", value) if value else ("--delete",)))


def hold(ident: str) -> tuple[str, ...]:
    """Keep PostgreSQL stopped, wherever its file system is."""
    return ("cibadmin", "--modify", "--allow-create", "--scope", "constraints", "--xml-text", HOLD.format(ident=ident))


def hold_if_stopped(ident: str) -> tuple[str, ...]:
    """Keep PostgreSQL stopped where Pacemaker is told to run nothing yet."""
    return ("sh", "-c", HOLD_IF_STOPPED, "hold", HOLD.format(ident=ident))


def release(ident: str) -> tuple[str, ...]:
    """Let PostgreSQL run again."""
    return ("cibadmin", "--delete", "--xpath", f"//rsc_location[@id='{ident}']")
