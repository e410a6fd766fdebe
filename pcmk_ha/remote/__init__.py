"""Everything that reaches a node."""
