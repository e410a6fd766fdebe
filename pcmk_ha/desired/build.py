"""Everything the nodes should hold, from the cluster file alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pcmk_ha.cib.build import build_cib
from pcmk_ha.desired.drbd import disk_options, net_options
from pcmk_ha.desired.names import ATTRIBUTES, AUTHKEY, COROSYNC_CONF, PGPASS, VERIFY, VERIFY_TIMER
from pcmk_ha.desired.packages import node_packages
from pcmk_ha.desired.postgresql import parameters
from pcmk_ha.desired.render import raw, render
from pcmk_ha.desired.values import Desired, File
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.parts import Node
from pcmk_ha.model.platform import Platform
from pcmk_ha.model.secret import Secrets

PROGRAMS = ("agent.sh", "device.sh", "drbd-fence-peer", "drbd-unfence-peer", "drbd-verify", "keep-warm", "watch-peer")
# Always there, whichever agents are in use: a change from one kind to the other needs both.
AGENTS = ("drbd", "filesystem", "postgresql", "vip")
# Delays a join after a boot; keeps the promotion scores in the CIB, and watches the peer.
SYSTEMD = ("corosync.service.d/pcmk-ha.conf", "pacemaker.service.d/pcmk-ha.conf", ATTRIBUTES)
VERIFY_UNITS = (VERIFY, VERIFY_TIMER)
SYSTEMD_HOME = "etc/systemd/system"
PROGRAM_HOME = "usr/local/lib/pcmk-ha"
FENCE_AGENT = "usr/sbin/fence_pcmk_ha"
AGENT_HOME = "usr/lib/ocf/resource.d/pcmk-ha"


def build_desired(cluster: Cluster, secrets: Secrets, platform: Platform) -> Desired:
    """Return packages, files and CIB for every node; the same input always gives the same output."""
    version = cluster.postgresql.version or platform.postgresql
    desired = Desired(
        cluster=cluster,
        platform=platform,
        packages={n.name: node_packages(cluster, platform, data=n in cluster.nodes) for n in cluster.members},
        files={node.name: _files(cluster, secrets, platform, node) for node in cluster.members},
        volume_files=(),
        cib=build_cib(cluster, secrets, platform),
    )
    return Desired(**{**vars(desired), "volume_files": _volume_files(desired, version)})


def _files(cluster: Cluster, secrets: Secrets, platform: Platform, node: Node) -> tuple[File, ...]:
    values = {
        "cluster": cluster,
        "members": cluster.members,
        "drbd": cluster.drbd,
        "platform": platform,
        "secrets": secrets,
        "consensus_ms": cluster.consensus_ms,
        "link_count": len(cluster.nodes[0].link_addresses),
        "net": net_options(cluster, platform),
        "disk": disk_options(cluster, platform),
    }
    corosync = (
        File(COROSYNC_CONF, render("etc/corosync/corosync.conf.j2", values)),
        File(AUTHKEY, secrets.authkey, 0o400, secret=True, encoding="base64"),
        *_units(SYSTEMD, values),
    )
    if node not in cluster.nodes:
        return corosync
    resource = f"/etc/drbd.d/{cluster.drbd.resource}.res"
    return (
        *corosync,
        *(File(f"/{PROGRAM_HOME}/{name}", raw(f"{PROGRAM_HOME}/{name}"), 0o755) for name in PROGRAMS),
        *(File(f"/{AGENT_HOME}/{name}", raw(f"{AGENT_HOME}/{name}"), 0o755) for name in AGENTS),
        File(f"/{FENCE_AGENT}", raw(FENCE_AGENT), 0o755),
        *_units(VERIFY_UNITS, values),
        File("/etc/drbd.d/global_common.conf", render("etc/drbd.d/global_common.conf.j2", values)),
        File(resource, render("etc/drbd.d/resource.res.j2", values), 0o600, secret=True),
        File(PGPASS, render("etc/pcmk-ha/pgpass.j2", values), 0o600, secret=True),
    )


def _units(names: tuple[str, ...], values: Mapping[str, Any]) -> tuple[File, ...]:
    return tuple(File(f"/{SYSTEMD_HOME}/{name}", render(f"{SYSTEMD_HOME}/{name}.j2", values)) for name in names)


def _volume_files(desired: Desired, version: int) -> tuple[File, ...]:
    values = {"cluster": desired.cluster, "parameters": parameters(desired.cluster, version)}
    home = desired.data_directory
    names = ("conf.d/pcmk-ha.conf", "pg_hba.conf")
    return tuple(
        File(f"{home}/{name}", render(f"volume/{name}.j2", values), 0o600, "postgres:postgres") for name in names
    )
