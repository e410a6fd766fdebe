"""Several questions to one node in one command: a session of SSH for each costs more than most of the answers."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Mapping, Sequence

from pcmk_ha.errors import CommandFailed
from pcmk_ha.remote.runner import Outcome, Runner

# Each answer is followed by the mark and the status; the mark is new each time, so that no answer can hold it.
SCRIPT = 'mark=$1; shift; for question; do eval "$question" 2>/dev/null; printf "%s %d\\n" "$mark" $?; done'
NAME = "questions"


def ask_all(runner: Runner, questions: Mapping[str, Sequence[str]], *, timeout: float) -> dict[str, Outcome]:
    """Return what each command answered, one after the other; any status is an answer, what goes to stderr is not.

    Raises CommandFailed when all of them together take longer than `timeout` seconds or end in the middle, and
    NodeUnreachable when SSH fails.
    """
    mark = f"--{secrets.token_hex(8)}--"
    argv = ("sh", "-c", SCRIPT, NAME, mark, *(shlex.join(question) for question in questions.values()))
    try:
        texts = runner.run(argv, timeout=timeout).stdout.split(mark)
    except CommandFailed:
        texts = []
    if len(texts) != len(questions) + 1:  # the shell did not come to its end
        programs = ", ".join(dict.fromkeys(question[0] for question in questions.values()))
        raise CommandFailed(f"{runner.node}: not all of these answered within {timeout:.0f} s: {programs}")
    answers: dict[str, Outcome] = {}
    text = texts[0]
    for (name, question), rest in zip(questions.items(), texts[1:], strict=True):
        status, _, after = rest.partition("\n")
        answers[name] = Outcome(tuple(question), int(status), text, "")
        text = after
    return answers
