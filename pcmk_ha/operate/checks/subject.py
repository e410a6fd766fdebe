"""A node being looked at, and how an answer about it is put."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.parts import Node
from pcmk_ha.model.platform import Platform
from pcmk_ha.model.secret import Secrets
from pcmk_ha.remote.runner import Runner

OK, WARN, FAIL = "ok", "warn", "fail"
EVERYWHERE = "cluster"  # what findings about several nodes stand under


@dataclass(frozen=True)
class Check:
    """One question and its answer."""

    node: str
    title: str
    verdict: str
    detail: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Subject:
    """A node being looked at."""

    cluster: Cluster
    secrets: Secrets
    node: Node
    runner: Runner
    platform: Platform | None

    @property
    def holds_data(self) -> bool:
        """Whether it is one of the two data nodes."""
        return self.node in self.cluster.nodes

    def ok(self, title: str, detail: str = "") -> Check:
        """Make a good answer."""
        return Check(self.node.name, title, OK, detail)

    def warn(self, title: str, detail: str, hint: str = "") -> Check:
        """Make an answer that does not stand in the way."""
        return Check(self.node.name, title, WARN, detail, hint)

    def fail(self, title: str, detail: str, hint: str = "") -> Check:
        """Make a bad answer."""
        return Check(self.node.name, title, FAIL, detail, hint)

    def text(self, *argv: str) -> str:
        """Return what a command prints, empty when it fails: only where both mean the same."""
        outcome = self.runner.run(argv, ok=None, timeout=20)
        return outcome.stdout.strip() if outcome.status == 0 else ""

    def is_active(self, unit: str) -> bool:
        """Whether systemd runs a unit."""
        return bool(self.text("systemctl", "is-active", unit))


Question = Callable[[Subject], Iterator[Check]]
Runners = Mapping[str, Runner]
