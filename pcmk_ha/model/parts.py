"""The parts of a cluster file below the top level."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from pcmk_ha.model.scalars import Address, Duration, Parameter, Scalar, Whole

Port = Annotated[Whole, Field(ge=1, le=65535)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
NodeName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
AbsolutePath = Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._-]+)+$")]
DevicePath = Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._:@+-]+)+$")]  # by-id and by-path names have more


class Part(BaseModel):
    """A frozen mapping in which an unknown key is an error, and one without a value counts as not written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _leave_out_what_is_empty(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: given for key, given in value.items() if given is not None or key not in cls.model_fields}


class Fence(Part):
    """One STONITH device that can switch off one node.

    `agent`, `level` and `delay_s` are ours; every other key is handed to the fence agent as it stands
    (`ip`, `username`, `password`, `plug`, ...), so `extra` keys are allowed here and only here.
    """

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, Parameter]

    agent: str | None = Field(None, pattern=r"^fence_[a-z0-9_]+$", description="Fence agent; default stonith.agent.")
    level: Whole = Field(1, ge=1, le=9, description="Fencing level; devices of one level act together.")
    delay_s: Whole = Field(0, ge=0, le=120, description="pcmk_delay_base of this device, seconds.")

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The agent's own parameters as the file gives them."""
        return dict(self.__pydantic_extra__ or {})


def _form(value: Any) -> str:
    return "[list]" if isinstance(value, list | tuple) else "[one]"


# Told apart by their form, so that what is wrong inside is said once and not for each form.
Fences = Annotated[Annotated[Fence, Tag("[one]")] | Annotated[tuple[Fence, ...], Tag("[list]")], Discriminator(_form)]


class Node(Part):
    """A node that holds data, or (as `arbiter`) one that only votes."""

    name: NodeName = Field(description="Host name of the node, as `uname -n` prints it.")
    address: Address = Field(description="Where SSH and link 0 reach the node.")
    ssh: str | None = Field(None, description="Host alias for ssh_config; default the address.")
    links: tuple[Address, ...] = Field(
        (), max_length=8, description="Corosync links, ring0_addr first; default: address only."
    )
    replication_address: Address | None = Field(None, description="DRBD's address; default the last link.")
    disk: DevicePath | None = Field(None, description="Backing disk for DRBD: a whole block device.")
    fence: Fences = Field(description="The device(s) that can switch this node off.")

    @property
    def link_addresses(self) -> tuple[str, ...]:
        """Corosync addresses in link order, link 0 first."""
        return tuple(str(a) for a in self.links) or (str(self.address),)

    @property
    def drbd_address(self) -> str:
        """The address DRBD replicates over."""
        return str(self.replication_address) if self.replication_address else self.link_addresses[-1]

    @property
    def fence_devices(self) -> tuple[Fence, ...]:
        """Every STONITH device of this node, in the order of the file."""
        return self.fence if isinstance(self.fence, tuple) else (self.fence,)


class Vip(Part):
    """The address applications connect to; it follows the promoted node."""

    address: Address = Field(description="An address nobody has, IPv4 or IPv6.")
    prefix: Whole | None = Field(None, ge=8, le=128, description="Default: that of the interface it joins.")
    interface: str | None = Field(
        None, pattern=r"^[A-Za-z0-9._:-]{1,15}$", description="Default: the one with the node's address."
    )


class Drbd(Part):
    """The replicated block device."""

    resource: Name = Field("pgdata", description="Name of the DRBD resource.")
    minor: Whole = Field(0, ge=0, le=255, description="Number of the device: /dev/drbd0.")
    port: Port = Field(7788, description="TCP port of replication.")
    net: dict[str, Scalar] = Field({}, description="Extra or changed options of the net section.")
    disk: dict[str, Scalar] = Field({}, description="Extra or changed options of the disk section.")
    verify: Literal["weekly", "monthly", "never"] = Field(
        "monthly", description="How often both copies are compared block by block, on a Sunday night at 3:30."
    )


class Filesystem(Part):
    """The file system on the replicated device."""

    type: Literal["ext4", "xfs"] = Field("ext4", description="ext4 or xfs.")
    mount_point: AbsolutePath = Field("/srv/pgdata", description="Where it is mounted, on the promoted node.")
    options: str = Field("noatime", pattern=r"^[A-Za-z0-9_=,.-]+$", description="Mount options.")


class HbaRule(Part):
    """One line of pg_hba.conf."""

    type: Literal["host", "hostssl", "hostnossl", "local"] = Field("host", description="Kind of connection.")
    database: str = Field("all", pattern=r"^[^\s#]+$", description="Database, or `all`.")
    user: str = Field("all", pattern=r"^[^\s#]+$", description="Role, or `all`.")
    address: str = Field("", description="CIDR, or `samenet`; empty for `local`.", pattern=r"^[^\s#]*$")
    method: Literal["scram-sha-256", "cert", "peer", "reject", "ldap", "gss", "pam", "radius"] = Field(
        "scram-sha-256", description="How clients prove who they are; `trust` is not offered."
    )


class Postgresql(Part):
    """The database server."""

    version: Whole | None = Field(None, ge=13, le=30, description="Major version; default the suite's own.")
    port: Port = Field(5432, description="TCP port of the server.")
    data_directory: AbsolutePath | None = Field(
        None, description="Below filesystem.mount_point; default <mount_point>/<version>/main."
    )
    database: Name = Field("app", description="Database created for the application.")
    user: Name = Field("app", description="Role created for the application.")
    parameters: dict[str, Scalar] = Field({}, description="Server parameters, over the safe defaults.")
    hba: tuple[HbaRule, ...] = Field((), description="Rules put before the default `samenet` rule.")


class Stonith(Part):
    """What all fence devices share."""

    agent: str = Field("fence_ipmilan", pattern=r"^fence_[a-z0-9_]+$", description="Agent of devices without one.")
    parameters: dict[str, Parameter] = Field({}, description="Parameters for every device.")
    action: Literal["reboot", "off"] = Field("reboot", description="What fencing does to a node.")
    priority_delay_s: Whole | None = Field(
        None,
        ge=0,
        le=120,
        description="Head start of the promoted node; default 3 with two votes, by `profile` 5 or 1, else 0.",
    )
    timeout_s: Whole = Field(60, ge=10, le=600, description="stonith-timeout.")
    monitor_s: Whole = Field(60, ge=10, le=3600, description="How often each device is asked for its status.")


class Timeouts(Part):
    """Detection and operation time-outs; milliseconds or seconds as the names say."""

    token_ms: Whole | None = Field(
        None, ge=300, le=60000, description="Corosync token; default 1000, by `profile` 3000 or 500."
    )
    consensus_ms: Whole | None = Field(
        None, ge=300, le=72000, description="Default 1.2 x token; with two votes 0.4 x token, at least 300."
    )
    start_s: Whole = Field(600, ge=60, le=7200, description="PostgreSQL start; must cover crash recovery.")
    stop_s: Whole = Field(120, ge=60, le=7200, description="PostgreSQL stop.")
    promote_s: Whole = Field(120, ge=120, le=600, description="DRBD promote, longer than the fence handler.")
    boot_delay_s: Whole = Field(
        20, ge=0, le=60, description="Age of a boot before the node joins; longer than a takeover after its fencing."
    )


class ClusterProperties(Part):
    """Pacemaker cluster properties and resource defaults with our safe defaults."""

    resource_stickiness: Whole = Field(1000, ge=0, description="Higher than what a returning node may pull back.")
    migration_threshold: Whole = Field(3, ge=1, description="Failures after which a resource moves.")
    failure_timeout_s: Whole = Field(600, ge=60, description="Failures older than this are forgiven.")
    extra: dict[str, Scalar] = Field({}, description="Further cluster properties by their own names.")


class Objectives(Part):
    """What was promised to the users of the service; every drill is held to it."""

    rto: Duration | None = Field(
        None, description="Longest outage: `10s`, `500ms`, `2min`, or seconds. Default: each drill's own limit only."
    )
    rpo: Whole = Field(0, ge=0, description="Acknowledged rows that may be missing after a failover.")
