"""What each step of an update does, and what it waits for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from pcmk_ha.desired.names import CLUSTER_UNITS
from pcmk_ha.errors import CommandFailed, NodeUnreachable, Refused
from pcmk_ha.facts.aside import parse_node_id, release, set_aside
from pcmk_ha.facts.records import NODES
from pcmk_ha.operate.look.status import Status, gather, summarise
from pcmk_ha.operate.look.whole import await_whole
from pcmk_ha.operate.members import Members
from pcmk_ha.operate.moves.foresee import foresee_change
from pcmk_ha.operate.moves.placement import GONE
from pcmk_ha.operate.moves.waits import Waits
from pcmk_ha.operate.parts.cluster import await_quorum, start_cluster
from pcmk_ha.operate.tell import Say
from pcmk_ha.operate.update.look import look_at_node
from pcmk_ha.operate.update.packages import await_installation, install, unmask
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.plan import update_moves as do
from pcmk_ha.plan.moves import AwaitCopies, AwaitEmpty, AwaitJoined, AwaitSettled
from pcmk_ha.plan.update import holds_data
from pcmk_ha.remote.runner import Runner

BOOT_S = 1200  # servers with much memory take a quarter of an hour
WHOLE_S = 6 * 3600  # a resync of what was written meanwhile, or of everything
BOOT_ID = ("cat", "/proc/sys/kernel/random/boot_id")
Reach = Callable[[], AbstractContextManager[Members]]


@dataclass(frozen=True)
class Performer:
    """Knows the members that answer; `reach` opens new connections, for a node that boots breaks its own."""

    members: Members
    reach: Reach
    switch: Callable[[str, Say], None]  # moves the service to a node
    watch: Say

    def __call__(self, step: do.Step) -> None:
        """Perform one step; raises CommandFailed, NodeUnreachable, Refused or TimedOut."""
        match step:
            case do.SwitchOver():
                self.switch(step.node, self.watch)
                self._await_whole()
            case do.SetAside():
                self._set_aside(step.node)
            case do.AwaitNode():
                self._await_node(step.node)
            case do.AwaitPackages():
                await_installation(self._on(step.node))
            case do.StopMember():
                self._stop(step.node)
            case do.Install():
                install(self._on(step.node))
            case do.Reboot():
                self._reboot(step)
            case do.StartMember():
                self._start(step.node)
            case do.Release():
                self._release(step.node)

    def _on(self, node: str) -> Runner:
        if node not in self.members.nodes:
            raise NodeUnreachable(f"{node} does not answer SSH", hint="`pcmk-ha check`")
        return self.members.nodes[node]

    def _beside(self, node: str) -> Runner:
        """Another member that holds data: it is there while the node is not."""
        names = (other.name for other in self.members.cluster.nodes if other.name != node)
        return self._on(next(name for name in names if name in self.members.nodes))

    @property
    def _wait(self) -> Waits:
        return Waits(self.members.cluster, self.members.nodes, self.watch)

    def _set_aside(self, node: str) -> None:
        beside = self._beside(node)
        command = set_aside(node, parse_node_id(beside.run(NODES).stdout, node))
        foreseen = foresee_change(beside, self.members.cluster, *command)
        fences = any(deed.verb == "fences" for deed in foreseen.deeds)
        if fences or not foreseen.after.is_up or foreseen.after.promoted_on != foreseen.before.promoted_on:
            raise Refused(
                f"with {node} in standby Pacemaker would not leave the service as it is: "
                f"{'; '.join(foreseen.lines()) or 'it would be nowhere'}",
                hint="`pcmk-ha status` shows what is wrong; nothing was touched",
            )
        beside.run(command, timeout=60)
        self._wait(AwaitEmpty(node))

    def _stop(self, node: str) -> None:
        """Pacemaker says goodbye, so nobody is fenced."""
        self._wait(AwaitEmpty(node))
        self._on(node).run(("systemctl", "stop", *reversed(CLUSTER_UNITS)), timeout=600)

    def _reboot(self, step: do.Reboot) -> None:
        with contextlib.suppress(NodeUnreachable, CommandFailed):  # it may be gone before it has answered
            self._on(step.node).run(("systemctl", "reboot"), ok=None, timeout=60)
        self._await_life(step.node, step.life)

    def _await_life(self, node: str, before: str) -> None:
        """Wait until a node answers that is not in the life it had before."""
        wait_until(
            lambda: self._life(node),
            lambda life: life not in ("", before),
            what=f"a boot of {node}",
            timeout_s=BOOT_S,
            every_s=2,
            hint="look at its console; once it is there, `pcmk-ha update` goes on",
            describe=lambda life: "the boot id from before" if life else "no answer",
        )

    def _await_node(self, node: str) -> None:
        """Wait until a node can be looked at."""
        wait_until(
            lambda: self._is_seen(node),
            bool,
            what=f"an answer of {node}",
            timeout_s=BOOT_S,
            every_s=2,
            hint="look at its console; once it is there, `pcmk-ha update` goes on",
        )

    def _is_seen(self, node: str) -> bool:
        self.watch(f"waiting until {node} has booted")
        with contextlib.suppress(NodeUnreachable, CommandFailed), self.reach() as members:
            if node in members.nodes:
                return bool(look_at_node(members.nodes[node]).boot_id)
        return False

    def _life(self, node: str) -> str:
        self.watch(f"waiting until {node} has booted")
        with contextlib.suppress(NodeUnreachable, CommandFailed), self.reach() as members:
            if node in members.nodes:
                return members.nodes[node].run(BOOT_ID).stdout.strip()
        return ""

    def _start(self, node: str) -> None:
        runner = self._on(node)
        unmask(runner)
        start_cluster(runner)
        await_quorum(self._beside(node), len(self.members.cluster.members))

    def _release(self, node: str) -> None:
        self._beside(node).run(release(node), ok=GONE, timeout=60)
        self._wait(AwaitJoined(node))
        if holds_data(self.members.cluster, node):
            self._wait(AwaitCopies())
        self._await_whole()

    def _await_whole(self) -> None:
        self._wait(AwaitSettled())
        await_whole(self._look, self.watch, timeout_s=WHOLE_S)

    def _look(self) -> Status:
        members = self.members
        return summarise(members.cluster, gather(members.cluster, members.nodes), members.down)
