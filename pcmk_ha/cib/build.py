"""A cluster as a whole CIB."""

from __future__ import annotations

from lxml import etree

from pcmk_ha.cib import resources, stonith
from pcmk_ha.cib.dialect import property_name
from pcmk_ha.cib.elements import Element, nvset
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.platform import Platform
from pcmk_ha.model.secret import Secrets

PROPERTIES = "cib-bootstrap-options"  # the set Pacemaker's own tools write to
SCHEMA = "pacemaker-3.9"  # known to every Pacemaker from 2.1.5 on; a live CIB keeps its own, the newest


def build_cib(cluster: Cluster, secrets: Secrets, platform: Platform) -> str:
    """Return the configuration as an indented document, without nodes and status; it holds fence secrets."""
    version = cluster.postgresql.version or platform.postgresql
    data = cluster.postgresql.data_directory or f"{cluster.filesystem.mount_point}/{version}/main"
    attributes = {"validate-with": SCHEMA, "admin_epoch": "0", "epoch": "1", "num_updates": "0"}
    root = etree.Element("cib", attributes)
    configuration = etree.SubElement(root, "configuration")
    configuration.append(_properties(cluster, platform))
    etree.SubElement(configuration, "nodes")
    _section(
        configuration,
        "resources",
        *stonith.devices(cluster, secrets),
        *resources.resources(cluster, version, data),
    )
    constraints = (*stonith.locations(cluster), *resources.constraints(cluster), *stonith.beside_the_service(cluster))
    _section(configuration, "constraints", *constraints)
    topology = stonith.topology(cluster)
    if topology is not None:
        configuration.append(topology)
    configuration.append(_defaults(cluster))
    etree.SubElement(root, "status")
    etree.indent(root)
    return etree.tostring(root, encoding="unicode") + "\n"


def _section(parent: Element, tag: str, *children: Element) -> None:
    etree.SubElement(parent, tag).extend(children)


def _properties(cluster: Cluster, platform: Platform) -> Element:
    values: dict[str, str | int] = {
        "cluster-name": cluster.name,
        "stonith-enabled": "true",
        "stonith-timeout": f"{cluster.stonith.timeout_s}s",
        # A node told of its own fencing stops at once instead of going on without the others.
        "fence-reaction": "panic",
        "no-quorum-policy": "stop",
        # One slow crash recovery must not ban a node: migration-threshold counts instead.
        "start-failure-is-fatal": "false",
        "cluster-recheck-interval": "5min",
        "dc-deadtime": "20s",
        # On a small node the load of a failover itself makes Pacemaker run one job at a time, and the VIP
        # then waits for PostgreSQL: allow what a failover needs (its default is 2 a core, 1 under load).
        "load-threshold": "1000%",
        "node-action-limit": 32,
        # Pacemaker 3.0.0 takes every transition for one with errors once there was one, and the first there is has no
        # device yet; of such it keeps all inputs for ever. As many as of those without errors.
        "pe-error-series-max": 4000,
    }
    if cluster.fencing_delay_s and not cluster.asks_before_head_start:
        values["priority-fencing-delay"] = f"{cluster.fencing_delay_s}s"
    named = {property_name(name, platform): value for name, value in values.items()}
    for name, value in cluster.properties.extra.items():
        named[name] = str(value).lower() if isinstance(value, bool) else str(value)
    section = etree.Element("crm_config")
    properties = nvset("cluster_property_set", "cib", "bootstrap-options", named)
    assert properties.get("id") == PROPERTIES
    section.append(properties)
    return section


def _defaults(cluster: Cluster) -> Element:
    wanted = cluster.properties
    section = etree.Element("rsc_defaults")
    values: dict[str, str | int] = {
        "resource-stickiness": wanted.resource_stickiness,
        "migration-threshold": wanted.migration_threshold,
        "failure-timeout": f"{wanted.failure_timeout_s}s",
    }
    section.append(nvset("meta_attributes", "rsc", "defaults", values))
    return section
