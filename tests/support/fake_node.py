"""A node made of answers, for tests: what it was not told to answer is an error, not a guess."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from support.together import answer_all

from pcmk_ha.errors import CommandFailed
from pcmk_ha.remote import questions
from pcmk_ha.remote.runner import Outcome

Answer = str | tuple[int, str, str] | Callable[[str], str]  # stdout of a success, all of it, or made from stdin


class FakeNode:
    """A Runner that answers from a table: argv joined by blanks, or the longest known beginning of it."""

    def __init__(
        self, node: str, answers: Mapping[str, Answer], *, files: Mapping[str, str] | None = None, sudo: bool = False
    ) -> None:
        self._node = node
        self._answers = dict(answers)
        self._sudo = sudo
        self.files = dict(files or {})
        self.ran: list[tuple[str, ...]] = []
        self.fed: list[str] = []

    def answer(self, command: str, answer: Answer) -> None:
        """Answer another command, or one otherwise from now on."""
        self._answers[command] = answer

    @property
    def node(self) -> str:
        """The node's name."""
        return self._node

    @property
    def sudo(self) -> tuple[str, ...]:
        """As of a login that is not root's, where told so."""
        return ("sudo", "-n", "--") if self._sudo else ()

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        timeout: float = 30,
        ok: Collection[int] | None = (0,),
    ) -> Outcome:
        """Answer from the table; raises KeyError for a command nobody foresaw."""
        if tuple(argv[3:4]) == (questions.NAME,):
            return Outcome(tuple(argv), *answer_all(argv[4:], self._ask), "")
        self.ran.append(tuple(argv))
        self.fed.append(stdin or "")
        answer = self._find(" ".join(argv))
        if callable(answer):
            answer = answer(stdin or "")
        status, stdout, stderr = (0, answer, "") if isinstance(answer, str) else answer
        if ok is not None and status not in ok:
            raise CommandFailed(f"{self._node}: {' '.join(argv)} failed ({status}): {stderr}")
        return Outcome(tuple(argv), status, stdout, stderr)

    def _ask(self, argv: tuple[str, ...]) -> tuple[int, str]:
        if argv[0] == "cat":
            return (0, self.files[argv[1]]) if argv[1] in self.files else (1, "")
        outcome = self.run(argv, ok=None)
        return outcome.status, outcome.stdout

    def _find(self, command: str) -> Answer:
        known = [key for key in self._answers if command == key or command.startswith(f"{key} ")]
        if not known:
            raise KeyError(f"{self._node} was not told what to answer to: {command}")
        return self._answers[max(known, key=len)]

    def put(self, path: str, content: str, *, mode: int = 0o644, owner: str = "root:root") -> None:
        """Keep a file."""
        self.files[path] = content

    def read(self, path: str) -> str | None:
        """Return a kept file's text."""
        return self.files.get(path)
