"""Corosync, Pacemaker and the CIB on a running member."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import PurePosixPath

from lxml import etree

from pcmk_ha.cib.items import config_digest
from pcmk_ha.cib.merge import is_merged, merge
from pcmk_ha.cib.subset import fencing_only
from pcmk_ha.desired.names import CLUSTER_UNITS, RUNNING_UNITS
from pcmk_ha.desired.values import Desired
from pcmk_ha.errors import Refused
from pcmk_ha.operate.look.service import Service, look_at_service
from pcmk_ha.operate.moves.foresee import verify_cib
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.remote.runner import Runner

WORK = "/run/pcmk-ha"
SETTLE_S = 900
CIB = "/var/lib/pacemaker/cib/cib.xml"
SCHEMAS = "/usr/share/pacemaker"
# Without any configuration Pacemaker waits 20 s for somebody else's DC. All members start together here, and
# whatever configuration a member already has is newer than this one, which goes the moment ours is loaded.
FIRST_CIB = """<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="0" num_updates="0">
  <configuration><crm_config><cluster_property_set id="cib-bootstrap-options">
    <nvpair id="cib-bootstrap-options-dc-deadtime" name="dc-deadtime" value="2s"/>
  </cluster_property_set></crm_config><nodes/><resources/><constraints/></configuration><status/>
</cib>
"""


def start_cluster(runner: Runner) -> None:
    """Start what is not running of Corosync and Pacemaker, at once, however young the boot is."""
    if runner.run(("test", "-e", CIB), ok=(0, 1)).status == 1:
        runner.put(CIB, FIRST_CIB, mode=0o600, owner="hacluster:haclient")
    runner.run(("install", "-D", "-m", "0600", "/dev/null", f"{WORK}/bootstrap"))
    runner.run(("systemctl", "daemon-reload"), timeout=60)
    runner.run(("systemctl", "start", *RUNNING_UNITS), timeout=120)


def end_packaged_cluster(runner: Runner) -> None:
    """Stop a cluster that holds no resources, and remove its CIB: it would be loaded into ours."""
    runner.run(("systemctl", "stop", *reversed(CLUSTER_UNITS)), timeout=120)
    runner.run(("sh", "-c", 'rm -f "$1"/cib*', "sh", str(PurePosixPath(CIB).parent)))


def reload_corosync(runner: Runner) -> None:
    """Have Corosync on every member read its file again."""
    runner.run(("corosync-cfgtool", "-R"), timeout=60)


def await_quorum(runner: Runner, members: int) -> None:
    """Wait for a DC, quorum and every member online: before that, a CIB change may be lost or refused."""
    wait_until(
        lambda: _members_online(runner),
        lambda seen: seen == (True, True, members),
        what=f"DC, quorum and {members} members online",
        timeout_s=90,
        hint="corosync-cfgtool -s on each node shows which link is down",
    )


def _members_online(runner: Runner) -> tuple[bool, bool, int]:
    """A DC is elected, the partition has quorum, members online."""
    outcome = runner.run(("crm_mon", "--output-as=xml", "--one-shot"), ok=None)
    if outcome.status != 0:
        return (False, False, 0)
    root = etree.fromstring(outcome.stdout.encode())
    dc = root.find("summary/current_dc")
    if dc is None or dc.get("present") != "true":
        return (False, False, 0)
    online = root.findall("nodes/node[@online='true'][@pending='false']")
    return (True, dc.get("with_quorum") == "true", len(online))


def push_fencing(runner: Runner, desired: Desired) -> None:
    """Load properties and STONITH devices only, and have the configuration in Pacemaker's newest form from then on.

    One of an older form is transformed before each decision; for the first one that a scheduler makes, in the middle of
    a failover, it reads all forms there are: a second in a lab.
    """
    live = runner.run(("cibadmin", "--query")).stdout
    if etree.fromstring(live.encode()).get("validate-with") != _newest_schema(runner):
        runner.run(("cibadmin", "--upgrade", "--force"))
    push_cib(runner, fencing_only(desired.cib))


def _newest_schema(runner: Runner) -> str:
    listed = runner.run(("find", SCHEMAS, "-name", "pacemaker-[0-9]*.rng")).stdout
    versions = [PurePosixPath(line).stem.removeprefix("pacemaker-") for line in listed.split()]
    return "pacemaker-" + max(versions, key=lambda version: [int(part) for part in version.split(".")])


def push_cib(runner: Runner, desired_cib: str, *, gone: Collection[str] = (), expected: str = "") -> None:
    """Merge into the live CIB, have Pacemaker check the result, and send the difference as one patch.

    Foreign elements stay; `gone` are keys that were ours and go. Raises Refused when the configuration is not the
    one with the digest `expected` any more: somebody else is at work. Both documents hold fence passwords: they
    exist on the node only as 0600 files in a folder that does not outlive a reboot.
    """
    live = runner.run(("cibadmin", "--query")).stdout
    refuse_changed(live, desired_cib, gone=gone, expected=expected)
    target = merge(live, desired_cib, gone)
    verify_cib(runner, target)
    names = (f"{WORK}/live.xml", f"{WORK}/target.xml")
    runner.run(("install", "-d", "-m", "0700", WORK))
    for name, text in zip(names, (live, target), strict=True):
        runner.put(name, text, mode=0o600)
    try:
        # 1 means "they differ" (crm_diff(8)), 0 that there is nothing to send
        diff = runner.run(("crm_diff", "-o", names[0], "-n", names[1], "--no-version"), ok=(0, 1))
        if diff.status == 1:
            runner.run(("cibadmin", "--patch", "--xml-pipe"), stdin=diff.stdout)
    finally:
        runner.run(("rm", "-f", *names))


def refuse_changed(live: str, desired_cib: str, *, gone: Collection[str], expected: str) -> None:
    """Raise Refused when the configuration is not the one a plan was made for, nor what it makes of it."""
    if expected and config_digest(live) != expected and not is_merged(live, desired_cib, gone):
        raise Refused(
            "the cluster's configuration was changed by somebody else since the plan was made",
            hint="it was left as it is: look at `pcmk-ha plan`, then apply again",
        )


def settle(runner: Runner) -> None:
    """Wait until Pacemaker has nothing left to do: right after a change everything still looks as before."""
    runner.run(("crm_resource", "--wait", f"--timeout={SETTLE_S}s"), timeout=SETTLE_S + 30)


def await_service(runners: Mapping[str, Runner], desired: Desired, *, timeout_s: float = 180) -> Service:
    """Wait until the service is placed, every device monitored and both disks are UpToDate or syncing."""
    runner = next(iter(runners.values()))
    return wait_until(
        lambda: look_at_service(runner, desired.cluster),
        lambda service: service.is_serving,
        what="a stable service",
        timeout_s=timeout_s,
        hint="`pcmk-ha status` shows failed actions and what to do",
    )
