"""What each step of a change of votes does. Every one may be done again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pcmk_ha.desired.names import CLUSTER_UNITS, COROSYNC, PACEMAKER
from pcmk_ha.errors import CommandFailed, PcmkHaError, Refused
from pcmk_ha.model.secret import Secrets
from pcmk_ha.operate.arbiter.look import NODES, known_nodes
from pcmk_ha.operate.arbiter.votes import change_votes
from pcmk_ha.operate.change.destroy import undo_node
from pcmk_ha.operate.change.perform import Performer
from pcmk_ha.operate.checks.fencing import ask_devices
from pcmk_ha.operate.checks.subject import OK, Subject
from pcmk_ha.operate.fencing.fence import fence
from pcmk_ha.operate.look.standing import glimpse
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import arbiter_actions as vote
from pcmk_ha.plan.arbiter import Sides
from pcmk_ha.remote.runner import Runner

FORMER_LIFE = ("/var/lib/pacemaker/cib", "/var/lib/pacemaker/pengine")
LEAVE_S = 180
FORGET_S = 30


@dataclass(frozen=True)
class Voting:
    """Knows the nodes that answer, and both sides of the change; call it with an action."""

    nodes: Mapping[str, Runner]
    sides: Sides
    secrets: Secrets
    votes: int  # that are wanted in the end

    def __call__(self, action: act.Action) -> None:
        """Perform one action; raises CommandFailed, NodeUnreachable, TimedOut or Refused."""
        runner = self.nodes[action.node]
        match action:
            case vote.ForgetFormerLife():
                runner.run(("find", *FORMER_LIFE, "-mindepth", "1", "-delete"), ok=None)
            case vote.AskDevices():
                self._ask_devices(action.node)
            case vote.StartCorosync():
                runner.run(("systemctl", "daemon-reload"), timeout=60)
                # However young the boot is: nobody takes over because of this node.
                runner.run(("install", "-D", "-m", "0600", "/dev/null", "/run/pcmk-ha/bootstrap"))
                runner.run(("systemctl", "start", COROSYNC), timeout=120)
            case vote.CountVotes():
                change_votes(self.nodes, self.sides, action.votes)
            case vote.LeavePacemaker():
                runner.run(("systemctl", "disable", *CLUSTER_UNITS), ok=None, timeout=60)
                runner.run(("systemctl", "stop", PACEMAKER), timeout=300)
            case vote.StopCorosync():
                runner.run(("systemctl", "stop", COROSYNC), timeout=120)
            case vote.UndoMember():
                for _done in undo_node(runner, self.sides.three, wipe_data=False):
                    pass
            case vote.AwaitLeft() | vote.ProveOff() | vote.ForgetMember():
                self._about_the_third(runner, action)
            case _:
                desired = self.sides.three if self.votes == 3 else self.sides.two
                members = {m.name: self.nodes[m.name] for m in desired.cluster.members}
                Performer(members, desired, self.secrets)(action)

    def _about_the_third(self, runner: Runner, action: vote.AwaitLeft | vote.ProveOff | vote.ForgetMember) -> None:
        match action:
            case vote.AwaitLeft():
                self._await_left(action.left)
            case vote.ProveOff():
                _prove_off(runner, action.target, by_word=action.by_word)
            case vote.ForgetMember():
                self._forget(action.target)

    def _data_nodes(self) -> list[Runner]:
        return [self.nodes[node.name] for node in self.sides.two.cluster.nodes]

    def _ask_devices(self, name: str) -> None:
        """Every device the newcomer may have to use, and its own from both sides, before anybody relies on it."""
        cluster = self.sides.three.cluster
        third = next(member for member in cluster.members if member.name == name)
        others = [member for member in cluster.members if member is not third]
        asked = [ask_devices(Subject(cluster, self.secrets, third, self.nodes[name], None), *others)]
        asked += [ask_devices(Subject(cluster, self.secrets, m, self.nodes[m.name], None), third) for m in others]
        bad = [check for checks in asked for check in checks if check.verdict != OK]
        if bad:
            said = "\n".join(f"{check.node}: {check.title}: {check.detail}" for check in bad)
            raise Refused(said, hint="the cluster counts two votes, as before; `pcmk-ha check` asks each device")

    def _await_left(self, third: str) -> None:
        cluster = self.sides.three.cluster
        wait_until(
            lambda: glimpse(self._data_nodes(), cluster),
            lambda seen: seen.is_idle and third not in seen.service.online and seen.service.is_serving,
            what=f"a cluster at rest without {third}",
            timeout_s=LEAVE_S,
            hint="`pcmk-ha status` shows failed actions; run it again to go on",
        )

    def _forget(self, third: str) -> None:
        """Tell both members, until neither knows it: a controller passes it on without the name (2.1.5, 3.0.0).

        One that still has it enters it again when it becomes DC. Seen with real daemons of 2.1.5 after a single try.
        """
        wait_until(
            lambda: frozenset().union(*(_remove(runner, third) for runner in self._data_nodes())),
            lambda known: third not in known,
            what=f"a cluster that does not know {third}",
            timeout_s=FORGET_S,
            hint="crm_node -l on each node shows whom Pacemaker knows; run it again",
            describe=lambda known: ", ".join(sorted(known)),
        )


def _remove(runner: Runner, name: str) -> frozenset[str]:
    """Have one member's daemons forget a node, and return whom it still knows."""
    runner.run(("crm_node", "--force", "--remove", name), ok=None, timeout=60)
    listed = runner.run(("crm_node", "-l")).stdout.splitlines()
    return known_nodes(runner.run(NODES).stdout) | {word[1] for line in listed if len(word := line.split()) > 1}


def _prove_off(runner: Runner, target: str, *, by_word: bool) -> None:
    if by_word:
        _confirm(runner, target)
        return
    try:
        fence(runner, target, off=True, tag="pcmk-ha-remove-arbiter")
    except CommandFailed as error:
        raise Refused(
            f"{target} does not answer, and its fence device did not switch it off: {error}",
            hint="go there; when it is off for good: --confirmed-dead. Nothing else was touched",
        ) from None


def _confirm(runner: Runner, target: str) -> None:
    """Tell the fencer so; where nobody waits for that it is only noted."""
    done = runner.run(("stonith_admin", "--confirm", target), ok=None, timeout=60)
    if done.status:
        raise PcmkHaError(f"{runner.node}: stonith_admin --confirm {target} failed ({done.status})")
