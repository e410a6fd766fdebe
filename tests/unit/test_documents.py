"""What the documents print is what the program prints."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from support.files import HERE

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


def test_help_comes_at_once() -> None:
    times = []
    for _try in range(5):
        begin = time.monotonic()
        subprocess.run((PROGRAM, "--help"), capture_output=True, timeout=30, check=True)
        times.append(time.monotonic() - begin)
    assert min(times) < 0.25, times


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
    ):
        argv = (PROGRAM, *command.split(), "--file", str(path))
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 2, (command, done.stderr)
        assert f"{path}:3: vpi is not known" in done.stderr
        assert "did you mean vip?" in done.stderr
        assert "Traceback" not in done.stderr
