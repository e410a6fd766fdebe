"""Fixtures of real labs."""

from conftest_lab import bookworm, trixie  # noqa: F401
