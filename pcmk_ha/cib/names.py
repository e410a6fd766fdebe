"""What resources are called."""

from __future__ import annotations

GROUP, FILESYSTEM, SERVER, VIP = "pg", "pg_fs", "pg_server", "pg_vip"
SERVICE_CLASS = "ocf"  # stonith devices are of another
HEAD_START = "fence_head_start"  # no node's device: no host name has an underscore
HEAD_START_AGENT = "fence_pcmk_ha"
