"""Packages and kernels, one node after the other, while the service runs."""
