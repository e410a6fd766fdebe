"""What a replacement does marks the new machine first, and moves a member without a restart of the others."""

from __future__ import annotations

import pytest
from support.fake_node import FakeNode
from support.files import MINIMAL
from support.planned import desired_of
from support.widowed import MOVED

from pcmk_ha.desired.names import COROSYNC_CONF
from pcmk_ha.errors import CommandFailed
from pcmk_ha.operate.change.perform import Performer
from pcmk_ha.operate.replace.observe import MARK
from pcmk_ha.operate.replace.perform import Replacing
from pcmk_ha.operate.secrets import placeholder_secrets
from pcmk_ha.plan import actions as act
from pcmk_ha.plan import replace_actions as rep
from pcmk_ha.plan.corosync import flatten, moved, without_node


def test_the_mark_is_on_the_machine_before_it_is_in_the_cluster_and_stays_the_same() -> None:
    speaker = FakeNode("node1", {"crm_attribute": "", "cibadmin --delete": (105, "", "gone already")})
    machine = FakeNode("node2", {})
    desired = desired_of(MINIMAL)
    secrets = placeholder_secrets(desired.cluster)
    nodes = {"node1": speaker, "node2": machine}
    work = Replacing("node2", nodes, speaker, Performer(nodes, desired, secrets))
    speaker.answer("crm_attribute", (1, "", "not connected"))
    with pytest.raises(CommandFailed):
        work(rep.MarkReplacement("node2"))
    mark = machine.files[MARK]
    speaker.answer("crm_attribute", "")
    work(rep.MarkReplacement("node2"))
    assert machine.files[MARK] == mark
    assert speaker.ran[-1][-2:] == ("--update", mark.strip())
    work(rep.ForgetStatus("node2"))
    assert [argv[-1] for argv in speaker.ran[-2:]] == [
        "//node_state[@uname='node2']/transient_attributes", "//node_state[@uname='node2']/lrm",
    ]  # fmt: skip


def test_a_member_that_moves_is_taken_out_of_corosync_and_put_in_again_with_its_id() -> None:
    old, new = desired_of(MINIMAL), desired_of(MOVED)
    confs = [next(f.content for f in d.files["node1"] if f.path == COROSYNC_CONF) for d in (old, new)]
    assert moved(confs[1], cmap_of(confs[0]))
    assert not moved(confs[0], cmap_of(confs[0]))
    short = without_node(confs[1], "node2")
    assert "node2" not in short
    assert "nodeid: 1" in short
    speaker, machine = FakeNode("node1", {}, files={COROSYNC_CONF: confs[1]}), FakeNode("node2", {})
    loaded: list[str] = [confs[0]]
    speaker.answer("corosync-cmapctl", lambda _stdin: cmap_of(loaded[-1]))
    speaker.answer("corosync-cfgtool -R", lambda _stdin: loaded.append(speaker.files[COROSYNC_CONF]) or "")
    nodes = {"node1": speaker, "node2": machine}
    work = Replacing("node2", nodes, speaker, Performer(nodes, new, placeholder_secrets(new.cluster)))
    work(act.ReloadCorosync("node1"))
    assert loaded[1:] == [short, confs[1]]
    work(act.ReloadCorosync("node1"))
    assert loaded[3:] == [confs[1]], "nobody has moved since"
    assert speaker.files[COROSYNC_CONF] == confs[1]


def cmap_of(conf: str) -> str:
    return "".join(f"{key} (str) = {value}\n" for key, value in flatten(conf).items())
