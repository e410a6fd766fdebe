"""What things are called on a node, where more than one part of the program has to know it."""

from __future__ import annotations

COROSYNC, PACEMAKER = "corosync.service", "pacemaker.service"
ATTRIBUTES = "pcmk-ha-attributes.service"  # starts and ends with Pacemaker
CLUSTER_UNITS = (COROSYNC, PACEMAKER)
RUNNING_UNITS = (*CLUSTER_UNITS, ATTRIBUTES)
PACEMAKERS_OWN = ("drbd.service", "postgresql.service")  # started by Pacemaker, never by systemd
VERIFY, VERIFY_TIMER = "pcmk-ha-verify.service", "pcmk-ha-verify.timer"

COROSYNC_CONF, AUTHKEY = "/etc/corosync/corosync.conf", "/etc/corosync/authkey"
PGPASS = "/etc/pcmk-ha/pgpass"
