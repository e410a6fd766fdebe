"""What the documents print is what the program prints."""

from __future__ import annotations

import re
import resource
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from support.files import HERE

from pcmk_ha.cli.app import app
from pcmk_ha.cli.sections import SECTIONS

ROOT = HERE.parent
PROGRAM = str(Path(sys.executable).with_name("pcmk-ha"))


def test_help_blocks_and_the_cluster_files_reference_are_current() -> None:
    done = subprocess.run(
        (sys.executable, str(ROOT / "tools/readme.py"), "--check"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n`make readme` prints them anew"


def test_every_command_stands_in_one_section_of_the_help() -> None:
    placed = [name for names in SECTIONS.values() for name in names]
    assert sorted(placed) == sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def test_every_command_is_explained_by_its_own_help_in_the_documents() -> None:
    text = "".join((ROOT / name).read_text() for name in ("README.md", "docs/operations.md", "docs/lab.md"))
    for name in typer.main.get_command(app).commands:  # type: ignore[attr-defined]
        assert f"<!-- help: {name} -->" in text, name


def commands_in_documents() -> Iterator[tuple[str, ...]]:
    """Yield every command line of ours in a code block, without what only shows it."""
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for block in re.findall(r"^```.*?^```", path.read_text().replace("\\\n", " "), re.M | re.S):
            for line in re.findall(r"^(?:[$#] )?pcmk-ha (?!--help:)(.*)$", block, re.M):
                for part in re.split(r";|&&| {2,}pcmk-ha ", re.sub(r"\s#.*", "", line)):
                    words = shlex.split(part.removeprefix(" pcmk-ha"), comments=True)
                    yield tuple(words[words.index("pcmk-ha") + 1 :] if "pcmk-ha" in words else words)


@pytest.mark.parametrize("words", sorted(set(commands_in_documents())), ids=" ".join)
def test_every_command_line_in_the_documents_is_one(words: tuple[str, ...]) -> None:
    """It is read, not run: every command, option and number of arguments is as the program has it."""
    command, rest = typer.main.get_command(app), list(words)
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        assert rest[0] in command.commands, f"no command {rest[0]}"
        command = command.commands[rest.pop(0)]
    if "--help" not in rest and "…" not in "".join(rest):
        command.make_context("pcmk-ha", rest)


def test_every_operation_of_the_guide_is_played_on_a_lab() -> None:
    played = "".join(path.read_text() for path in (ROOT / "tests/lab").glob("*.py"))
    for heading in re.findall(r"^## .*`.*$", (ROOT / "docs/operations.md").read_text(), re.M):
        for name in re.findall(r"`([^`]+)`", heading):
            assert f'"{name}"' in played, heading


def test_help_comes_at_once() -> None:
    """Its own time, whatever else this machine does."""
    times = []
    for _try in range(5):
        begin = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run((PROGRAM, "--help"), capture_output=True, timeout=30, check=True)
        end = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime)
    assert min(times) < 0.2, times


def test_help_loads_nothing_that_takes_long() -> None:
    """What takes long to load is loaded by those who need it: looked at, for a clock measures the machine, too."""
    heavy = ("fabric", "paramiko", "lxml", "pydantic", "jinja2", "rich", "psycopg", "ruamel", "pcmk_ha.model")
    code = "import sys, pcmk_ha.cli.app; print(*[name for name in sys.argv[1:] if name in sys.modules])"
    done = subprocess.run((sys.executable, "-c", code, *heavy), capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == []


def test_bad_input_ends_with_2_a_line_and_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text("name: x\nnodes: []\nvpi: 1\n")
    for command in (
        "check",
        "status",
        "bootstrap",
        "render --out /nonexistent/x",
        "destroy",
        "crm-show",
        "psql",
        "fence a",
        "switchover",
        "standby a",
        "maintenance on",
        "stop",
        "start",
        "plan",
        "apply",
        "fence-test",
        "verify",
        "resync",
        "split-brain",
        "grow",
        "rotate-secrets drbd",
        "add-arbiter",
        "remove-arbiter",
        "report",
    ):
        argv = (PROGRAM, *command.split(), "--file", str(path))
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 2, (command, done.stderr)
        assert f"{path}:3: vpi is not known" in done.stderr
        assert "did you mean vip?" in done.stderr
        assert "Traceback" not in done.stderr
