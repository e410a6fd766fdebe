"""Shared by every test: where things are, and small clusters to start from."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.load import load_cluster_text

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # tests/support and tests/strategies

MINIMAL = """\
name: pgha
nodes:
  - name: node1
    address: 192.0.2.11
    disk: /dev/sdb
    fence: {ip: 192.0.2.111, username: admin, password: {env: FENCE_PASSWORD}}
  - name: node2
    address: 192.0.2.12
    disk: /dev/sdb
    fence: {ip: 192.0.2.112, username: admin, password: {env: FENCE_PASSWORD}}
vip: 192.0.2.100/24
"""
ARBITER = """\
arbiter:
  name: arbiter
  address: 192.0.2.13
  fence: {ip: 192.0.2.113, username: admin, password: {env: FENCE_PASSWORD}}
"""


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
