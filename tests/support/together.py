"""How a node of a test answers several questions that come in one command."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence


def answer_all(asked: Sequence[str], one: Callable[[tuple[str, ...]], tuple[int, str]]) -> tuple[int, str]:
    """Answer each question with `one`; `asked` is the mark, and the questions."""
    mark, *questions = asked
    answers = (one(tuple(shlex.split(question))) for question in questions)
    return 0, "".join(f"{text}{mark} {status}\n" for status, text in answers)
