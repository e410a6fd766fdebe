"""A cluster file from a cluster that runs, whoever built it: pure, from what its nodes say about themselves."""
