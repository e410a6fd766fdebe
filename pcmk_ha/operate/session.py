"""What every command on a cluster needs: its file, its secrets, its nodes, its desired state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from pcmk_ha.desired.values import Desired
from pcmk_ha.errors import PcmkHaError
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.platform import PLATFORMS, Platform
from pcmk_ha.model.secret import Secrets
from pcmk_ha.operate.members import Members
from pcmk_ha.operate.secrets import load_secrets
from pcmk_ha.remote.connect import AskHostKey, never, open_nodes, ssh_config_of
from pcmk_ha.remote.parallel import need_all
from pcmk_ha.remote.runner import Runner


@dataclass(frozen=True)
class Session:
    """An open cluster; `down` names the members that do not answer, with the reason."""

    cluster: Cluster
    path: Path
    secrets: Secrets
    nodes: Mapping[str, Runner]
    down: Mapping[str, str]

    @property
    def members(self) -> Members:
        """The members alone, without what is secret."""
        return Members(self.cluster, self.nodes, self.down)

    @property
    def ssh_config(self) -> Path | None:
        """The ssh_config every connection goes by, None for the user's own."""
        return ssh_config_of(self.cluster)

    def require_all(self) -> None:
        """Raise NodeUnreachable unless every member answers."""
        self.members.require_all()

    def any_node(self) -> Runner:
        """Return a data node that answers, the first in the file's order."""
        return self.members.any_node()

    def desired(self) -> Desired:
        """Build what the nodes should hold, in the dialect of what they run."""
        from pcmk_ha.desired.build import build_desired

        return build_desired(self.cluster, self.secrets, find_platform(self.nodes))


@contextmanager
def open_session(
    path: Path,
    *,
    secrets: Callable[[Cluster, Path], Secrets] = load_secrets,
    ask: AskHostKey = never,
    log: Path | None = None,
    timeout_s: float = 5,
    ask_changed: Mapping[str, AskHostKey] = MappingProxyType({}),
) -> Iterator[Session]:
    """Load the file and its secrets and connect to every member; the connections end with the block.

    `secrets` says which secrets are needed: see pcmk_ha.operate.secrets. Raises BadInput for a wrong file.
    A member that does not answer is in `down`, not an error; `ask_changed` as in open_nodes.
    """
    from pcmk_ha.model.load import load_cluster

    cluster = load_cluster(path)
    found = secrets(cluster, path)
    with open_nodes(cluster, ask=ask, log=log, timeout_s=timeout_s, ask_changed=ask_changed) as nodes:
        down = {name: gone.reason for name, gone in nodes.down.items()}
        yield Session(cluster, path, found, nodes.runners, down)


def find_platform(nodes: Mapping[str, Runner]) -> Platform:
    """Return what the nodes run; raises PcmkHaError where suites or DRBD modules differ or are none we know."""
    found = need_all(nodes, lambda runner: (_suite(runner), _drbd_version(runner)))
    suites = {name: suite for name, (suite, _) in found.items()}
    different = set(suites.values())
    if len(different) != 1:
        each = ", ".join(f"{name} {suite}" for name, suite in suites.items())
        raise PcmkHaError(f"the nodes run different systems: {each}", hint="bring them to one release first")
    suite = different.pop()
    if suite not in PLATFORMS:
        raise PcmkHaError(f"{suite}: not supported", hint=f"supported: Debian {', '.join(PLATFORMS)}")
    versions = {name: version for name, (_, version) in found.items()}
    return replace(PLATFORMS[suite], drbd_module=_drbd_module(versions) or PLATFORMS[suite].drbd_module)


def _drbd_version(runner: Runner) -> str:
    return runner.run(("modinfo", "-F", "version", "drbd"), ok=None).stdout


def _drbd_module(versions: Mapping[str, str]) -> int:
    """The major version of the kernel module on the nodes that have one, 0 where none has."""
    majors = {name: int(text.partition(".")[0]) for name, text in versions.items() if text[:1].isdigit()}
    if len(set(majors.values())) > 1:
        found = ", ".join(f"{name} {major}" for name, major in majors.items())
        raise PcmkHaError(f"the nodes have different DRBD modules: {found}", hint="install the same one everywhere")
    return next(iter(majors.values()), 0)


def _suite(runner: Runner) -> str:
    lines = (runner.read("/etc/os-release") or "").splitlines()
    fields = dict(line.split("=", 1) for line in lines if "=" in line)
    return fields.get("VERSION_CODENAME", "").strip('"') or fields.get("PRETTY_NAME", "unknown").strip('"')
