"""Build, prove and operate a PostgreSQL cluster on Pacemaker, Corosync and DRBD."""
