"""A cluster in which one machine is dead and a new one answers, made of facts, and the good copy's history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from support.files import MINIMAL
from support.planned import World, desired_of, run

from pcmk_ha.cib.merge import is_merged, merge
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import replace_actions as rep
from pcmk_ha.plan.build import make_plan
from pcmk_ha.plan.facts import Facts, Metadata
from pcmk_ha.plan.replace import Place

MOVED = MINIMAL.replace("192.0.2.12\n", "192.0.2.22\n").replace("ip: 192.0.2.112", "ip: 192.0.2.122")
NOW = datetime(2026, 11, 28, 6, 0, tzinfo=UTC)
GOOD = "8A0C3D4E5F607183:5A0C3D4E5F607182:4A0C3D4E5F607182:3A0C3D4E5F607182:1:1:1:0:0:0"


class Widowed(World):
    """A cluster in which one machine is dead and a new one answers; what Pacemaker does then is done at its start."""

    node = ""  # whose machine it is

    def __init__(self, text: str, node: str) -> None:
        super().__init__(desired_of(text), records=True)
        run(self, make_plan(self.desired, self.facts()), None, 999)
        self.node = node
        self.there, self.here = "", ""
        self.kept = {"pcmk-ha-fenced", "standby", "site"}
        self.status = True
        self.unclean = True
        self.nodes[node] = self._empty(node, installed=False)
        assert self.records is not None
        self.records[node] = None
        self.running = {key: text for key, text in self.running.items() if key[0] != node}
        self.contents = {key: text for key, text in self.contents.items() if key[0] != node}
        self._lose_copy()

    def _lose_copy(self) -> None:
        for found in list(self.nodes.values()):
            if found.drbd and found.name != self.node:
                lost = replace(found.drbd, role="Primary", connection="WFConnection", peer_disk="Outdated")
                self._set(replace(found, drbd=lost))

    def facts(self) -> Facts:
        found = super().facts()
        if not self.node or self._runs(self.node):
            return found
        serves = next(name for name in ("node1", "node2") if name != self.node)
        self.promoted = serves
        return replace(found, service=replace(found.service, dc=serves, quorate=True, promoted_on=serves))

    @property
    def place(self) -> Place:
        return Place(
            self.node, self._runs(self.node), self.unclean, self.here, self.there, frozenset(self.kept), self.status
        )

    def do(self, action: act.Action) -> None:
        if not self.node:
            super().do(action)
            return
        assert not (self.unclean and not isinstance(action, rep.ConfirmDead)), "the old machine may still be alive"
        match action:
            case rep.ConfirmDead():
                self.unclean = False
            case rep.MarkReplacement():
                self.here = self.there = "word"
            case rep.ForgetAttributes():
                self.kept -= set(action.names)
            case rep.ForgetStatus():
                self.status = False
            case act.PushCib():
                assert action.node != self.node, "it does not run the cluster"
                self.cib = merge(self.cib, self.desired.cib, action.gone)
            case act.StartCluster():
                self._join(action)
            case _:
                assert self.here, "the next run would not know this machine"
                super().do(action)

    def _join(self, action: act.StartCluster) -> None:
        assert action.node == self.node
        assert not self.status, "the old machine's failures would be the new one's"
        assert not self.kept & {"standby", "pcmk-ha-fenced"}
        assert is_merged(self.cib, self.desired.cib, ()), "the fencer would not know the device of what joins"
        for (name, path), text in self.contents.items():
            if name != self.node:
                assert self.running.get((name, path), text) == text, "a daemon of the others looks for the old machine"
        super().do(action)
        drbd = self.nodes[self.node].drbd
        if drbd is None:
            return
        assert drbd.metadata is Metadata.JUST_CREATED, "Pacemaker would start DRBD without metadata"
        self._take("/etc/drbd.d/", self.node)
        self._set(replace(self.nodes[self.node], drbd=replace(drbd, up=True, role="Secondary", disk="Inconsistent")))
        self._sync()
