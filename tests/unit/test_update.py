"""Packages and kernels are updated one node after the other, and what was killed on the way is gone on with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.told import Killed
from support.updated import KERNEL, UpdatedWorld

from pcmk_ha.errors import CommandFailed, PcmkHaError, Refused
from pcmk_ha.facts.aside import parse_aside, parse_node_id, set_aside
from pcmk_ha.facts.pairs import bad_pairs
from pcmk_ha.facts.software import Software, Upgrade, newest_kernel, parse_look, parse_upgrades
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.moves.switchover import switch_over
from pcmk_ha.operate.tell import Say, Told
from pcmk_ha.operate.update.update import Intent, Update
from pcmk_ha.plan.boots import Boots
from pcmk_ha.plan.update import Found, boot_reasons, foreseen_boot, order
from pcmk_ha.plan.update_gate import foretell, reasons_against_update

pytestmark = pytest.mark.usefixtures("no_waiting")


def work(world: UpdatedWorld, mode: Boots = Boots.NEEDED) -> Update:
    def switch(node: str, say: Say) -> None:
        with world.reached() as members:
            switch_over(members, node, Told(say))

    return Update(world.cluster, world.reached, switch, Told(), mode, settle_s=1)


def run(world: UpdatedWorld, mode: Boots = Boots.NEEDED) -> Intent:
    update = work(world, mode)
    intent = update.prepare()
    intent.check()
    list(update.run(intent))
    return intent


# --- the whole run


def test_the_arbiter_is_updated_first_then_the_standby_and_after_one_switchover_the_other(
    with_arbiter: Cluster,
) -> None:
    world = UpdatedWorld(with_arbiter)
    assert run(world).order == ("arbiter", "node2", "node1")
    steps = ("aside", "stop", "install", "reboot", "release")
    assert world.did == [f"{step} {node}" for node in ("arbiter", "node2", "node1") for step in steps]
    assert (world.moves, world.promoted, world.broken, world.aside) == (1, "node2", [], set())
    assert world.is_whole
    assert run(world).order == ()


def test_without_a_boot_the_cluster_is_started_again_on_each_node(minimal: Cluster) -> None:
    world = UpdatedWorld(minimal)
    for machine in world.machines.values():
        machine.pending = ["corosync"]
    run(world)
    steps = ("aside", "stop", "install", "start", "release")
    assert world.did == [f"{step} {node}" for node in ("node2", "node1") for step in steps]
    assert (world.moves, world.broken) == (1, [])


@pytest.mark.parametrize(("mode", "boots"), [(Boots.NEVER, 1), (Boots.ALWAYS, 2)])
def test_when_to_reboot_may_be_told(minimal: Cluster, mode: Boots, boots: int) -> None:
    world = UpdatedWorld(minimal)
    for machine in world.machines.values():
        machine.pending = ["corosync"] if mode is Boots.ALWAYS else ["libc6"]
    run(world, mode)
    assert [machine.boot for machine in world.machines.values()] == [boots, boots]
    assert run(world, mode).order == ()


def test_a_node_that_is_up_to_date_is_left_alone_and_a_standby_alone_costs_no_switchover(minimal: Cluster) -> None:
    world = UpdatedWorld(minimal)
    world.machines["node1"].pending = []
    assert run(world).order == ("node2",)
    assert (world.moves, world.machines["node1"].boot) == (0, 1)


def test_where_the_cluster_does_not_start_at_boot_it_is_started(minimal: Cluster) -> None:
    world = UpdatedWorld(minimal.model_copy(update={"start_on_boot": False}))
    run(world)
    assert world.is_whole
    assert world.did.count("start node2") == 1


@pytest.mark.parametrize(
    ("arbiter", "mode"), [(False, Boots.NEEDED), (False, Boots.NEVER), (False, Boots.ALWAYS), (True, Boots.NEEDED)]
)
def test_a_run_killed_at_any_command_is_finished_by_the_next(
    minimal: Cluster, with_arbiter: Cluster, arbiter: bool, mode: Boots
) -> None:
    cluster = with_arbiter if arbiter else minimal
    for kill_at in range(10**6):
        world = UpdatedWorld(cluster, kill_at=kill_at)
        try:
            run(world, mode)
        except Killed:
            world.killed, world.kill_at = False, None
        else:
            break
        run(world, mode)
        assert (world.moves, world.promoted, world.broken, world.aside) == (1, "node2", [], set()), kill_at
        assert world.is_whole, kill_at
        assert not any(machine.pending for machine in world.machines.values()), kill_at
        boots = 1 if mode is Boots.NEVER else 2
        assert {machine.boot for machine in world.machines.values()} == {boots}, kill_at
    assert kill_at > 40


def test_an_administrators_standby_is_refused_and_never_cleared(minimal: Cluster) -> None:
    world = UpdatedWorld(minimal, standby={"node2"})
    with pytest.raises(Refused, match="node2 is in standby"):
        run(world)
    assert (world.did, world.standby) == ([], {"node2"})


def test_the_second_node_is_not_touched_while_the_first_is_not_whole(minimal: Cluster) -> None:
    world = UpdatedWorld(minimal, fails="node2")
    with pytest.raises(CommandFailed, match=r"(?s)could not be installed: dpkg: error.*") as raised:
        run(world)
    assert "the service is up" in raised.value.hint
    assert (world.moves, world.promoted, world.aside) == (0, "node1", {"node2"})
    assert not any("node1" in deed for deed in world.did)
    world.fails = ""
    run(world)
    assert (world.moves, world.broken, world.is_whole) == (1, [], True)


def test_a_kernel_without_drbd_is_refused_before_anything_is_touched(minimal: Cluster) -> None:
    world = UpdatedWorld(minimal)
    world.machines["node2"].kernels.append("6.12.57+deb13-amd64")
    with pytest.raises(Refused, match=r"node2: kernel 6\.12\.57\+deb13-amd64, which the next boot starts, has no DRBD"):
        run(world)
    assert world.did == []


def test_a_kernel_that_turns_out_to_have_no_drbd_is_not_booted_and_stops_the_run(minimal: Cluster) -> None:
    """As when DKMS could not build it: the node is brought back as it runs, and the other one is left alone."""

    class Surprise(UpdatedWorld):
        def pass_time(self) -> None:
            super().pass_time()
            machine = self.machines["node2"]
            if "libc6" in machine.changed and len(machine.kernels) == 1:
                machine.kernels.append("6.12.57+deb13-amd64")

    world = Surprise(minimal)
    with pytest.raises(PcmkHaError, match="has no DRBD module"):
        run(world)
    assert (world.machines["node2"].boot, world.moves, world.is_whole) == (1, 0, True)
    assert not any("node1" in deed for deed in world.did)


def test_a_dry_run_changes_nothing(minimal: Cluster) -> None:
    world = UpdatedWorld(minimal)
    intent = work(world).prepare(dry_run=True)
    assert world.did == []
    assert intent.order == ("node2", "node1")
    assert "node1 serves: the service moves to node2 first" in " ".join(intent.lines)


# --- what is read


def test_an_upgrade_is_read_as_apt_get_simulates_it(outputs: Path) -> None:
    upgrades, kept = parse_upgrades((outputs / "apt/upgrade-bookworm.txt").read_text())
    found = {upgrade.package: upgrade for upgrade in upgrades}
    assert found["base-files"] == Upgrade("base-files", "12.4+deb12u11", "12.4+deb12u15")
    assert "postgresql-15" in found
    assert kept == ()
    upgrades, _kept = parse_upgrades((outputs / "apt/new-kernel-bookworm.txt").read_text())
    assert Software(upgrades=upgrades).new_kernels == ("6.1.0-56-amd64",)


def test_packages_that_are_kept_back_are_read() -> None:
    text = "The following packages have been kept back:\n  corosync\n  pacemaker\n"
    assert parse_upgrades(f"{text}The following packages will be upgraded:\n  tzdata\n")[1] == ("corosync", "pacemaker")


def test_kernels_are_sorted_as_boot_loaders_do() -> None:
    assert newest_kernel(["6.1.0-9-amd64", "6.1.0-37-amd64", "6.1.0-10-amd64"]) == "6.1.0-37-amd64"
    assert newest_kernel(["6.12.48+deb13-amd64", "6.12.6-amd64"]) == "6.12.48+deb13-amd64"
    assert newest_kernel([]) == ""


def test_a_node_is_read(outputs: Path) -> None:
    found = parse_look((outputs / "apt/look-trixie.txt").read_text(), "")
    assert found.next_kernel == found.running
    assert found.running in found.drbd
    assert found.active == {"corosync.service", "pacemaker.service"}
    assert set(found.versions) == {"corosync", "pacemaker", "drbd-utils"}
    assert not boot_reasons(found, holds_data=True)


# --- boots


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"changed": ("linux-image-6.12.48+deb13-amd64",)}, ("linux-image-6.12.48+deb13-amd64",)),
        ({"changed": ("libc6", "tzdata")}, ("libc6",)),
        ({"required": "dbus"}, ("dbus",)),
        ({"required": ""}, ("/run/reboot-required",)),
        ({"replaced": True}, ("another DRBD module",)),
        ({"changed": ("corosync",), "kernels": (KERNEL, "9.9.9")}, ()),  # it was there before: somebody's choice
    ],
)
def test_a_boot_is_wanted_for_a_reason(changes: dict[str, object], why: tuple[str, ...]) -> None:
    assert boot_reasons(replace(Software(), **changes), holds_data=True) == why  # type: ignore[arg-type]


def test_a_boot_is_foreseen_from_what_will_be_installed() -> None:
    found = Software(upgrades=(Upgrade("libc6", "1", "2"), Upgrade("tzdata", "1", "2")))
    assert foreseen_boot(found, Boots.NEEDED, holds_data=True) == ("libc6",)
    assert foreseen_boot(found, Boots.NEVER, holds_data=True) == ()
    assert foreseen_boot(Software(), Boots.ALWAYS, holds_data=True) == ()


# --- gates


def reasons(cluster: Cluster, carriers: tuple[str, ...] = (), **changes: object) -> str:
    """Why node2 must not be updated, with these changes to what it is."""
    good = Software(
        kernels=(KERNEL,), running=KERNEL, drbd={KERNEL: "8.4.11"},
        versions={"pacemaker": "3.0.0-2", "corosync": "3.1.9-2"},
    )  # fmt: skip
    found = Found({"node1": good, "node2": replace(good, **changes)}, "node1")  # type: ignore[arg-type]
    return "; ".join(reasons_against_update(cluster, found, Boots.NEEDED, {"node2": frozenset(carriers)}))


def test_only_minor_versions_of_postgresql_and_of_the_release_are_updates(minimal: Cluster) -> None:
    assert reasons(minimal, upgrades=(Upgrade("postgresql-17", "17.6-0+deb13u1", "17.7-0+deb13u1"),)) == ""
    assert "change of the major version" in reasons(minimal, upgrades=(Upgrade("postgresql-18", "", "18.1-1"),))
    assert reasons(minimal, upgrades=(Upgrade("base-files", "13.8+deb13u1", "13.8+deb13u2"),)) == ""
    assert "another release" in reasons(minimal, upgrades=(Upgrade("base-files", "13.8+deb13u1", "14.1"),))


def test_a_new_kernel_must_bring_drbd_with_it_or_the_means_to_build_it(minimal: Cluster) -> None:
    new = Upgrade("linux-image-6.12.57+deb13-amd64", "", "6.12.57-1")
    assert "has no DRBD module" in reasons(minimal, upgrades=(new,))
    assert reasons(minimal, ("6.12.57+deb13-amd64",), upgrades=(new,)) == ""
    assert "linux-headers-6.12.57+deb13-amd64" in reasons(minimal, upgrades=(new,), dkms=True)


def test_every_reason_is_said_at_once(minimal: Cluster) -> None:
    said = reasons(
        minimal, upgrades=(Upgrade("postgresql-18", "", "18.1-1"), Upgrade("corosync", "3.1.9-2", "4.0.0-1")), drbd={}
    )
    assert all(words in said for words in ("major version", "Corosync", "no DRBD module"))


@pytest.mark.parametrize(
    ("what", "new", "other", "bad"),
    [
        ("pacemaker", "3.0.0-2", "2.1.5-1+deb12u1", False),
        ("pacemaker", "3.0.0-2", "1.1.24-0", True),
        ("pacemaker", "2.1.5-1", "1.1.10-0", True),
        ("pacemaker", "3.0.0-2", "3.0.0-1", False),
        ("corosync", "3.1.9-2", "3.1.7-1", False),
        ("corosync", "3.1.9-2", "2.4.3-0", True),
        ("drbd", "9.2.15-1", "9.0.25-1", True),
        ("drbd", "9.2.15-1", "9.0.32-1", False),
        ("drbd", "9.2.15-1", "8.4.11", True),
        ("drbd", "9.2.15-1", "", False),
    ],
)
def test_versions_that_do_not_go_together_are_known(what: str, new: str, other: str, bad: bool) -> None:
    assert bool(list(bad_pairs(what, new, other))) is bad


def test_what_was_begun_comes_first_and_what_is_away_is_named(with_arbiter: Cluster) -> None:
    found = Found({"node1": Software(upgrades=(Upgrade("tzdata", "1", "2"),))}, "node1", aside=frozenset({"node2"}))
    assert order(with_arbiter, found, Boots.NEEDED) == ("node2", "node1")
    said = list(foretell(with_arbiter, found, Boots.NEEDED, {}))
    assert said[0].startswith("node2: boots since an earlier run")


# --- our standby


def test_our_standby_is_told_from_an_administrators() -> None:
    command = set_aside("node2", "2")
    text = command[-1]
    assert parse_aside(f"<nodes>{text}</nodes>") == {"node2"}
    theirs = '<nodes><node id="2" uname="node2"><instance_attributes id="nodes-2"><nvpair id="nodes-2-standby" '
    theirs += 'name="standby" value="on"/></instance_attributes></node></nodes>'
    assert parse_aside(theirs) == frozenset()
    assert parse_aside("") == frozenset()
    assert parse_node_id(theirs, "node2") == "2"
