"""Bringing a cluster to what its file wants, and undoing that."""
