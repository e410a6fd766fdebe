"""What each step of a rotation does. Every one may be done again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pcmk_ha.desired.names import AUTHKEY
from pcmk_ha.errors import Refused
from pcmk_ha.facts import corosync
from pcmk_ha.operate.change.applied import renew_record
from pcmk_ha.operate.look.files import file_facts
from pcmk_ha.operate.look.verify import verify_write
from pcmk_ha.operate.parts import drbd, node
from pcmk_ha.operate.parts.cluster import await_quorum, reload_corosync
from pcmk_ha.operate.rotate import fencing, store
from pcmk_ha.operate.rotate.observe import Wanted, runs_its_file
from pcmk_ha.operate.rotate.postgresql import set_password
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import rotation_actions as rotate
from pcmk_ha.plan.rotation import Which
from pcmk_ha.remote.runner import Runner

STEADY_S = 6  # longer than a token and a consensus: by then a member with another key has been lost
PAIR_S = 120


@dataclass(frozen=True)
class Rotating:
    """Knows the nodes, the secrets file, and how to read what is wanted anew; call it with an action."""

    nodes: Mapping[str, Runner]
    path: Path  # of the cluster file
    wanted: Callable[[], Wanted]  # with what the secrets file holds at that moment
    typed: Mapping[str, str] = field(default_factory=dict, repr=False)  # fence passwords typed in, by their files
    steady_s: int = STEADY_S

    def __call__(self, action: act.Action) -> None:
        """Perform one action; raises CommandFailed, NodeUnreachable, TimedOut or Refused."""
        match action:
            case rotate.ChooseSecrets():
                store.choose_secrets(self.path, action.names)
            case rotate.KeepSecrets():
                self._note(action.names)
                store.keep_secrets(self.path, action.names)
            case rotate.StoreFile():
                store.store_password(self.path.parent / action.file, self.typed[action.file])
            case act.WriteFiles():
                wanted = self.wanted()
                for path in action.paths:
                    node.put_file(self.nodes[action.node], wanted.file(Which.NEW, action.node, path))
            case _:
                self._on_the_cluster(action)

    def _on_the_cluster(self, action: act.Action) -> None:
        wanted = self.wanted()
        cluster = wanted.new.cluster
        match action:
            case rotate.ReloadKey():
                self._reload_key(wanted)
            case act.BringUpDrbd():
                drbd.bring_up(self.nodes[action.node], cluster.drbd.resource)
            case rotate.AwaitPair():
                self._await_pair(cluster.drbd.resource, [n.name for n in cluster.nodes])
            case rotate.SetPassword():
                runner = self.nodes[action.node]
                set_password(runner, wanted.new, action.name, wanted.passwords(action.name)[Which.NEW])
            case act.VerifyWrite():
                verify_write(self.nodes, wanted.new)
            case rotate.TryDevice():
                target = next(member for member in cluster.members if member.name == action.node)
                fencing.try_device(self.nodes, cluster, wanted.secrets, target, action.index)
            case rotate.PushDevice():
                another = next(runner for name, runner in self.nodes.items() if name != action.node)
                fencing.push_device(another, wanted.new, action.device)
            case _:
                raise AssertionError(action)

    def _note(self, names: Collection[str]) -> None:
        """Have every member's record follow: nobody changed these files by hand, and nothing is left to apply."""
        wanted = self.wanted()
        for runner in self.nodes.values():
            renew_record(runner, wanted.old, wanted.once(*names))

    def _reload_key(self, wanted: Wanted) -> None:
        """Have all members take the new key at once: one with another key would be alone, and fenced."""
        for name, runner in self.nodes.items():
            fact = file_facts(runner, (AUTHKEY,)).get(AUTHKEY)
            if fact is None or fact.digest != wanted.file(Which.NEW, name, AUTHKEY).digest:
                raise Refused(f"{name} does not have the new key: Corosync was not reloaded", hint="run it again")
        first, *others = self.nodes.values()
        reload_corosync(first)
        # A member that restarted half way is in a partition of its own, where nobody heard that.
        for runner in others:
            if not self._reaches_all(runner):
                runner.run(("corosync-cfgtool", "-R"), ok=None, timeout=60)
        self._await_members()
        await_quorum(first, len(self.nodes))

    def _reaches_all(self, runner: Runner) -> bool:
        answer = runner.run(corosync.LINKS, ok=None).stdout
        return corosync.parse_reachable(answer) >= len(self.nodes) - 1

    def _await_members(self) -> None:
        steady = 0

        def look() -> int:
            nonlocal steady
            steady = steady + 1 if all(self._reaches_all(runner) for runner in self.nodes.values()) else 0
            return steady

        wait_until(
            look,
            lambda looks: looks > self.steady_s,
            what="all members together with the new key",
            timeout_s=90,
            every_s=1,
            hint="corosync-cfgtool -n on each node shows who misses whom; run it again once they answer",
        )

    def _await_pair(self, resource: str, names: list[str]) -> None:
        wait_until(
            lambda: all(
                runs_its_file(self.nodes[name], resource) and drbd.is_paired(self.nodes[name], resource)
                for name in names
            ),
            bool,
            what="both sides of DRBD connected and UpToDate, with the new secret",
            timeout_s=PAIR_S,
            every_s=1,
            hint="`pcmk-ha status` shows a resync that goes on; run it again when that is over",
        )
