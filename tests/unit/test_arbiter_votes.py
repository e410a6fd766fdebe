"""Corosync's word on its votes decides: what does not come is taken back, and nothing is reloaded too early."""

from __future__ import annotations

import pytest
from support.fake_node import FakeNode
from support.votes import THIRD
from support.voting import SIDES

from pcmk_ha.desired.names import COROSYNC_CONF
from pcmk_ha.errors import Refused, TimedOut
from pcmk_ha.facts.corosync import parse_quorum
from pcmk_ha.operate.arbiter.look import known_nodes
from pcmk_ha.operate.arbiter.votes import change_votes
from pcmk_ha.plan.arbiter import counts_all


@pytest.mark.parametrize(
    ("votes", "expected", "flags", "wanted", "right"),
    [
        (2, 2, "2Node Quorate WaitForAll", 2, True),
        (3, 3, "Quorate", 3, True),
        (2, 3, "Quorate", 3, False),  # the third is not there
        (2, 3, "Quorate", 2, False),  # not reloaded
        (3, 3, "2Node Quorate WaitForAll", 3, False),
    ],
)
def test_votes_are_counted(votes: int, expected: int, flags: str, wanted: int, right: bool) -> None:
    text = (
        f"Quorate:          Yes\nExpected votes:   {expected}\nTotal votes:      {votes}\nFlags:            {flags}\n"
    )
    assert counts_all(parse_quorum(text), wanted) is right
    assert not counts_all(None, wanted)


def answers(votes: int, expected: int, flags: str = "Quorate") -> str:
    return (
        f"Quorate:          Yes\nExpected votes:   {expected}\nTotal votes:      {votes}\nFlags:            {flags}\n"
    )


ASK = "sh -c corosync-quorumtool -s"


def test_a_third_vote_that_does_not_come_is_taken_back() -> None:
    nodes = {name: FakeNode(name, {ASK: answers(2, 3)}) for name in ("node1", "node2")}
    nodes[THIRD] = FakeNode(THIRD, {ASK: answers(1, 3, "")})
    reloads = []

    def reload_(_stdin: str) -> str:
        reloads.append([nodes[name].files.get(COROSYNC_CONF, "") for name in ("node1", "node2")])
        for name in ("node1", "node2"):
            nodes[name].answer(ASK, answers(2, 3 if len(reloads) == 1 else 2, "2Node Quorate WaitForAll"))
        return ""

    nodes["node1"].answer("corosync-cfgtool -R", reload_)
    with pytest.raises(TimedOut) as caught:
        change_votes(nodes, SIDES, 3, join_s=0.01)
    assert "count two votes again" in caught.value.hint
    assert len(reloads) == 2
    wanted = next(f.content for f in SIDES.two.files["node1"] if f.path == COROSYNC_CONF)
    assert reloads[1] == [wanted, wanted], "both files before the one reload"
    assert THIRD not in nodes[THIRD].files


def test_nothing_is_reloaded_while_the_third_does_not_wait_for_it() -> None:
    nodes = {name: FakeNode(name, {ASK: answers(2, 2)}) for name in ("node1", "node2")}
    nodes[THIRD] = FakeNode(THIRD, {ASK: (1, "", "Cannot initialize QUORUM service")})
    with pytest.raises(Refused, match="nothing was reloaded"):
        change_votes(nodes, SIDES, 3)


def test_known_nodes_are_read() -> None:
    text = (
        '<nodes><node id="1" uname="node1"/><node id="3" uname="arbiter"><instance_attributes id="x"/></node></nodes>'
    )
    assert known_nodes(text) == {"node1", "arbiter"}
