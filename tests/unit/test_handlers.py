"""The fence-peer handler says "go on" only when the peer provably takes no writes.

The real script runs under dash; the cluster's programs are stand-ins that print what the real ones printed
in a lab (Pacemaker 2.1.5 and 3.0.0), from files the test puts there.
"""

from __future__ import annotations

import shutil
import stat
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pcmk_ha.assets import find_folder

HOME = find_folder("templates") / "usr/local/lib/pcmk-ha"
ID = "drbd-fence-by-handler-pgdata-drbd_pgdata-clone"
OURS = f'<rsc_location id="{ID}"><rule><expression operation="ne" value="node1"/></rule></rsc_location>'
THEIRS = OURS.replace("node1", "node2")
DOWN, ALIVE, LOST = ("false", "false"), ("true", "false"), ("false", "true")  # online, unclean
QUORUM = """Quorum information
------------------
Date:             Tue Nov 24 21:30:37 2026
Nodes:            2
Quorate:          {}
"""

CIBADMIN = r"""#!/bin/sh
echo "cibadmin $*" >> "$WORLD/calls"
node=here
while [ $# -gt 0 ]; do
  case $1 in
    --bump) exit 0;;
    --create) verb=create;; --delete) verb=delete;; --query) verb=query;;
    --node) shift; node=$1;; --xpath) shift; xpath=$1;; --xml-text) shift; xml=$1;;
  esac
  shift
done
[ ! -e "$WORLD/broken" ] || exit 102
case $verb in
  create)
    [ -e "$WORLD/no-quorum" ] && exit 109
    [ -e "$WORLD/unmanaged" ] && exit 78
    [ -s "$WORLD/constraint" ] && exit 76
    printf '%s\n' "$xml" > "$WORLD/constraint"
    [ -e "$WORLD/peer-follows" ] && cp "$WORLD/constraint" "$WORLD/peer-constraint"
    exit 0;;
  delete) rm -f "$WORLD/constraint"; exit 0;;
esac
case $xpath in
  *"@id='drbd_pgdata-clone'"*) [ -e "$WORLD/unmanaged" ] && exit 105; exit 0;;
  *) file=$WORLD/constraint; [ "$node" = here ] || file=$WORLD/peer-constraint
     [ -s "$file" ] || exit 105; cat "$file";;
esac
"""
CRM_MON = '#!/bin/sh\ncat "$WORLD/crm_mon"\n'
QUORUMTOOL = '#!/bin/sh\ncat "$WORLD/quorum"\n'
# Without --verbose Pacemaker shows one fencing of a node, the oldest.
STONITH = r"""#!/bin/sh
case "$*" in
  *--verbose*) cat "$WORLD/history";;
  *) echo "<list>"; sed -n '/<fence_event/p' "$WORLD/history" | sed -n '$p'; echo "</list>";;
esac
"""
DRBDADM = '#!/bin/sh\ncat "$WORLD/$1"\n'


class World:
    """What the cluster's programs answer on this node."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.fencings: list[str] = []
        self.bin.mkdir()
        scripts = {"cibadmin": CIBADMIN, "stonith_admin": STONITH, "drbdadm": DRBDADM,
                   "crm_mon": CRM_MON, "corosync-quorumtool": QUORUMTOOL, "logger": "#!/bin/sh\n",
                   "uname": "#!/bin/sh\necho node1\n"}  # fmt: skip
        for name, text in scripts.items():
            path = self.bin / name
            path.write_text(text)
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        for name in ("date", "sleep", "sed", "grep", "cat", "cp", "rm", "flock", "setsid"):
            (self.bin / name).symlink_to(shutil.which(name) or "")
        self.set("dstate", "UpToDate/DUnknown")
        self.set("role", "Secondary/Unknown")
        self.set("cstate", "WFConnection")
        self.set("history", "<pacemaker-result/>")
        self.set("quorum", QUORUM.format("Yes"))
        self.state(ALIVE)

    def set(self, name: str, text: str) -> None:
        (self.root / name).write_text(text + "\n")

    def state(self, seen: tuple[str, str]) -> None:
        """Have crm_mon (2.1 and 3.0 print the same here) see the peer online or not, unclean or not."""
        node = (
            '    <node name="{}" id="{}" online="{}" standby="false" standby_onfail="false" maintenance="false" '
            'pending="false" unclean="{}" health="green" shutdown="false" is_dc="false" type="member"/>'
        )
        both = (node.format("node1", 1, "true", "false"), node.format("node2", 2, *seen))
        running = '      <node name="node2" id="2" cached="true"/>'
        self.set("crm_mon", "\n".join(["<nodes>", *both, "</nodes>", "<resources>", running, "</resources>"]))

    def members(self, *names: str) -> None:
        """Have Corosync, with quorum, count these members; the first one is this node."""
        lines = [f"         {n}          1 {name}" for n, name in enumerate(names, 1)]
        head = ["Membership information", "----------------------", "    Nodeid      Votes Name", f"{lines[0]} (local)"]
        self.set("quorum", "\n".join([QUORUM.format("Yes"), *head, *lines[1:]]))

    def reconnect(self) -> None:
        """Have DRBD see its peer again, both sides good."""
        self.set("cstate", "Connected")
        self.set("dstate", "UpToDate/UpToDate")

    def fenced(
        self, *, seconds_ago: float, status: str = "success", target: str = "node2", action: str = "reboot"
    ) -> None:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() - seconds_ago))
        self.fencings.insert(
            0,
            f'    <fence_event action="{action}" target="{target}" client="pacemaker-controld.1151" origin="node1" '
            f'status="{status}" delegate="node1" completed="{when}.007335Z"/>',
        )
        head = f'<pacemaker-result>\n  <list name="fencing history" count="{len(self.fencings)}">'
        self.set("history", "\n".join([head, *self.fencings, "  </list>", "</pacemaker-result>"]))

    def run(
        self, name: str = "drbd-fence-peer", *arguments: str, wait: int = 1, pauses: int = 5, **environment: str
    ) -> int:
        for script in HOME.iterdir():
            text = script.read_text().replace("PATH=/usr/sbin:/usr/bin:/sbin:/bin", f"PATH={self.bin}")
            text = text.replace("HINT=/run/", f"HINT={self.root}/").replace("AFTER_SERVICE=5", "AFTER_SERVICE=1")
            text = text.replace("PAUSES=10", f"PAUSES={pauses}")
            text = text.replace("/run/lock/", f"{self.root}/lock-").replace("TRIES=20", "TRIES=3")
            text = text.replace("WAIT_SECONDARY=90", f"WAIT_SECONDARY={wait}").replace("PAUSE=3", "PAUSE=0.2")
            text = text.replace("WAIT_PRIMARY=86400", f"WAIT_PRIMARY={wait}")
            (self.root / script.name).write_text(text)
            (self.root / script.name).chmod(0o755)
        given = {"DRBD_RESOURCE": "pgdata", "DRBD_PEER": "node2"} | environment
        variables = {"WORLD": str(self.root), **{k: v for k, v in given.items() if v}}
        command = ["dash", str(self.root / name), *arguments]
        return subprocess.run(command, env=variables, timeout=30, check=False).returncode

    def lacks_constraint_soon(self) -> bool:
        for _ in range(50):
            if not self.constraint:
                return True
            time.sleep(0.1)
        return False

    @property
    def calls(self) -> str:
        path = self.root / "calls"
        return path.read_text() if path.exists() else ""

    @property
    def constraint(self) -> str:
        path = self.root / "constraint"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_fenced_peer_is_confirmed_and_kept_from_promotion(world: World) -> None:
    world.state(DOWN)
    assert world.run() == 7
    assert 'operation="ne" value="node1"' in world.constraint
    assert 'rsc="drbd_pgdata-clone"' in world.constraint


def test_a_peer_that_is_only_lost_is_not_taken_for_fenced(world: World) -> None:
    world.state(LOST)
    assert world.run() == 1


@pytest.mark.parametrize("role", ["Primary/Unknown", "Secondary/Unknown"])
def test_an_isolated_node_believes_nothing_and_writes_nothing(world: World, role: str) -> None:
    """Cut off with an arbiter on the other side, it takes its peer for stopped, or for fenced by an old history."""
    world.set("role", role)
    world.set("quorum", QUORUM.format("No"))
    world.state(DOWN)
    world.fenced(seconds_ago=1)
    world.set("peer-follows", "")
    assert world.run() == 1
    assert not world.constraint


def test_a_peer_that_looks_online_is_not_believed_without_its_own_word(world: World) -> None:
    assert world.run() == 1
    assert world.constraint


def test_a_living_peer_that_has_read_the_constraint_lets_us_go_on(world: World) -> None:
    world.set("peer-follows", "")
    assert world.run() == 4


def test_a_peer_that_answers_with_another_constraint_does_not(world: World) -> None:
    world.set("peer-constraint", '<rsc_location><expression value="node2"/></rsc_location>')
    assert world.run() == 1


@pytest.mark.parametrize(("members", "asked"), [("node1", False), ("node1 node2", True), ("192.0.2.11", True)])
def test_only_a_peer_that_corosync_counts_is_asked(world: World, members: str, asked: bool) -> None:
    """Nobody answers for one that is gone, and the fencer's word would be heard two seconds later each time."""
    world.set("peer-follows", "")
    world.members(*members.split())
    assert world.run() == (4 if asked else 1)
    assert ("--node node2" in world.calls) == asked


def test_a_peer_that_reboots_and_rejoins_at_once_is_confirmed_by_the_fencers_history(world: World) -> None:
    world.fenced(seconds_ago=20)
    assert world.run() == 7


def soon(holds: Callable[[], object]) -> bool:
    deadline = time.monotonic() + 5
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(holds())


@pytest.mark.parametrize("role", ["Primary/Unknown", "Secondary/Unknown"])
def test_who_lost_a_peer_that_was_fenced_and_is_gone_does_not_disturb_the_failover(world: World, role: str) -> None:
    """The constraint makes Pacemaker plan anew: it is written when the service is up, before the peer can be back."""
    world.set("role", role)
    world.fenced(seconds_ago=1)
    world.members("node1")
    assert world.run() == 7
    assert not world.constraint
    assert soon(lambda: world.constraint)


@pytest.mark.parametrize("role", ["Primary/Unknown", "Secondary/Unknown"])
def test_a_fenced_peer_that_wrote_into_its_own_copy_meanwhile_does_not_win(world: World, role: str) -> None:
    """It was alone, and forbade our promotion there: of two copies Pacemaker takes the one with the higher epoch."""
    world.set("role", role)
    world.fenced(seconds_ago=1)
    world.members("node1")
    assert world.run() == 7
    assert soon(lambda: world.calls.count("--bump") == 2)
    changes = [
        call.split()[1] for call in world.calls.splitlines() if call.startswith("cibadmin") and "--query" not in call
    ]
    assert changes == ["--create", "--bump", "--bump"]


def test_a_constraint_that_comes_too_late_to_count_does_not_stay(world: World) -> None:
    world.fenced(seconds_ago=1)
    world.members("node1")
    assert world.run() == 7
    world.reconnect()
    assert soon(lambda: world.constraint)
    assert world.lacks_constraint_soon()


def test_a_promotion_asks_for_the_peers_constraint_even_when_the_peer_is_gone(world: World) -> None:
    world.fenced(seconds_ago=1)
    world.members("node1")
    world.set("constraint", THEIRS)
    assert world.run() == 1
    time.sleep(1.5)
    assert world.constraint.strip() == THEIRS


@pytest.mark.parametrize("role", ["Primary/Unknown", "Secondary/Unknown"])
def test_nobody_is_believed_who_is_gone_and_was_not_fenced(world: World, role: str) -> None:
    """Both links may be cut. Alone, this side writes nothing that would be taken for newer when they are back."""
    world.set("role", role)
    world.members("node1")
    world.state(LOST)
    assert world.run() == 1
    assert not world.constraint


@pytest.mark.parametrize("role", ["Primary/Unknown", "Secondary/Unknown"])
def test_a_peer_that_left_in_good_order_is_forbidden_to_be_promoted_first(world: World, role: str) -> None:
    world.set("role", role)
    world.members("node1")
    world.state(DOWN)
    assert world.run() == 7
    assert world.constraint


def test_a_configuration_that_cannot_be_read_proves_nothing(world: World) -> None:
    world.fenced(seconds_ago=1)
    world.members("node1")
    world.set("broken", "")
    assert world.run() == 1


def test_a_fencing_is_heard_of_at_once(world: World) -> None:
    """Without fence_pcmk_ha's word the next look would be seconds away."""
    world.set("role", "Primary/Unknown")
    found: list[int] = []
    handler = threading.Thread(target=lambda: found.append(world.run(wait=20, pauses=100)))
    handler.start()
    assert soon(lambda: world.constraint)  # the first round
    time.sleep(1)
    world.fenced(seconds_ago=0)
    world.set("pcmk-ha-off-node2", "812.11")
    handler.join(4)
    assert found == [7]


def test_a_primary_takes_no_older_fencing_for_the_present_loss(world: World) -> None:
    world.set("role", "Primary/Unknown")
    world.fenced(seconds_ago=60)
    assert world.run() == 1
    world.fenced(seconds_ago=2)
    assert world.run() == 7


def test_a_promotion_takes_no_fencing_of_long_ago(world: World) -> None:
    world.fenced(seconds_ago=3600)
    assert world.run() == 1


@pytest.mark.parametrize("role", ["Primary/Unknown", "Secondary/Unknown"])
def test_a_peer_that_was_fenced_before_is_confirmed_by_its_latest_fencing(world: World, role: str) -> None:
    """It boots already, so nothing but the history tells."""
    world.set("role", role)
    world.fenced(seconds_ago=3600)
    world.fenced(seconds_ago=1)
    assert world.run() == 7


@pytest.mark.parametrize(
    "event", [{"status": "failed"}, {"status": "pending"}, {"target": "node3"}, {"action": "on"}], ids=str
)
def test_only_a_successful_power_cut_of_the_peer_counts(world: World, event: dict[str, str]) -> None:
    world.fenced(seconds_ago=1, **event)  # type: ignore[arg-type]
    assert world.run() == 1


def test_without_a_constraint_nothing_is_certain(world: World) -> None:
    world.set("no-quorum", "")
    world.state(DOWN)
    assert world.run() == 1


def test_a_promotion_before_the_cluster_has_the_resource_does_not_wait_for_it(world: World) -> None:
    """The connection broke while bootstrap prepared the volume: DRBD cannot mend it before the handler ends."""
    world.set("unmanaged", "")
    began = time.monotonic()
    assert world.run(wait=60) == 1
    assert time.monotonic() - began < 5


def test_the_peers_constraint_is_never_overridden(world: World) -> None:
    world.set("constraint", THEIRS)
    world.state(DOWN)
    world.fenced(seconds_ago=1)
    assert world.run() == 1
    assert world.constraint.strip() == THEIRS


@pytest.mark.parametrize(
    "disk", ["Inconsistent/DUnknown", "Outdated/DUnknown", "Consistent/DUnknown", "Diskless/DUnknown", ""]
)
def test_a_node_without_good_data_never_fences_the_peer_for_it(world: World, disk: str) -> None:
    world.set("dstate", disk)
    world.state(DOWN)
    assert world.run() == 1
    assert not world.constraint


def test_a_peer_that_comes_back_meanwhile_ends_the_wait(world: World) -> None:
    world.set("cstate", "Connected")
    assert world.run(wait=60) == 1
    assert world.constraint


def test_a_link_that_comes_back_before_io_went_on_leaves_no_constraint(world: World) -> None:
    """DRBD 8.4 calls unfence-peer after a resync, and here nothing was written that could be resynced."""
    world.reconnect()
    assert world.run(wait=60) == 1
    assert world.lacks_constraint_soon()


def test_an_answer_that_comes_too_late_to_count_leaves_no_constraint(world: World) -> None:
    world.set("peer-follows", "")
    world.reconnect()
    assert world.run() == 4
    assert world.lacks_constraint_soon()


def test_drbd_9_names_its_peer_by_number(world: World) -> None:
    world.state(DOWN)
    assert world.run(DRBD_PEER="", DRBD_PEER_NODE_ID="1", DRBD_NODE_ID_0="node1", DRBD_NODE_ID_1="node2") == 7


def test_an_unnamed_peer_is_not_guessed(world: World) -> None:
    world.state(DOWN)
    assert world.run(DRBD_PEER="") == 1


@pytest.mark.parametrize("connection", ["Connected", "VerifyS"])
def test_the_constraint_goes_when_both_sides_are_good_again(world: World, connection: str) -> None:
    world.set("constraint", OURS)
    world.reconnect()
    world.set("cstate", connection)
    assert world.run("drbd-unfence-peer", "--wait") == 0
    assert not world.constraint
    assert world.run("drbd-unfence-peer", "--wait") == 0


def test_drbd_is_not_kept_waiting_for_the_removal(world: World) -> None:
    world.set("constraint", OURS)
    assert world.run("drbd-unfence-peer") == 0
    world.reconnect()
    assert world.lacks_constraint_soon()


@pytest.mark.parametrize(
    ("connection", "disks"),
    [
        ("WFConnection", "UpToDate/DUnknown"),
        ("SyncSource", "UpToDate/Inconsistent"),
        ("Connected", "UpToDate/Outdated"),
    ],
)
def test_the_constraint_stays_while_the_peer_is_behind(world: World, connection: str, disks: str) -> None:
    world.set("constraint", OURS)
    world.set("cstate", connection)
    world.set("dstate", disks)
    assert world.run("drbd-unfence-peer", "--wait") == 1
    assert world.constraint


def test_the_peers_constraint_is_its_own_to_remove(world: World) -> None:
    """It may have lost us, and gone on without us, seconds before we notice."""
    world.set("constraint", THEIRS)
    world.reconnect()
    assert world.run("drbd-unfence-peer", "--wait") == 0
    assert world.constraint


def test_the_constraint_stays_while_a_fence_handler_relies_on_it(world: World) -> None:
    world.set("constraint", OURS)
    world.reconnect()
    with subprocess.Popen(["flock", "--shared", str(world.root / "lock-drbd-fence-peer-pgdata"), "sleep", "3"]):
        time.sleep(0.2)
        assert world.run("drbd-unfence-peer", "--wait") == 1
        assert world.constraint
