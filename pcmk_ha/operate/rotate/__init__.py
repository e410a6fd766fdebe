"""New secrets for a running cluster: chosen, brought into force everywhere, and only then the old ones forgotten."""
