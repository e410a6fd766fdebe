"""Shared by every test."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import settings
from support.files import ARBITER, HERE, MINIMAL
from support.split import Split

from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.load import load_cluster_text

settings.register_profile("noisy", deadline=None)  # shared machines stall now and then
settings.load_profile("noisy")


@pytest.fixture
def minimal() -> Cluster:
    """The smallest useful cluster."""
    return load_cluster_text(MINIMAL)


@pytest.fixture
def with_arbiter() -> Cluster:
    """The same with a third vote."""
    return load_cluster_text(MINIMAL + ARBITER)


@pytest.fixture
def outputs() -> Path:
    """Captured output of real programs."""
    return HERE / "outputs"


@pytest.fixture
def split(minimal: Cluster, tmp_path: Path) -> Split:
    """Two copies that have gone apart."""
    return Split(minimal, tmp_path)


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes with each look at a node, not with waiting."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
