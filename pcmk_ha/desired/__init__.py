"""From a cluster to what its nodes should hold."""
