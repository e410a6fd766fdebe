"""Fencing on purpose: once, or as proof that it works."""
