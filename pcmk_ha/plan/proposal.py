"""What `plan` shows and `apply` does: the steps, why, what they do to the service, and what they were made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pcmk_ha.cib.items import config_digest
from pcmk_ha.desired.values import Desired
from pcmk_ha.plan.compare import Difference
from pcmk_ha.plan.facts import Facts
from pcmk_ha.plan.impact import Impact
from pcmk_ha.plan.parameters import ParameterChange
from pcmk_ha.plan.values import Plan

FORMAT = 1


@dataclass(frozen=True)
class Proposal:
    """One answer to "what would be done"; it may be printed, it holds no secret."""

    cluster: str
    plan: Plan
    differences: tuple[Difference, ...] = ()
    parameters: tuple[ParameterChange, ...] = ()
    foreign: tuple[str, ...] = ()
    impact: Impact = field(default_factory=Impact)
    cib_diff: tuple[str, ...] = ()
    file_diffs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by place and path
    generation: int = 0  # of what was applied last, 0 where that is not known
    interrupted: bool = False  # the last run did not come to its end
    basis: str = ""  # see basis_of

    @property
    def by_hand(self) -> tuple[Difference, ...]:
        """What was changed since the last apply, and not by us."""
        return tuple(difference for difference in self.differences if difference.by_hand)

    @property
    def fingerprint(self) -> str:
        """Equal for two proposals that would do the same, for the same reasons, to the same cluster."""
        said = (str(self.plan), self.basis, *map(str, self.differences), *map(str, self.parameters))
        return hashlib.sha256("\n".join((*said, *self.impact.outage)).encode()).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "format": FORMAT,
            "cluster": self.cluster,
            "fingerprint": self.fingerprint,
            "steps": [{"node": step.action.node, "action": str(step.action)} for step in self.plan],
            "differences": [{**asdict(d), "kind": d.kind.value} for d in self.differences],
            "parameters": [asdict(change) for change in self.parameters],
            "foreign": list(self.foreign),
            "impact": {"outage": list(self.impact.outage), "notes": list(self.impact.notes)},
            "cib_diff": list(self.cib_diff),
            "file_diffs": {place: list(lines) for place, lines in self.file_diffs.items()},
            "applied": {"generation": self.generation, "interrupted": self.interrupted},
        }


def basis_of(desired: Desired, facts: Facts) -> str:
    """Return a digest of what a proposal was made from: what is wanted, the live configuration, who serves.

    Weak secrets cannot be guessed from it, for the keys beside them are long and random.
    """
    wanted = [f"{f.path} {f.digest}" for files in (*desired.files.values(), desired.volume_files) for f in files]
    live = config_digest(facts.service.cib) if facts.service.cib else ""
    parts = (*wanted, desired.cib, live, facts.service.promoted_on)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def parse_fingerprint(text: str) -> tuple[str, str]:
    """Read cluster and fingerprint of a kept plan; raises ValueError for anything else."""
    plain = json.loads(text)
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise ValueError("not a plan of this version")
    return str(plain["cluster"]), str(plain["fingerprint"])


def what_moved(kept: str, now: Proposal) -> tuple[str, ...]:
    """Say in which lines the present differs from a kept plan; nothing where only what it was made from does."""
    before = json.loads(kept)
    old = {f"{s['node']}: {s['action']}" for s in before["steps"]} | set(before["impact"]["outage"])
    new = {str(step) for step in now.plan} | set(now.impact.outage)
    return (*(f"now also: {line}" for line in sorted(new - old)), *(f"no longer: {line}" for line in sorted(old - new)))
