"""What each planned action does to its node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pcmk_ha.desired.names import CLUSTER_UNITS, VERIFY_TIMER
from pcmk_ha.desired.values import Desired
from pcmk_ha.model.secret import Secrets
from pcmk_ha.operate.change.agents import replaces_agents, start_everything, stop_everything
from pcmk_ha.operate.change.applied import keep_record, note_beginning
from pcmk_ha.operate.change.rolling import restart_member
from pcmk_ha.operate.look.verify import verify_write
from pcmk_ha.operate.members import Members
from pcmk_ha.operate.parts import cluster, drbd, node
from pcmk_ha.operate.parts.firewall import open_firewall
from pcmk_ha.operate.parts.server import reload_server, restart_server, write_server_files
from pcmk_ha.operate.parts.volume import Volume, prepare_volume
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import change_actions as change
from pcmk_ha.remote.runner import Runner


@dataclass(frozen=True)
class Performer:
    """Knows the nodes and what they should hold; call it with an action."""

    nodes: Mapping[str, Runner]
    desired: Desired
    secrets: Secrets

    def __call__(self, action: act.Action) -> None:  # noqa: C901, PLR0912  one line for each kind of action
        """Perform one action; raises CommandFailed, NodeUnreachable or TimedOut."""
        runner = self.nodes[action.node]
        wanted = self.desired.cluster
        resource = wanted.drbd.resource
        match action:
            case act.InstallPackages():
                node.install_packages(runner, action.packages)
            case act.WriteFiles():
                for path in action.paths:
                    node.put_file(runner, node.desired_file(self.desired, action.node, path))
                node.renew_watch(runner, action.paths)
            case change.RemoveFiles():
                runner.run(("rm", "-f", "--", *action.paths))
            case act.WriteHosts():
                node.write_hosts(runner, wanted)
            case act.OpenFirewall():
                open_firewall(runner, action.firewall, wanted)
            case act.DisableUnits():
                node.disable_units(runner, action.units, stop=action.stop)
            case act.EndPackagedCluster():
                cluster.end_packaged_cluster(runner)
            case act.SetBoot():
                node.set_boot(runner, CLUSTER_UNITS, enabled=action.enabled)
            case act.SetTimer():
                node.set_timer(runner, VERIFY_TIMER, enabled=action.enabled)
            case act.WipeDisk():
                runner.run(("wipefs", "--all", action.disk))
            case act.CreateMetadata():
                drbd.create_metadata(runner, resource)
            case act.BringUpDrbd():
                drbd.bring_up(runner, resource)
            case act.SkipInitialSync():
                drbd.skip_initial_sync(runner, resource, module=self.desired.platform.drbd_module)
            case act.PrepareVolume():
                prepare_volume(Volume(runner, self.desired, self.secrets))
            case _:
                self._perform_on_cluster(runner, action)

    def _push(self, runner: Runner, action: act.PushCib) -> None:
        """Load the configuration; where a running resource gets another agent, while nothing runs."""
        live = runner.run(("cibadmin", "--query")).stdout
        stops = bool(action.expected) and replaces_agents(live, self.desired.cib)
        expected = action.expected
        if stops:
            cluster.refuse_changed(live, self.desired.cib, gone=action.gone, expected=expected)
            expected = ""  # what stops everything is a change, too
        members = Members(self.desired.cluster, self.nodes)
        try:
            if stops:
                stop_everything(members)
            cluster.push_cib(runner, self.desired.cib, gone=action.gone, expected=expected)
        finally:
            if stops:
                start_everything(members)
        if action.expected:
            cluster.settle(runner)

    def _perform_on_cluster(self, runner: Runner, action: act.Action) -> None:  # noqa: C901, PLR0912  as above
        match action:
            case act.StartCluster():
                cluster.start_cluster(runner)
            case act.ReloadCorosync():
                cluster.reload_corosync(runner)
            case act.AwaitQuorum():
                cluster.await_quorum(runner, len(self.desired.cluster.members))
            case act.PushFencing():
                cluster.push_fencing(runner, self.desired)
            case act.PushCib():
                self._push(runner, action)
            case act.WriteVolumeFiles():
                write_server_files(runner, self.desired, action.paths)
            case act.ReloadPostgresql():
                reload_server(runner, self.desired)
            case change.RestartPostgresql():
                restart_server(runner, self.desired)
            case change.RestartMember():
                restart_member(Members(self.desired.cluster, self.nodes), action.node)
            case act.AwaitService():
                cluster.await_service(self.nodes, self.desired)
            case act.VerifyWrite():
                verify_write(self.nodes, self.desired)
            case change.Remember():
                note_beginning(runner, self.desired)
            case change.KeepRecord():
                keep_record(runner, self.desired, action.generation)
            case _:
                raise AssertionError(action)
