"""Small cluster files to start from."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent.parent

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
