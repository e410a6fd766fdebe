"""A node of the cluster in support.proven: what its programs answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from support.together import answer_all
from support.told import QUORATE, Killed

from pcmk_ha.desired.names import CLUSTER_UNITS
from pcmk_ha.errors import CommandFailed, NodeUnreachable
from pcmk_ha.facts import corosync, drbd, pacemaker, records
from pcmk_ha.operate.moves.foresee import MARK
from pcmk_ha.remote import questions
from pcmk_ha.remote.runner import Outcome

if TYPE_CHECKING:
    from support.proven import FencedWorld


@dataclass
class WorldNode:
    """A connection to one node of the world."""

    node: str
    world: FencedWorld
    sudo: tuple[str, ...] = ()

    def close(self) -> None:
        """End it."""

    def read(self, path: str) -> str | None:
        return None

    def put(self, path: str, content: str, *, mode: int = 0o644, owner: str = "root:root") -> None:
        raise AssertionError(path)

    def run(
        self, argv: Sequence[str], *, stdin: str | None = None, timeout: float = 30,
        ok: Collection[int] | None = (0,),
    ) -> Outcome:  # fmt: skip
        if self.world.killed:
            raise Killed
        answer = self._looked(tuple(argv))  # looks come many at once: time does not pass
        if answer is None:
            self.world.pass_time()
            if not self.world.answers(self.node):
                raise NodeUnreachable(f"{self.node}: no answer")
            answer = self._answer(tuple(argv), stdin or "")
            self.world.count()
        status, text = answer
        if ok is not None and status not in ok:
            raise CommandFailed(f"{self.node}: {argv} ended with {status}")
        return Outcome(tuple(argv), status, text, "no answer" if status else "")

    def _looked_at_once(self, argv: tuple[str, ...]) -> tuple[int, str]:
        answer = self._looked(argv)
        assert answer is not None, argv
        return answer

    def _looked(self, argv: tuple[str, ...]) -> tuple[int, str] | None:  # noqa: C901, PLR0911  one case for each program
        """Answer what belongs to one look at everything, None for any other command."""
        world = self.world
        runs = world.is_member(self.node)
        match argv:
            case pacemaker.CRM_MON:
                return (0, world.crm_mon()) if runs else (102, "")
            case pacemaker.CONSTRAINTS:
                return (0, world.constraints()) if runs else (102, "")
            case records.NODES:
                return (0, world.attributes()) if runs else (102, "")
            case corosync.QUORUM:
                return (0, QUORATE) if runs else (1, "")
            case corosync.LINKS | ("true",):
                return 0, ""
            case drbd.PROC_DRBD:
                return 0, world.drbd(self.node)
            case ("sh", "-c", _script, "labels", _data):
                return 0, ""
            case drbd.STATUS_9:  # of a kernel with 8.4
                return 20, ""
            case ("sh", "-c", _script, "ready" | "await-ready", _port, *_):
                return (0, "") if self.node == world.promoted else (2, "")
            case ("sh", "-c", _script, questions.NAME, *asked):
                return answer_all(asked, self._looked_at_once)
        return None

    def _answer(self, argv: tuple[str, ...], stdin: str) -> tuple[int, str]:  # noqa: C901, PLR0911, PLR0912  one case for each program
        world = self.world
        match argv:
            case ("crm_mon", *_):
                return 0, world.crm_mon()
            case ("crmadmin", "--status", dc, _timeout):
                return 0, f"Controller on {dc} in state {'S_TRANSITION_ENGINE' if world.moving_to else 'S_IDLE'}: ok\n"
            case ("sh", "-c", script, "simulate") if "prefer" in script:
                target = next(node.name for node in world.cluster.nodes if f" {node.name} " in script)
                return 0, MARK + MARK + world.crm_mon(serving=target)
            case ("sh", "-c", _script, "simulate", "--node-fail", target):
                return 0, MARK + MARK + world.crm_mon(lost=target)
            case ("drbdadm", "cstate", _resource):
                both = all(world.is_member(node.name) for node in world.cluster.nodes)
                return 0, "Connected" if both else "WFConnection"
            case ("drbdadm", "dstate", _resource):
                both = all(world.is_member(node.name) for node in world.cluster.nodes)
                return 0, "UpToDate/UpToDate" if both else "UpToDate/Outdated"
            case ("cat", "/proc/sys/kernel/random/boot_id"):
                return 0, f"{self.node}-{world.lives[self.node].boot}\n"
            case ("sh", "-c", script) if script.startswith("command -v fence_"):
                return 0, ""
            case (agent, "-o", "metadata") if agent.startswith("fence_"):
                return 0, ""
            case (agent,) if agent.startswith("fence_"):
                assert "action=status" in stdin.splitlines()
                return (1, "") if world.is_mute(stdin) else (0, "")
            case ("stonith_admin", "--history", *_):
                return 0, f"<pacemaker-result>{''.join(world.history)}</pacemaker-result>"
            case ("stonith_admin", "--reboot", target, _timeout, _tag):
                assert target != self.node, "a node cannot be asked to have itself fenced and to tell of it"
                world.fence(target)
                return 0, ""
            case ("stonith_admin", "--unfence", target, *_):
                world.switch_on(target)
                return 0, ""
            case ("runuser", *_) if argv[-1] == "CHECKPOINT":
                assert self.node == world.promoted
                world.checkpoints.append(self.node)
                return 0, ""
            case ("sh", "-c", _script, "prefer", _resource, target, _seconds):
                assert world.checkpoints[-1:] == [world.promoted], "a stop that writes out everything first is long"
                world.preferred, world.moving_to, world.moved_at = target, target, world.now
                return 0, ""
            case ("cibadmin", "--delete", "--xpath", path) if "pcmk-ha-switchover" in path:
                gone, world.preferred = world.preferred == "", ""
                return (105 if gone else 0), ""
            case ("systemctl", "stop", *units):
                assert units == list(reversed(CLUSTER_UNITS))
                world.stop(self.node)
                return 0, ""
            case ("test" | "install" | "systemctl", *_):
                return 0, ""
            case ("crm_attribute", "--node", name, "--name", "pcmk-ha-fenced", "--update", value):
                world.records[name] = value
                return 0, ""
        raise KeyError(argv)
