"""The facts a plan is made from: what was found on the nodes, never what somebody just did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from pcmk_ha.desired.values import Desired, File
from pcmk_ha.model.platform import PACKAGED_NAME
from pcmk_ha.plan.record import Record


class Metadata(Enum):
    """What DRBD's metadata area on a backing disk says."""

    ABSENT = "absent"
    JUST_CREATED = "just created"  # no generation yet: never held data
    USED = "used"  # belongs to a device that held data
    UNKNOWN = "unknown"  # could not be read: nothing destructive may be planned


@dataclass(frozen=True)
class FileFact:
    """A file as found; `digest` is the SHA-256 of its bytes."""

    digest: str
    mode: int
    owner: str

    def __str__(self) -> str:
        return f"{self.digest} {self.mode:o} {self.owner}"


@dataclass(frozen=True)
class UnitFact:
    """A systemd unit as found."""

    enabled: bool
    active: bool
    stale: bool = False  # systemd has not read its file since that was written


@dataclass(frozen=True)
class Setting:
    """A parameter of the running PostgreSQL, from pg_settings."""

    context: str  # "postmaster" is what only a restart changes
    pending_restart: bool = False
    source: str = ""  # the file that set it, empty for a default


@dataclass(frozen=True)
class DrbdFact:
    """The replicated device as one node sees it; empty strings where the device is down."""

    metadata: Metadata
    signatures: tuple[str, ...] = ()  # of the backing disk, as wipefs names them, DRBD's own left out
    up: bool = False
    role: str = ""
    disk: str = ""
    connection: str = ""
    peer_disk: str = ""
    config_differs: bool = False  # the kernel runs something else than the file says

    @property
    def is_paired(self) -> bool:
        """Both sides are connected and hold the same good data."""
        return (self.connection, self.disk, self.peer_disk) == ("Connected", "UpToDate", "UpToDate")


@dataclass(frozen=True)
class NodeFacts:
    """One node as found."""

    name: str
    missing_packages: tuple[str, ...]
    files: Mapping[str, FileFact]  # only those that exist
    hosts: str  # text of /etc/hosts
    units: Mapping[str, UnitFact]
    firewall: str = ""  # "", "ufw", "firewalld": the one that is active
    firewall_open: bool = True
    drbd: DrbdFact | None = None  # None on the arbiter
    corosync_differs: bool = False  # the daemon runs something else than the file says
    running_cluster: str = ""  # the name of the cluster whose Corosync runs here
    configured_cluster: str = ""  # in the corosync.conf found
    corosync_fixed: tuple[str, ...] = ()  # keys that are to change and that no reload changes
    addresses: frozenset[str] = frozenset()  # of its interfaces; empty where they were not asked for
    stale_files: Mapping[str, str] = field(default_factory=dict)  # ours once, not wanted any more, with their imprint

    @property
    def runs_packaged_cluster(self) -> bool:
        """Corosync runs as Debian's package configured and started it: a cluster of one that nobody asked for."""
        return self.running_cluster == PACKAGED_NAME


@dataclass(frozen=True)
class ServiceFacts:
    """The cluster's own view, taken on one member; all empty while it is not running."""

    dc: str = ""
    quorate: bool = False
    cib: str = ""
    packaged_cibs: Mapping[str, str] = field(default_factory=dict)  # of clusters of one, by node
    promoted_on: str = ""
    serving: bool = False  # PostgreSQL and VIP started on the promoted node, every device monitored
    volume_files: Mapping[str, FileFact] = field(default_factory=dict)  # where the volume is mounted
    settings_loaded: bool = True  # PostgreSQL has read its files since they were last written
    settings: Mapping[str, Setting] = field(default_factory=dict)  # of the running server, by name
    parameters_found: str = ""  # text of our parameter file as found
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by node: what forbids a start of PostgreSQL

    @property
    def pending_restart(self) -> tuple[str, ...]:
        """Parameters the server was given and takes only at a restart."""
        return tuple(name for name, setting in self.settings.items() if setting.pending_restart)


@dataclass(frozen=True)
class Facts:
    """Everything found in one look; a node that did not answer makes no facts, but an error earlier."""

    nodes: Mapping[str, NodeFacts]
    service: ServiceFacts
    records: Mapping[str, Record | None] | None = None  # of every node; None where nobody looked for them


def has_service(cib: str, desired: Desired) -> bool:
    """Whether Pacemaker already manages the replicated device."""
    return f'id="{desired.cluster.drbd_id}-clone"' in cib


def differing(files: tuple[File, ...], found: Mapping[str, FileFact]) -> tuple[str, ...]:
    """Return the paths of files that are not there as they should be."""
    return tuple(f.path for f in files if found.get(f.path) != FileFact(f.digest, f.mode, f.owner))
