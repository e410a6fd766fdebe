"""What the service's resources are called."""

from __future__ import annotations

GROUP, FILESYSTEM, SERVER, VIP = "pg", "pg_fs", "pg_server", "pg_vip"
