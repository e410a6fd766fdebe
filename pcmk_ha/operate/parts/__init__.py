"""What is done to one part of one node: packages, DRBD, the volume, PostgreSQL, the cluster."""
