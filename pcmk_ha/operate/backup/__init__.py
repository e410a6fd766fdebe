"""Base backups of the node that serves, and putting one back without the cluster spoiling it."""
