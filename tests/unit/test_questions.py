"""Several questions to one node in one command: a real shell answers."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import pytest
from support.fake_node import FakeNode

from pcmk_ha.errors import CommandFailed
from pcmk_ha.remote.questions import ask_all
from pcmk_ha.remote.runner import Outcome


class Shell(FakeNode):
    """This machine, as far as it needs a shell only."""

    def run(self, argv: Sequence[str], **_options: object) -> Outcome:  # type: ignore[override]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, check=False)
        return Outcome(tuple(argv), done.returncode, done.stdout, done.stderr)


def test_each_question_has_its_own_answer_and_status() -> None:
    answers = ask_all(
        Shell("node1", {}),
        {
            "plain": ("printf", "%s", "one line without its end"),
            "silent": ("true",),
            "failed": ("sh", "-c", "echo partly; exit 11"),
            "quoted": ("printf", "%s\n", "a 'b' $HOME `id` *"),
            "missing": ("no-such-program-anywhere",),
            "noisy": ("sh", "-c", "echo aside >&2; echo said"),
        },
        timeout=5,
    )
    assert {name: (answer.status, answer.stdout) for name, answer in answers.items()} == {
        "plain": (0, "one line without its end"),
        "silent": (0, ""),
        "failed": (11, "partly\n"),
        "quoted": (0, "a 'b' $HOME `id` *\n"),
        "missing": (127, ""),
        "noisy": (0, "said\n"),
    }


def test_a_question_that_reads_its_input_takes_nothing_from_the_next() -> None:
    answers = ask_all(Shell("node1", {}), {"reads": ("cat",), "next": ("echo", "here")}, timeout=5)
    assert [answer.stdout for answer in answers.values()] == ["", "here\n"]


class Cut(FakeNode):
    """A node whose shell ends in the middle, or does not end in time."""

    def run(self, argv: Sequence[str], **_options: object) -> Outcome:  # type: ignore[override]
        if self.node == "late":
            raise CommandFailed("late: it did not end within 5 s")
        return Outcome(tuple(argv), -1, "the first answer, and then the shell was killed", "")


@pytest.mark.parametrize("name", ["killed", "late"])
def test_an_answer_that_ends_in_the_middle_is_no_answer(name: str) -> None:
    questions = {"first": ("crm_mon", "-1"), "second": ("cat", "a"), "third": ("cat", "b")}
    with pytest.raises(CommandFailed, match=f"^{name}: not all of these answered within 5 s: crm_mon, cat$"):
        ask_all(Cut(name, {}), questions, timeout=5)
