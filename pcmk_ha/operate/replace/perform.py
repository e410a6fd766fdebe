"""What each step of a replacement does. Every one may be done again."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from pcmk_ha.desired.names import COROSYNC_CONF
from pcmk_ha.facts.pacemaker import CRM_MON, parse_nodes
from pcmk_ha.facts.records import REPLACING
from pcmk_ha.operate.change.perform import Performer
from pcmk_ha.operate.moves.placement import GONE
from pcmk_ha.operate.parts.cluster import reload_corosync
from pcmk_ha.operate.replace.observe import MARK
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import replace_actions as replace
from pcmk_ha.plan.corosync import moved, parse_cmap, without_node
from pcmk_ha.remote.runner import Runner

CONFIRM_S = 60
STATUS = ("transient_attributes", "lrm")  # what a controller deletes itself of a node that it knows to be fenced


@dataclass(frozen=True)
class Replacing:
    """Knows the nodes, and a member that stays, to speak to the cluster; call it with an action."""

    node: str  # whose machine is a new one
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
            case act.ReloadCorosync():
                self._reload_corosync()
            case _:
                self.change(action)

    def end(self, node: str) -> None:
        """Take the mark out of the cluster's configuration."""
        self._attribute(node, REPLACING, "--delete")

    def _reload_corosync(self) -> None:
        """Have the others find the new machine at its addresses.

        Corosync 3.1 does not change an address of a member that it knows ("it must be deleted and recreated"): so the
        dead member is taken out, and comes back at the next reload. Without it there are fewer votes to be expected,
        and the others keep quorum.
        """
        others = [runner for name, runner in self.nodes.items() if name != self.node]
        files = self.change.desired.files[self.speaker.node]
        conf = next(file.content for file in files if file.path == COROSYNC_CONF)
        if moved(conf, self._cmap()):
            try:
                for runner in others:
                    runner.put(COROSYNC_CONF, without_node(conf, self.node))
                reload_corosync(self.speaker)
                self._await_forgotten()
            finally:
                for runner in others:
                    runner.put(COROSYNC_CONF, conf)
        reload_corosync(self.speaker)

    def _await_forgotten(self) -> None:
        wait_until(
            lambda: parse_cmap(self._cmap()),
            lambda cmap: not any(key.startswith("nodelist.") and value == self.node for key, value in cmap.items()),
            what=f"Corosync without {self.node}",
            timeout_s=CONFIRM_S,
            every_s=0.5,
            describe=lambda cmap: f"{len(cmap)} keys",
        )

    def _cmap(self) -> str:
        return self.speaker.run(("corosync-cmapctl",)).stdout

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
