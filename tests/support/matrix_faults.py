"""Single faults of a started cluster: what each does to it, and which facts follow for where the service may be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from functools import partial

from lxml import etree

from pcmk_ha.model.cluster import Cluster

Change = Callable[[etree._Element], None]
SERVICE = ("pg_fs", "pg_server", "pg_vip")
INTERVALS = {"pg_fs": 20000, "pg_server": 1000, "pg_vip": 10000}  # of their monitors, milliseconds
PROMOTED_MONITOR, UNPROMOTED_MONITOR = 10000, 20000
Names = frozenset[str]
NOBODY: Names = frozenset()


@dataclass(frozen=True)
class Facts:
    """What is true of the nodes once the faults have happened; names of nodes unless said otherwise."""

    lost: Names = NOBODY  # gone, or not to be seen
    unfenceable: Names = NOBODY  # no device can confirm that they are off
    hung: Names = NOBODY  # something does not stop there
    idle: Names = NOBODY  # on standby
    unmanaged: Names = NOBODY  # in maintenance
    stale: Names = NOBODY  # without good data
    dead: Names = NOBODY  # something of the service was found dead there
    shaken: Names = NOBODY  # the service may leave it, or stay
    barred: frozenset[tuple[str, str]] = frozenset()  # node and the resource that can no longer run there
    no_quorum: bool = False  # too few members are left, whoever they are

    def __or__(self, other: Facts) -> Facts:
        return Facts(**{part.name: getattr(self, part.name) | getattr(other, part.name) for part in fields(self)})


@dataclass(frozen=True)
class Fault:
    """Something that happens to a running cluster."""

    name: str
    facts: Facts = Facts()
    happens: tuple[tuple[str, str], ...] = ()  # options of crm_simulate, applied once
    fails: tuple[str, ...] = ()  # operations that fail whenever they are tried, as crm_simulate names them
    changes: tuple[Change, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Roles:
    """Who is who in a started cluster."""

    cluster: Cluster
    primary: str
    standby: str

    @property
    def arbiter(self) -> str:
        return self.cluster.arbiter.name if self.cluster.arbiter else ""

    @property
    def threshold(self) -> int:
        """How many failures of a resource bar it from a node."""
        return self.cluster.properties.migration_threshold

    @property
    def names(self) -> dict[str, str]:
        """Every node by the word that the faults' names use."""
        found = {"primary": self.primary, "standby": self.standby}
        return found | ({"arbiter": self.arbiter} if self.arbiter else {})


def all_faults(roles: Roles) -> list[Fault]:
    """Every single fault."""
    return [*_nodes(roles), *_links(roles), *_service(roles), *_drbd(roles), *_devices(roles), *_thresholds(roles),
            *_requests(roles)]  # fmt: skip


def _only(node: str) -> Names:
    return frozenset({node})


def _nodes(roles: Roles) -> Iterator[Fault]:
    for word, node in roles.names.items():
        yield Fault(f"{word} lost", Facts(lost=_only(node)), happens=(("--node-fail", node),))
        yield Fault(f"{word} cannot be fenced", Facts(unfenceable=_only(node)))
    yield Fault("quorum lost", Facts(no_quorum=True))


def _links(roles: Roles) -> Iterator[Fault]:
    """Yield cut links; with two votes a cut cluster link is, for either side, the loss of the other node."""
    changes = (partial(set_score, node=roles.standby, value=""), partial(forbid_promotion, roles=roles))
    yield Fault("replication link cut", Facts(stale=_only(roles.standby)), changes=changes)
    yield Fault("good data lost on primary", Facts(stale=_only(roles.primary)),
                changes=(partial(set_score, node=roles.primary, value=""),))  # fmt: skip
    if roles.arbiter:
        for word, node in roles.names.items():
            others = [other for other in roles.names.values() if other != node]
            happens = tuple(("--node-fail", other) for other in others)
            yield Fault(f"{word} cut off, as it sees itself", Facts(lost=frozenset(others)), happens)


def _dies(resource: str, interval: int, node: str, code: int) -> tuple[tuple[str, str], ...]:
    return (("--op-inject", f"{resource}_monitor_{interval}@{node}={code}"),)


def _service(roles: Roles) -> Iterator[Fault]:
    here, there = roles.primary, roles.standby
    dead = _only(here)
    for resource, interval in INTERVALS.items():
        dies = _dies(resource, interval, here, 7)
        yield Fault(f"{resource} dies", Facts(dead=dead, barred=_once(roles, here, resource)), dies)
        yield Fault(f"{resource} dies and cannot stop", Facts(dead=dead, hung=dead), dies,
                    (f"{resource}_stop_0@{here}",))  # fmt: skip
        yield Fault(f"{resource} dies and cannot start on primary", Facts(dead=dead, barred=_bar(here, resource)), dies,
                    (f"{resource}_start_0@{here}",), _nearly(roles, resource, here, 2))  # fmt: skip
        yield Fault(f"{resource} cannot start on standby", Facts(barred=_bar(there, resource)), (),
                    (f"{resource}_start_0@{there}",), _nearly(roles, resource, there, 1))  # fmt: skip


def _drbd(roles: Roles) -> Iterator[Fault]:
    drbd = roles.cluster.drbd_id
    here, there = roles.primary, roles.standby
    dead = _only(here)
    dies, dies_there = _dies(drbd, PROMOTED_MONITOR, here, 7), _dies(drbd, UNPROMOTED_MONITOR, there, 7)
    hangs_there = _dies(drbd, UNPROMOTED_MONITOR, there, 1)
    once = _once(roles, here, drbd)
    yield Fault("drbd dies on primary", Facts(dead=dead, barred=once), dies)
    yield Fault("drbd dies on standby", Facts(barred=_once(roles, there, drbd)), dies_there)
    yield Fault("drbd dies on primary and cannot stop", Facts(dead=dead, hung=dead), dies, (f"{drbd}_stop_0@{here}",))
    yield Fault("drbd fails on standby and cannot stop", Facts(hung=_only(there)), hangs_there,
                (f"{drbd}_stop_0@{there}",))  # fmt: skip
    yield Fault("drbd dies on primary and cannot demote", Facts(dead=dead, shaken=dead, barred=once), dies,
                (f"{drbd}_demote_0@{here}",))  # fmt: skip
    for task in ("start", "promote"):
        yield Fault(f"drbd dies on primary and cannot {task} there", Facts(dead=dead, barred=_bar(here, drbd)), dies,
                    (f"{drbd}_{task}_0@{here}",), _nearly(roles, drbd, here, 2))  # fmt: skip
    yield Fault("drbd dies on standby and cannot start there", Facts(barred=_bar(there, drbd)), dies_there,
                (f"{drbd}_start_0@{there}",), _nearly(roles, drbd, there, 2))  # fmt: skip
    yield Fault("drbd cannot promote on standby", Facts(barred=_bar(there, drbd)), (),
                (f"{drbd}_promote_0@{there}",), _nearly(roles, drbd, there, 1))  # fmt: skip


def _bar(node: str, resource: str) -> frozenset[tuple[str, str]]:
    return frozenset({(node, resource)})


def _once(roles: Roles, node: str, resource: str) -> frozenset[tuple[str, str]]:
    """Return what a single failure bars."""
    return _bar(node, resource) if roles.threshold == 1 else frozenset()


def _nearly(roles: Roles, resource: str, node: str, left: int) -> tuple[Change, ...]:
    """Let a resource have failed before, so that it is barred by no more failures than are left to happen."""
    times = roles.threshold - left
    return (partial(fail_often, times=times, resource=resource, node=node),) if times > 0 else ()


def _devices(roles: Roles) -> Iterator[Fault]:
    """Yield fence devices that Pacemaker has given up watching everywhere: the service must not care."""
    changes = tuple(partial(fail_often, times=roles.threshold, resource=f"fence_{target}", node=node)
                    for target in roles.names.values() for node in roles.names.values())  # fmt: skip
    yield Fault("fence devices are given up", changes=changes)


def _thresholds(roles: Roles) -> Iterator[Fault]:
    """Yield failures that happened before, of one resource each in the group, beside it and below it."""
    for word in ("primary", "standby"):
        node = roles.names[word]
        for resource in ("pg_server", "pg_vip", roles.cluster.drbd_id):
            change = partial(fail_often, times=roles.threshold, resource=resource, node=node)
            yield Fault(f"{resource} failed too often on {word}", Facts(barred=_bar(node, resource)),
                        changes=(change,))  # fmt: skip


def _requests(roles: Roles) -> Iterator[Fault]:
    for word, node in roles.names.items():
        yield Fault(f"{word} told to run nothing", Facts(idle=_only(node)),
                    changes=(partial(set_node, node=node, name="standby", value="on"),))  # fmt: skip
        yield Fault(f"{word} in maintenance", Facts(unmanaged=_only(node)),
                    changes=(partial(set_node, node=node, name="maintenance", value="true"),))  # fmt: skip
    everyone = frozenset(roles.names.values())
    yield Fault("cluster in maintenance", Facts(unmanaged=everyone), changes=(maintain,))


def set_node(root: etree._Element, node: str, name: str, value: str) -> None:
    """Set a lasting attribute of a node."""
    home = root.find(f"configuration/nodes/node[@uname='{node}']")
    assert home is not None
    ident = f"nodes-{node}"
    pairs = home.find("instance_attributes")
    if pairs is None:
        pairs = etree.SubElement(home, "instance_attributes", id=ident)
    etree.SubElement(pairs, "nvpair", id=f"{ident}-{name}", name=name, value=value)


def maintain(root: etree._Element) -> None:
    """Let Pacemaker keep its hands off everything."""
    home = root.find("configuration/crm_config/cluster_property_set")
    assert home is not None
    etree.SubElement(home, "nvpair", id="maintenance", name="maintenance-mode", value="true")


def _transient(root: etree._Element, node: str) -> etree._Element:
    """Return where a node's attributes of this boot stand; a node that was never given any has no such place."""
    state = root.find(f"status/node_state[@uname='{node}']")
    assert state is not None
    home = state.find("transient_attributes")
    if home is None:
        home = etree.SubElement(state, "transient_attributes", id=str(state.get("id")))
        etree.SubElement(home, "instance_attributes", id=f"status-{node}")
    return home[0]


def set_score(root: etree._Element, node: str, value: str) -> None:
    """Set DRBD's promotion score on a node, or take it away."""
    for pair in _transient(root, node).iterfind("nvpair"):
        if str(pair.get("name")).startswith("master-"):
            if value:
                pair.set("value", value)
            else:
                _transient(root, node).remove(pair)


def fail_often(root: etree._Element, times: int, resource: str, node: str) -> None:
    """Let a resource have failed so often on a node, if it has not failed more often."""
    home = _transient(root, node)
    # named as the simulation does, which counts on from here
    ident, name = f"status-{node}-fail-count-{resource}.start_0", f"fail-count-{resource}#start_0"
    pair = next((pair for pair in home.iterfind("nvpair") if pair.get("id") == ident), None)
    if pair is None:
        pair = etree.SubElement(home, "nvpair", id=ident, name=name, value="0")
    pair.set("value", str(max(times, int(str(pair.get("value"))))))


def forbid_promotion(root: etree._Element, roles: Roles) -> None:
    """Put the fence handler's constraint where the primary put it: nobody else has the newest data."""
    home = root.find("configuration/constraints")
    assert home is not None
    clone = f"{roles.cluster.drbd_id}-clone"
    ident = f"drbd-fence-by-handler-{roles.cluster.drbd.resource}-{clone}"
    location = etree.SubElement(home, "rsc_location", id=ident, rsc=clone)
    rule = etree.SubElement(location, "rule", id=f"{ident}-rule", role="Promoted", score="-INFINITY")
    etree.SubElement(rule, "expression", id=f"{ident}-expr", attribute="#uname", operation="ne", value=roles.primary)
