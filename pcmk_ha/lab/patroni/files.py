"""What Patroni's stack reads on each node, as its own documentation and the field's guides write it. Pure.

etcd runs on all three nodes, the third of which has nothing else. Patroni, HAProxy and Keepalived run on both data
nodes; HAProxy listens on the VIP, which Keepalived gives to one of them, and asks Patroni's REST API for the primary.
Time-outs are the programs' own defaults: `patronictl edit-config` changes Patroni's.
"""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent

from pcmk_ha.lab.spec import CLUSTER_NET, VIP, LabSpec, NodeSpec

SCOPE = "lab"
MARK = "etc/lab/patroni"  # a node with it runs more than etcd
DATA = "/srv/pgdata/postgresql/main"
VERSIONS = {"trixie": 17, "bookworm": 15}
CONNECTIONS = 100  # of PostgreSQL, and so of HAProxy


def stack_files(spec: LabSpec, node: NodeSpec, password: str) -> Mapping[str, tuple[str, int]]:
    """Return text and mode of every file by its path, without the leading slash."""
    files = {"etc/default/etcd": (etcd(spec, node), 0o644)}
    if not node.has_disk:
        return files
    return files | {
        MARK: ("", 0o644),
        "etc/patroni/config.yml": (patroni(spec, node, password), 0o644),  # Patroni runs as postgres
        "etc/haproxy/haproxy.cfg": (haproxy(spec), 0o644),
        "etc/keepalived/keepalived.conf": (keepalived(spec, node), 0o600),
    }


def etcd(spec: LabSpec, node: NodeSpec) -> str:
    """Return etcd's environment."""
    members = ",".join(f"{member.name}=http://{member.address}:2380" for member in spec.nodes)
    return dedent(f"""\
        ETCD_NAME={node.name}
        ETCD_DATA_DIR=/var/lib/etcd/default
        ETCD_LISTEN_PEER_URLS=http://{node.address}:2380
        ETCD_LISTEN_CLIENT_URLS=http://{node.address}:2379,http://127.0.0.1:2379
        ETCD_INITIAL_ADVERTISE_PEER_URLS=http://{node.address}:2380
        ETCD_ADVERTISE_CLIENT_URLS=http://{node.address}:2379
        ETCD_INITIAL_CLUSTER={members}
        ETCD_INITIAL_CLUSTER_STATE=new
        ETCD_INITIAL_CLUSTER_TOKEN={SCOPE}
        """)


def patroni(spec: LabSpec, node: NodeSpec, password: str) -> str:
    """Return Patroni's configuration: its defaults, in synchronous mode."""
    hosts = ", ".join(f"{member.address}:2379" for member in spec.nodes)
    return dedent(f"""\
        scope: {SCOPE}
        name: {node.name}
        restapi:
          listen: {node.address}:8008
          connect_address: {node.address}:8008
        etcd3:
          hosts: [{hosts}]
        bootstrap:
          dcs:
            ttl: 30
            loop_wait: 10
            retry_timeout: 10
            maximum_lag_on_failover: 1048576
            synchronous_mode: true
            postgresql:
              use_pg_rewind: true
              use_slots: true
          initdb: [{{encoding: UTF8}}, {{locale: C.UTF-8}}, data-checksums]
        postgresql:
          listen: {node.address}:5432
          connect_address: {node.address}:5432
          data_dir: {DATA}
          bin_dir: /usr/lib/postgresql/{VERSIONS[spec.suite]}/bin
          pgpass: /tmp/pgpass
          authentication:
            superuser: {{username: postgres, password: {password}}}
            replication: {{username: replicator, password: {password}}}
          pg_hba:
            - local all all peer
            - host all all {CLUSTER_NET} scram-sha-256
            - host replication replicator {CLUSTER_NET} scram-sha-256
        """)


def haproxy(spec: LabSpec) -> str:
    """Return HAProxy's configuration, after the example in Patroni's sources."""
    servers = "".join(
        f"    server {node.name} {node.address}:5432 maxconn {CONNECTIONS} check port 8008\n"
        for node in spec.nodes
        if node.has_disk
    )
    return f"""\
global
    log /dev/log local0
    maxconn {CONNECTIONS}
    user haproxy
    group haproxy

defaults
    log global
    mode tcp
    retries 2
    timeout client 30m
    timeout connect 4s
    timeout server 30m
    timeout check 5s

listen primary
    bind {VIP}:5432
    option httpchk OPTIONS /primary
    http-check expect status 200
    default-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions
{servers}"""


def keepalived(spec: LabSpec, node: NodeSpec) -> str:
    """Return Keepalived's configuration: the first node has the VIP while its HAProxy runs."""
    first = node.number == 1
    peers = " ".join(str(other.address) for other in spec.nodes if other.has_disk and other != node)
    return dedent(f"""\
        global_defs {{
          enable_script_security
          script_user root
        }}
        vrrp_script haproxy {{
          script "/usr/bin/pgrep -x haproxy"
          interval 2
          fall 2
          rise 2
        }}
        vrrp_instance vip {{
          interface vec0
          state {"MASTER" if first else "BACKUP"}
          virtual_router_id 51
          priority {101 if first else 100}
          advert_int 1
          unicast_src_ip {node.address}
          unicast_peer {{ {peers} }}
          virtual_ipaddress {{ {VIP}/{CLUSTER_NET.prefixlen} dev vec0 }}
          track_script {{ haproxy }}
        }}
        """)
