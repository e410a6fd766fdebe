"""A rotation of one cluster's secrets: look, refuse or plan, apply; as often as it takes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pcmk_ha.desired.build import build_desired
from pcmk_ha.errors import Refused
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.platform import Platform
from pcmk_ha.model.secret import FileSecret, Secrets
from pcmk_ha.operate.change.apply import Observer, apply_plan
from pcmk_ha.operate.rotate.observe import Wanted, observe_secrets
from pcmk_ha.operate.rotate.perform import Rotating
from pcmk_ha.operate.secrets import generated_secrets, references
from pcmk_ha.operate.session import Session, find_platform
from pcmk_ha.plan.rotation import FENCING, NAMES, find_obstacles, plan_rotation
from pcmk_ha.plan.values import Plan


@dataclass(frozen=True)
class Rotation:
    """One rotation; `typed` are fence passwords typed in, by the files they belong into."""

    session: Session
    subjects: Collection[str]
    typed: Mapping[str, str] = field(default_factory=dict, repr=False)

    def plan(self) -> Plan:
        """Look at every member and say what is to be done; changes nothing.

        Raises Refused, with every reason, where it could cost the service or a node.
        """
        self.session.require_all()
        wanted = self._wanted(find_platform(self.session.nodes))
        pending = frozenset(wanted.secrets.next)
        chosen = pending | {name for subject in self.subjects for name in NAMES[subject]}
        facts = observe_secrets(
            self.session.nodes, wanted, chosen, fencing=FENCING in self.subjects, typed=tuple(self.typed)
        )
        if obstacles := list(find_obstacles(facts)):
            reasons = "\n".join(f"{o.message}; {o.hint}" if o.hint else o.message for o in obstacles)
            raise Refused(reasons, hint="nothing was touched")
        return plan_rotation(facts)

    def apply(self, plan: Plan, observer: Observer) -> None:
        """Perform the plan; a run cut short anywhere is finished by the next."""
        platform = find_platform(self.session.nodes)
        work = Rotating(self.session.nodes, self.session.path, lambda: self._wanted(platform), self.typed)
        apply_plan(plan, work, observer)

    def _wanted(self, platform: Platform) -> Wanted:
        return wanted_now(self.session, platform, self.typed)


def wanted_now(session: Session, platform: Platform, typed: Mapping[str, str]) -> Wanted:
    """Return what the nodes should hold by what the secrets file holds now."""
    fence = {**session.secrets.fence, **_typed_fence(session.cluster, typed)}
    secrets = Secrets(**generated_secrets(session.path), fence=fence)
    old = build_desired(session.cluster, secrets, platform)
    return Wanted(secrets, old, build_desired(session.cluster, secrets.with_next(), platform))


def _typed_fence(cluster: Cluster, typed: Mapping[str, str]) -> dict[tuple[str, int, str], str]:
    return {
        (node, index, name): typed[reference.file]
        for node, index, name, reference in references(cluster)
        if isinstance(reference, FileSecret) and reference.file in typed
    }


def files_to_type(cluster: Cluster) -> dict[str, list[str]]:
    """Return the nodes whose fence password stands in a file, by that file."""
    found: dict[str, list[str]] = {}
    for node, _index, _name, reference in references(cluster):
        if isinstance(reference, FileSecret) and node not in found.setdefault(reference.file, []):
            found[reference.file].append(node)
    return found
