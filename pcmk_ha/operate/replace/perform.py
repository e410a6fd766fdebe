"""What each step of a replacement does. Every one may be done again."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from pcmk_ha.facts.pacemaker import CRM_MON, parse_nodes
from pcmk_ha.facts.records import REPLACING
from pcmk_ha.operate.change.perform import Performer
from pcmk_ha.operate.moves.placement import GONE
from pcmk_ha.operate.replace.observe import MARK
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import replace_actions as replace
from pcmk_ha.remote.runner import Runner

CONFIRM_S = 60
STATUS = ("transient_attributes", "lrm")  # what a controller deletes itself of a node that it knows to be fenced


@dataclass(frozen=True)
class Replacing:
    """Knows the nodes, and a member that stays, to speak to the cluster; call it with an action."""

    nodes: Mapping[str, Runner]
    speaker: Runner
    change: Performer

    def __call__(self, action: act.Action) -> None:
        """Perform one action; raises CommandFailed, NodeUnreachable or TimedOut."""
        match action:
            case replace.ConfirmDead():
                self._confirm(action.node)
            case replace.MarkReplacement():
                runner = self.nodes[action.node]
                mark = (runner.read(MARK) or "").strip() or secrets.token_hex(8)
                runner.put(MARK, f"{mark}\n", mode=0o600)
                self._attribute(action.node, REPLACING, "--update", mark)
            case replace.ForgetAttributes():
                for name in action.names:
                    self._attribute(action.node, name, "--delete")
            case replace.ForgetStatus():
                for part in STATUS:
                    path = f"//node_state[@uname='{action.node}']/{part}"
                    self.speaker.run(("cibadmin", "--delete", "--xpath", path), ok=GONE, timeout=60)
            case _:
                self.change(action)

    def end(self, node: str) -> None:
        """Take the mark out of the cluster's configuration."""
        self._attribute(node, REPLACING, "--delete")

    def _attribute(self, node: str, name: str, *what: str) -> None:
        ok = GONE if "--delete" in what else (0,)
        self.speaker.run(("crm_attribute", "--node", node, "--name", name, *what), ok=ok, timeout=60)

    def _confirm(self, node: str) -> None:
        self.speaker.run(("stonith_admin", "--confirm", node, "--timeout=60"), timeout=90)
        wait_until(
            lambda: next((n for n in parse_nodes(self.speaker.run(CRM_MON).stdout) if n.name == node), None),
            lambda seen: seen is None or not seen.unclean,
            what=f"Pacemaker's agreement that {node} is off",
            timeout_s=CONFIRM_S,
            every_s=1,
        )
