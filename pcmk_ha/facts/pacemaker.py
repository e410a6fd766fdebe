"""Pacemaker's view beyond placement: nodes, failures, fencing history and constraints left behind."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lxml import etree

CRM_MON = ("crm_mon", "--output-as=xml", "--one-shot", "--inactive", "--include=failcounts,fencing")
CONSTRAINTS = ("cibadmin", "--query", "--scope", "constraints")
PREFERENCE = "pcmk-ha-switchover"  # id of the constraint by which a switchover moves the promoted role
# Ids of the constraints that keep PostgreSQL stopped while its file system is mounted.
HELD_BY_START, HELD_BY_RESTORE = "pcmk-ha-hold-start", "pcmk-ha-hold-restore"
IDLE = "S_IDLE"
DC_STATE = re.compile(r"\bS_[A-Z_]+\b")
LEFTOVERS = {
    PREFERENCE: "left by a switchover that was cut short: `pcmk-ha switchover` finishes it",
    HELD_BY_START: "PostgreSQL is kept stopped until its files are looked at: `pcmk-ha start` goes on",
    HELD_BY_RESTORE: "PostgreSQL is kept stopped by a restore that was cut short: `pcmk-ha restore` finishes it",
    "drbd-fence-by-handler-": "the peer's data was not current; it goes when both sides are UpToDate, or: "
    "cibadmin --delete --xpath \"//rsc_location[@id='{id}']\" after you made sure they are",
    "cli-prefer-": "left by a move: crm_resource --clear --resource {rsc}",
    "cli-ban-": "left by a move or ban: crm_resource --clear --resource {rsc}",
}


@dataclass(frozen=True)
class NodeState:
    """A member as Pacemaker sees it."""

    name: str
    online: bool
    unclean: bool
    pending: bool
    standby: bool
    maintenance: bool

    @property
    def word(self) -> str:
        """One word for a table."""
        if self.unclean:
            return "UNCLEAN"
        if not self.online:
            return "offline"
        for word in ("pending", "standby", "maintenance"):
            if getattr(self, word):
                return word
        return "online"


@dataclass(frozen=True)
class Failure:
    """A failed action or a failcount that is not zero."""

    resource: str
    node: str
    detail: str


@dataclass(frozen=True)
class Fencing:
    """One entry of the fencer's history."""

    action: str
    target: str
    status: str
    when: str  # it ended, UTC; empty while it is under way
    client: str = field(default="", compare=False)  # who asked for it


@dataclass(frozen=True)
class Leftover:
    """A constraint somebody or something left behind."""

    id: str
    resource: str
    hint: str


def parse_nodes(text: str) -> tuple[NodeState, ...]:
    """Read the members from crm_mon's XML."""
    root = etree.fromstring(text.encode())
    flags = ("online", "unclean", "pending", "standby", "maintenance")
    return tuple(
        NodeState(str(node.get("name")), **{flag: node.get(flag) == "true" for flag in flags})
        for node in root.iterfind("nodes/node")
    )


def is_in_maintenance(text: str) -> bool:
    """Whether the whole cluster is in maintenance mode."""
    return _has_option(text, "maintenance-mode")


def is_told_to_stop(text: str) -> bool:
    """Whether Pacemaker is told to run no resource at all, as `pcmk-ha stop` does."""
    return _has_option(text, "stop-all-resources")


def _has_option(text: str, name: str) -> bool:
    options = etree.fromstring(text.encode()).find("summary/cluster_options")
    return options is not None and options.get(name) == "true"


def parse_active(text: str) -> tuple[str, ...]:
    """Read which resources run, or may run, anywhere."""
    root = etree.fromstring(text.encode())
    return tuple(sorted({str(found.get("id")) for found in root.iter("resource") if found.get("active") == "true"}))


def ask_state(dc: str) -> tuple[str, ...]:
    """Return the command that asks a DC what it is doing."""
    return ("crmadmin", "--status", dc, "--timeout=10s")


def ask_history(node: str) -> tuple[str, ...]:
    """Return the command that asks the fencer for all it remembers of a node: without --verbose only the oldest."""
    return ("stonith_admin", "--history", node, "--verbose", "--output-as=xml", "--timeout=20")


def parse_state(text: str) -> str:
    """Read a controller's state, S_IDLE when nothing is under way; empty where it did not say."""
    found = DC_STATE.search(text)
    return found[0] if found else ""


def parse_preferred(text: str) -> str:
    """Read the node that our own constraint prefers; empty when there is none."""
    root = etree.fromstring(text.encode())
    for constraint in root.iter("rsc_location"):
        if constraint.get("id") == PREFERENCE:
            expression = constraint.find("rule/expression")
            return str(expression.get("value")) if expression is not None else ""
    return ""


def parse_failures(text: str) -> tuple[Failure, ...]:
    """Read failed actions and failcounts."""
    root = etree.fromstring(text.encode())
    found = [
        Failure(
            str(failure.get("op_key", failure.get("id", ""))),
            str(failure.get("node")),
            f"{failure.get('exitstatus')}: {failure.get('exitreason') or failure.get('status')}",
        )
        for failure in root.iterfind("failures/failure")
    ]
    for node in root.iterfind("node_history/node"):
        for history in node.iterfind("resource_history"):
            count = history.get("fail-count", "0")
            if count != "0":
                found.append(Failure(str(history.get("id")), str(node.get("name")), f"failed {count} times"))
    return tuple(found)


def parse_fencings(text: str) -> tuple[Fencing, ...]:
    """Read the fencer's history, the newest first, from crm_mon's or stonith_admin's XML."""
    root = etree.fromstring(text.encode())
    found = [
        Fencing(
            action=str(event.get("action")),
            target=str(event.get("target")),
            status=str(event.get("status")),
            when=_utc(str(event.get("completed", ""))),
            client=str(event.get("client", "")),
        )
        for event in root.iter("fence_event")
    ]
    return tuple(sorted(found, key=lambda event: event.when, reverse=True))


def _utc(completed: str) -> str:
    """`2026-11-24 14:43:53.007335 +02:00`, as the node's zone has it, to the second and in UTC."""
    try:
        at = datetime.fromisoformat(completed.replace(" +", "+").replace(" -", "-"))
    except ValueError:
        return completed.partition(".")[0]  # empty while it is under way
    return (at.astimezone(UTC) if at.tzinfo else at).strftime("%Y-%m-%d %H:%M:%S")


def parse_leftovers(text: str) -> tuple[Leftover, ...]:
    """Read constraints that keep resources where they are, or from where they should be."""
    root = etree.fromstring(text.encode())
    found = []
    for constraint in root.iter("rsc_location"):
        ident, resource = str(constraint.get("id")), str(constraint.get("rsc"))
        for prefix, hint in LEFTOVERS.items():
            if ident.startswith(prefix):
                found.append(Leftover(ident, resource, hint.format(id=ident, rsc=resource)))
    return tuple(found)
