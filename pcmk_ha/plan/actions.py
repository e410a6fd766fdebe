"""Every change that bootstrap and apply can make, as frozen values: printable, comparable, free of secrets."""

from __future__ import annotations

from dataclasses import dataclass

from pcmk_ha.plan.arbiter_actions import ArbiterAction
from pcmk_ha.plan.change_actions import ChangeAction
from pcmk_ha.plan.replace_actions import ReplaceAction
from pcmk_ha.plan.rotation_actions import RotationAction


@dataclass(frozen=True)
class InstallPackages:
    """Install Debian packages with their services kept from starting."""

    node: str
    packages: tuple[str, ...]

    def __str__(self) -> str:
        return f"install {', '.join(self.packages)}"


@dataclass(frozen=True)
class WriteFiles:
    """Put the files at `paths` in place, as the desired state has them."""

    node: str
    paths: tuple[str, ...]

    def __str__(self) -> str:
        return f"write {', '.join(self.paths)}"


@dataclass(frozen=True)
class WriteHosts:
    """Put our block into /etc/hosts."""

    node: str

    def __str__(self) -> str:
        return "name the members in /etc/hosts"


@dataclass(frozen=True)
class OpenFirewall:
    """Let Corosync, DRBD and PostgreSQL through the active firewall."""

    node: str
    firewall: str

    def __str__(self) -> str:
        return f"open the cluster's ports in {self.firewall}"


@dataclass(frozen=True)
class DisableUnits:
    """Keep systemd from starting what only Pacemaker may start, and stop it where it runs."""

    node: str
    units: tuple[str, ...]
    stop: bool = True  # False under a running cluster: what runs then is Pacemaker's

    def __str__(self) -> str:
        return f"leave {', '.join(self.units)} to Pacemaker"


@dataclass(frozen=True)
class EndPackagedCluster:
    """Stop the cluster of one that Debian's packages start as they come, and forget its empty configuration."""

    node: str

    def __str__(self) -> str:
        return "stop the cluster of one that the packages started"


@dataclass(frozen=True)
class SetBoot:
    """Enable or disable the cluster's own units at boot."""

    node: str
    enabled: bool

    def __str__(self) -> str:
        return f"{'start' if self.enabled else 'do not start'} Corosync and Pacemaker at boot"


@dataclass(frozen=True)
class SetTimer:
    """Have systemd read the units that compare both copies, and start their timer or keep it from running."""

    node: str
    enabled: bool

    def __str__(self) -> str:
        return "compare both copies regularly" if self.enabled else "do not compare both copies regularly"


@dataclass(frozen=True)
class WipeDisk:
    """Erase the signatures of a disk the operator named on the command line."""

    node: str
    disk: str

    def __str__(self) -> str:
        return f"WIPE {self.disk}"


@dataclass(frozen=True)
class CreateMetadata:
    """Write DRBD metadata onto a disk that holds nothing."""

    node: str

    def __str__(self) -> str:
        return "create DRBD metadata"


@dataclass(frozen=True)
class BringUpDrbd:
    """Attach and connect the device, or bring a running one in line with its file."""

    node: str

    def __str__(self) -> str:
        return "bring up DRBD"


@dataclass(frozen=True)
class SkipInitialSync:
    """Declare two never-used sides equal; DRBD refuses where one of them was used."""

    node: str

    def __str__(self) -> str:
        return "skip the initial sync of two new disks"


@dataclass(frozen=True)
class PrepareVolume:
    """Make what is missing on the volume: file system, database, configuration, roles."""

    node: str

    def __str__(self) -> str:
        return "file system and database"


@dataclass(frozen=True)
class StartCluster:
    """Start Corosync and Pacemaker."""

    node: str

    def __str__(self) -> str:
        return "start Corosync and Pacemaker"


@dataclass(frozen=True)
class ReloadCorosync:
    """Have every running Corosync read its file again."""

    node: str

    def __str__(self) -> str:
        return "reload Corosync"


@dataclass(frozen=True)
class AwaitQuorum:
    """Wait for a DC, quorum and every member online."""

    node: str

    def __str__(self) -> str:
        return "wait for quorum and a DC"


@dataclass(frozen=True)
class PushFencing:
    """Load the STONITH devices and cluster properties, so that nothing ever runs unfenced."""

    node: str

    def __str__(self) -> str:
        return "load STONITH devices"


@dataclass(frozen=True)
class PushCib:
    """Merge the whole configuration into the live CIB, and take out what was ours and is not wanted any more."""

    node: str
    gone: tuple[str, ...] = ()
    expected: str = ""  # digest of the configuration this was planned on; empty takes any

    def __str__(self) -> str:
        return "load the cluster's resources" + (f", remove {', '.join(self.gone)}" if self.gone else "")


@dataclass(frozen=True)
class WriteVolumeFiles:
    """Put PostgreSQL's configuration in place on the mounted volume."""

    node: str
    paths: tuple[str, ...]

    def __str__(self) -> str:
        return f"write {', '.join(self.paths)}"


@dataclass(frozen=True)
class ReloadPostgresql:
    """Have PostgreSQL read its configuration again."""

    node: str

    def __str__(self) -> str:
        return "reload PostgreSQL"


@dataclass(frozen=True)
class AwaitService:
    """Wait until the service is placed and stable."""

    node: str

    def __str__(self) -> str:
        return "wait until the service is stable"


@dataclass(frozen=True)
class VerifyWrite:
    """Write one row through the VIP and read it back."""

    node: str

    def __str__(self) -> str:
        return "write through the VIP"


Action = (
    InstallPackages
    | WriteFiles
    | WriteHosts
    | OpenFirewall
    | DisableUnits
    | EndPackagedCluster
    | SetBoot
    | SetTimer
    | WipeDisk
    | CreateMetadata
    | BringUpDrbd
    | SkipInitialSync
    | PrepareVolume
    | StartCluster
    | ReloadCorosync
    | AwaitQuorum
    | PushFencing
    | PushCib
    | WriteVolumeFiles
    | ReloadPostgresql
    | AwaitService
    | VerifyWrite
    | ArbiterAction
    | ChangeAction
    | ReplaceAction
    | RotationAction
)
