"""Reading a running cluster: facts for a plan, status, health."""
