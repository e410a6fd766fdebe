"""A lab as `lab up` decided it, kept in a file beside its disks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pcmk_ha.errors import PcmkHaError
from pcmk_ha.lab.paths import LabPaths
from pcmk_ha.lab.spec import LabSpec


@dataclass(frozen=True)
class Lab:
    """A lab that exists: what it was asked to be, and what was chosen for it."""

    spec: LabSpec
    paths: LabPaths
    kernel: Path
    image: Path
    ssh_ports: Mapping[str, int]
    postgresql_port: int  # 127.0.0.1, leads to the VIP
    supervisor: int = 0  # process id, 0 before it is started

    @property
    def name(self) -> str:
        """The lab's name."""
        return self.spec.name

    @property
    def netns(self) -> str:
        """Network namespace of the nodes, and of whoever measures as a client."""
        return self.spec.netns

    @property
    def ssh_config(self) -> Path:
        """For `ssh -F` and Fabric; host names are the nodes' names."""
        return self.paths.ssh_config


def write_lab(lab: Lab) -> None:
    """Keep the lab's decisions, replaced in one step."""
    values = {
        "spec": asdict(lab.spec),
        "kernel": str(lab.kernel),
        "image": str(lab.image),
        "ssh_ports": dict(lab.ssh_ports),
        "postgresql_port": lab.postgresql_port,
        "supervisor": lab.supervisor,
    }
    draft = lab.paths.state.with_suffix(".draft")
    draft.write_text(json.dumps(values, indent=2))
    draft.rename(lab.paths.state)


def read_lab(paths: LabPaths) -> Lab:
    """Read a lab's decisions; raises PcmkHaError when there is no such lab, or only a torn one."""
    name = paths.root.name
    try:
        return _parse(json.loads(paths.state.read_text()), paths)
    except FileNotFoundError:
        raise PcmkHaError(f"there is no lab {name}", hint=_instead(paths)) from None
    except (ValueError, KeyError, TypeError):
        hint = f"`pcmk-ha lab down --name {name}` takes away what is left of it"
        raise PcmkHaError(f"{paths.state} cannot be read", hint=hint) from None


def _instead(paths: LabPaths) -> str:
    """Name the labs there are."""
    labs = sorted(state.parent.name for state in paths.root.parent.glob("*/lab.json"))
    there = f"; there is {', '.join(labs)}" if labs else ""
    return f"`pcmk-ha lab up --name {paths.root.name}` makes one{there}"


def _parse(values: dict[str, Any], paths: LabPaths) -> Lab:
    return Lab(
        spec=LabSpec(**values["spec"]),
        paths=paths,
        kernel=Path(values["kernel"]),
        image=Path(values["image"]),
        ssh_ports=values["ssh_ports"],
        postgresql_port=values["postgresql_port"],
        supervisor=values["supervisor"],
    )


def load_lab(name: str) -> Lab:
    """Find a lab by name; raises PcmkHaError with a hint when there is none."""
    return read_lab(LabPaths.of(name))
