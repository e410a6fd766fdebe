"""Several ways to keep PostgreSQL alive, broken in the same way and measured with the same instrument."""
