"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ClusterFile = Annotated[
    Path,
    typer.Option("--file", "-f", help="The cluster file.", envvar="PCMK_HA_FILE", show_default=True),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
NewHostKeys = Annotated[
    bool, typer.Option("--accept-new-host-keys", help="Trust SSH host keys that are not known yet.")
]
DEFAULT_FILE = Path("cluster.yaml")
